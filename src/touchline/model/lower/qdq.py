"""An ONNX network in int8, by ONNX Runtime's static quantiser. Needs no torch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static as quantise_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from touchline.model.lower.quiet import quiet
from touchline.runtime.golden import Array, Inputs


def quantise(file: Path, calibration: Inputs) -> None:
    """Put ``file``'s network into int8 in place, calibrated by the range its activations take on the samples."""
    with quiet(), tempfile.TemporaryDirectory() as work:
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
