"""Target ``server``: ONNX, for ONNX Runtime and whatever execution provider it finds there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static as quantise_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch.export import ExportedProgram
from torch.onnx._internal.exporter import _dispatching, _registration

from touchline.model.lower.quiet import quiet
from touchline.runtime.golden import Array, Inputs
from touchline.types.errors import ModelError

FILE = "model.onnx"


def supports() -> Any:
    """Of each graph node, whether the exporter knows it. (The exporter itself stops at the first it does not.)"""
    registry = _registration.ONNXRegistry.from_torchlib()

    def known(node: Any) -> bool:
        return _dispatching.dispatch(node, registry)[0] is not None

    return known


def lower(program: ExportedProgram, folder: Path, calibration: Inputs | None) -> str:
    """Write model.onnx; with ``calibration`` in int8 (static, QDQ, weights per channel). Returns its name."""
    with quiet():
        exported = torch.onnx.export(program, dynamo=True, verbose=False)
    if exported is None:
        raise ModelError("the exporter to ONNX gave nothing; report it with the model")
    exported.save(str(folder / FILE), external_data=False)
    if calibration is not None:
        with quiet():
            quantise(folder / FILE, calibration)
    onnx.checker.check_model(str(folder / FILE))
    return FILE


def quantise(file: Path, calibration: Inputs) -> None:
    """Put ``file``'s network into int8 in place, calibrated by the range its activations take on the samples."""
    with tempfile.TemporaryDirectory() as work:
        ready = Path(work) / "ready.onnx"
        quant_pre_process(str(file), str(ready), skip_symbolic_shape=True)
        names = [node.name for node in onnx.load(ready).graph.input]
        quantise_static(
            str(ready),
            str(file),
            _Reader(names, calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,  # processors without VNNI add pairs of products in 16 bits
        )


class _Reader(CalibrationDataReader):
    def __init__(self, names: Sequence[str], samples: Inputs) -> None:
        self._feeds: Iterator[dict[str, Array]] = (dict(zip(names, sample, strict=True)) for sample in samples)

    def get_next(self) -> Any:
        return next(self._feeds, None)
