"""Target ``mcu``: a module → an int8 .tflite, int8 at its ends too, from which `touchline.tiny` makes C."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from touchline.model import trace
from touchline.model.lower import litert
from touchline.model.lower.litert_int8 import LiteRtQuantiser
from touchline.runtime.golden import Array, Sample
from touchline.types.errors import ConfigError, ModelError, ShapeError

_SAMPLES = 8


def quantised(
    module: nn.Module, example: Sequence[Tensor], calibration: Iterable[Any], file: Path, name: str
) -> list[Sample]:
    """Write ``file``, static int8 with weights per channel; what the float module answers to the first inputs.

    ``calibration``: real inputs, one tuple of arrays each, float32 and shaped like ``example``.

    Raises `ModelError`: cannot be traced, or holds operators that LiteRT's converter does not have (all are
    named); `ConfigError` without calibration; `ShapeError` for inputs unlike the example.
    """
    inputs = [_sample(given, example, f"{name}: calibration sample {i}") for i, given in enumerate(calibration)]
    if not inputs:
        raise ConfigError(f"{name}: int8 must see real inputs; give --calibration")
    if any(tensor.dtype != torch.float32 for tensor in example):
        raise ModelError(f"{name}: takes {[str(t.dtype) for t in example]}; target mcu takes float32 inputs alone")
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        program = trace.trace(module, tuple(example), name)
        missing = trace.unsupported(trace.decompose(program), litert.supports())
        if missing:
            raise trace.refuse(name, "mcu", missing, [])
        (file.parent / litert.lower(module, example, file.parent)).rename(file)
        LiteRtQuantiser(file, inputs, ends=True).write(file)
        return [_answered(module, arrays, name) for arrays in inputs[:_SAMPLES]]
    finally:
        for part, training in modes.items():
            part.training = training


def _sample(given: Any, example: Sequence[Tensor], where: str) -> tuple[Array, ...]:
    arrays = tuple(np.ascontiguousarray(each) for each in (given if isinstance(given, tuple | list) else (given,)))
    mine = [(array.shape, str(array.dtype)) for array in arrays]
    want = [(tuple(tensor.shape), str(tensor.numpy().dtype)) for tensor in example]
    if mine != want:
        raise ShapeError(f"{where} is {mine}, the example is {want}; make them alike")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ShapeError(f"{where} holds a NaN or an infinity; leave it out")
    return arrays


def _answered(module: nn.Module, arrays: tuple[Array, ...], name: str) -> Sample:
    with torch.no_grad():
        answer: Any = module(*(torch.from_numpy(array.copy()) for array in arrays))
    outputs = answer if isinstance(answer, tuple | list) else (answer,)
    if not all(isinstance(each, Tensor) for each in outputs):
        raise ModelError(f"{name}: answers {type(answer).__name__}; let it return a tensor or a tuple of tensors")
    return Sample(arrays, tuple(each.numpy() for each in outputs))
