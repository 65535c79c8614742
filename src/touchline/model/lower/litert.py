"""Target ``edge``: LiteRT, the lightest runtime on a box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from touchline.model.lower.quiet import quiet
from touchline.runtime.golden import Inputs
from touchline.types.errors import ModelError

FILE = "model.tflite"
_SIGNATURE = "serving_default"


def supports() -> Any:
    """Of each graph node, whether the converter lowers it."""
    from litert_torch.backend.lowerings import registry

    def known(node: Any) -> bool:
        return registry.lookup(node.target) is not None

    return known


def lower(module: nn.Module, example: Sequence[Tensor], folder: Path, calibration: Inputs | None) -> str:
    """Write model.tflite; with ``calibration`` in int8 (static, weights per channel) but for what goes in and
    out. Returns the file's name."""
    with quiet():
        import litert_torch

        litert_torch.convert(module, tuple(example)).export(str(folder / FILE))
        if calibration is not None:
            _quantise(folder / FILE, calibration)
    _weights_inside(folder / FILE)
    return FILE


def _quantise(file: Path, calibration: Inputs) -> None:
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    rules: list[dict[str, Any]] = recipe.static_wi8_ai8() + [
        {
            "regex": ".*",
            "operation": edge,
            "algorithm_key": "no_quantize",
            "op_config": {"weight_tensor_config": None},
        }
        for edge in ("INPUT", "OUTPUT")
    ]
    names: list[str] = Interpreter(str(file)).get_signature_list()[_SIGNATURE]["inputs"]
    feeds = [dict(zip(names, sample, strict=True)) for sample in calibration]
    work = quantizer.Quantizer(str(file))
    work.load_quantization_recipe(rules)
    ranges: Any = work.calibrate({_SIGNATURE: feeds})
    work.quantize(ranges).export_model(str(file), overwrite=True)
    file.chmod(0o644)


def _weights_inside(file: Path) -> None:
    """Refuse a file whose weights lie outside its flatbuffer: some runtimes read garbage there and say OK."""
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.Model.GetRootAs(file.read_bytes(), 0)
    outside = sum(model.Buffers(index).Offset() > 1 for index in range(model.BuffersLength()))
    if outside:
        raise ModelError(
            f"{file.name}: {outside} weights lie outside the flatbuffer; not every runtime finds them"
        )
