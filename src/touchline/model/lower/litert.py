"""Target ``edge``: LiteRT, the lightest runtime on a box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from touchline.runtime.golden import Inputs
from touchline.runtime.quiet import quiet

FILE = "model.tflite"
_SIGNATURE = "serving_default"


def supports() -> Any:
    """Of each graph node, whether the converter lowers it."""
    with quiet():
        from litert_torch.backend.lowerings import registry

    def known(node: Any) -> bool:
        return registry.lookup(node.target) is not None

    return known


def lower(
    module: nn.Module, example: Sequence[Tensor], folder: Path, calibration: Inputs | None, *, ends: bool = False
) -> str:
    """Write model.tflite; with ``calibration`` in int8 (static, weights per channel) but for what goes in and
    out, and that too with ``ends``. Returns the file's name."""
    with quiet():
        import litert_torch

        litert_torch.convert(module, tuple(example)).export(str(folder / FILE))
        if calibration is not None:
            _quantise(folder / FILE, calibration, ends=ends)
    _weights_inside(folder / FILE)
    return FILE


def _quantise(file: Path, calibration: Inputs, *, ends: bool) -> None:
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import calibrator, quantizer, recipe, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    rules: list[dict[str, Any]] = recipe.static_wi8_ai8() + [
        {
            "regex": ".*",
            "operation": edge,
            "algorithm_key": "no_quantize",
            "op_config": {"weight_tensor_config": None},
        }
        for edge in (() if ends else ("INPUT", "OUTPUT"))
    ]
    names: list[str] = Interpreter(str(file)).get_signature_list()[_SIGNATURE]["inputs"]
    feeds = [dict(zip(names, sample, strict=True)) for sample in calibration]
    # By least and greatest values: the quantiser's own moving average hangs on the first few samples, and what is
    # beyond it saturates.
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(rules)
    seen = calibrator.Calibrator(str(file), num_threads=1, qsv_update_func=qsv_utils.min_max_update)
    seen.calibrate({_SIGNATURE: feeds}, manager)
    work = quantizer.Quantizer(str(file))
    work.load_quantization_recipe(rules)
    work.quantize(seen.get_model_qsvs()).export_model(str(file), overwrite=True)
    file.chmod(0o644)


def _weights_inside(file: Path) -> None:
    """Bring weights that lie outside the flatbuffer into it. The quantiser leaves them there, where some runtimes
    read garbage and say that all is well."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    data = file.read_bytes()
    model: Any = schema.ModelT.InitFromPackedBuf(data, 0)
    outside = [buffer for buffer in model.buffers if buffer.offset > 1]
    for buffer in outside:
        buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0
    if outside:
        builder: Any = flatbuffers.Builder(len(data))
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        file.write_bytes(builder.Output())
