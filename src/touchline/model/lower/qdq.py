"""An ONNX network in int8, by ONNX Runtime's static quantiser. Needs no torch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static as quantise_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from touchline.runtime.golden import Array, Inputs
from touchline.runtime.quiet import quiet

_LAYERS = ("Conv", "ConvTranspose", "MatMul", "Gemm")


class OnnxQuantiser:
    """A float network, calibrated once by the range its activations take on samples, then written in int8 as often
    as wanted. To be used in a ``with``.

    ``layers``: the label of every layer with weights that int8 is for, and its operator, in the graph's order.
    """

    def __init__(self, file: Path, calibration: Inputs) -> None:
        self._calibration = calibration
        self._work = tempfile.TemporaryDirectory()
        self._ready = Path(self._work.name) / "ready.onnx"
        self._ranges = Path(self._work.name) / "ranges.json"
        with quiet():
            quant_pre_process(str(file), str(self._ready), skip_symbolic_shape=True)
        model = onnx.load(self._ready)
        self._inputs = [node.name for node in model.graph.input]
        self._nodes = _labelled(model)
        onnx.save(model, self._ready)
        self.layers: Mapping[str, str] = {label: operator for label, (_, operator) in self._nodes.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work.cleanup()

    def write(self, file: Path, *, only: Sequence[str] = (), leave: Sequence[str] = ()) -> None:
        """The network in int8 as ``file`` (QDQ, weights per channel): ``only`` these layers, or all but those to
        ``leave`` in float."""
        with quiet():
            quantise_static(
                str(self._ready),
                str(file),
                _Reader(self._inputs, self._calibration),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                reduce_range=True,  # processors without VNNI add pairs of products in 16 bits
                nodes_to_quantize=[self._nodes[label][0] for label in only],
                nodes_to_exclude=[self._nodes[label][0] for label in leave],
                calibration_cache_path=self._ranges,
            )


def _labelled(model: onnx.ModelProto) -> dict[str, tuple[str, str]]:
    """Layers by label: their nodes' names, which every node has afterwards, and operators. A label is what the
    module or its author called the layer, as far as the file still tells."""
    weights = {each.name for each in model.graph.initializer}
    found: dict[str, tuple[str, str]] = {}
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
        own = [name for name in node.input[1:] if name in weights]
        if node.op_type in _LAYERS and own:
            label = own[0].removesuffix(".weight") if own[0].endswith(".weight") else node.name
            found[label if label not in found else node.name] = (node.name, node.op_type)
    return found


class _Reader(CalibrationDataReader):
    def __init__(self, names: Sequence[str], samples: Inputs) -> None:
        self._feeds: Iterator[dict[str, Array]] = (dict(zip(names, sample, strict=True)) for sample in samples)

    def get_next(self) -> Any:
        return next(self._feeds, None)
