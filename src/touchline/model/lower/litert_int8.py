"""A LiteRT network in int8, by ai-edge-quantizer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from touchline.runtime.golden import Inputs
from touchline.runtime.quiet import quiet

_SIGNATURE = "serving_default"
_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")


class LiteRtQuantiser:
    """A float network, calibrated once by the range its activations take on samples, then written in int8 as often
    as wanted: static, weights per channel.

    ``ends``: whether what goes in and out is int8 too. ``layers``: the label of every layer with weights, and its
    operator, in the graph's order.
    """

    def __init__(self, file: Path, calibration: Inputs, *, ends: bool = False) -> None:
        with quiet():
            from ai_edge_litert.interpreter import Interpreter
            from ai_edge_quantizer import calibrator, recipe, recipe_manager
            from ai_edge_quantizer.utils import qsv_utils

            self._float = file.read_bytes()
            (self._rule,) = recipe.static_wi8_ai8()
            self._always = [] if ends else [_left(".*", "INPUT"), _left(".*", "OUTPUT")]
            network: Any = Interpreter(model_content=self._float)
            names: list[str] = network.get_signature_list()[_SIGNATURE]["inputs"]
            feeds = [dict(zip(names, sample, strict=True)) for sample in calibration]
            manager = recipe_manager.RecipeManager()
            manager.load_quantization_recipe([self._rule, *self._always])
            # By least and greatest values: the quantiser's own moving average hangs on the first few samples, and
            # what is beyond it saturates.
            seen = calibrator.Calibrator(str(file), num_threads=1, qsv_update_func=qsv_utils.min_max_update)
            seen.calibrate({_SIGNATURE: feeds}, manager)
            self._ranges: Any = seen.get_model_qsvs()
        self._scopes = _labelled(network)
        self.layers: Mapping[str, str] = {label: operator for label, (_, operator) in self._scopes.items()}

    def write(self, file: Path, *, only: Sequence[str] = (), leave: Sequence[str] = ()) -> None:
        """The network in int8 as ``file``: ``only`` these layers, or all but those to ``leave`` in float."""
        rules: list[dict[str, Any]] = (
            [self._rule | {"regex": self._scopes[label][0]} for label in only] if only else [self._rule]
        )
        rules += [_left(self._scopes[label][0], "*") for label in leave] + self._always
        with quiet():
            from ai_edge_quantizer import quantizer

            file.write_bytes(self._float)
            work = quantizer.Quantizer(str(file))
            work.load_quantization_recipe(rules)
            work.quantize(self._ranges).export_model(str(file), overwrite=True)
        file.chmod(0o644)
        _weights_inside(file)


def _left(scope: str, operation: str) -> dict[str, Any]:
    return {
        "regex": scope,
        "operation": operation,
        "algorithm_key": "no_quantize",
        "op_config": {"weight_tensor_config": None},
    }


def _labelled(network: Any) -> dict[str, tuple[str, str]]:
    """Layers by label: the quantiser's expression for each, and its operator. A label is what the module called
    the layer, as far as the converter still tells, else the name of what it gives."""
    found: dict[str, tuple[str, str]] = {}
    for op in network._get_ops_details():  # LiteRT has no public way to list operators
        if op["op_name"] not in _LAYERS:
            continue
        name = str(network._get_tensor_details(int(op["outputs"][0]), 0)["name"])
        label = _label(name)
        found[label if label not in found else name] = (f"^{re.escape(name)};$", str(op["op_name"]))
    return found


def _label(name: str) -> str:
    """``stem.0`` of ``net.Net/torch.nn.modules.container.Sequential_stem/torch.nn.modules.conv.Conv2d_0;1``."""
    modules = [
        part.split("/")[1:] for part in name.split(";") if re.search(r"/torch\.nn\.modules\.(conv|linear)\.", part)
    ]
    if not modules:
        return name
    return ".".join(step.rpartition(".")[2].partition("_")[2] or step for step in modules[-1])


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
