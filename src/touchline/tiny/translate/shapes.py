"""Shapes that the file computes at run time, though all shapes are fixed: computed here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from touchline.tiny.arrays import Array
from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.translate.moves import resolved
from touchline.tiny.translate.translation import Translation


def settle(t: Translation, op: RawOp) -> bool:
    """Whether ``op`` computes with integers that are known: then its outputs are known too, and it is done."""
    if op.name == "SHAPE":
        t.known[op.outputs[0]] = np.array(t.raw.tensors[op.inputs[0]].shape, np.int32)
        return True
    function = _FUNCTIONS.get(op.name)
    if function is None or t.raw.tensors[op.outputs[0]].dtype not in ("int32", "int64"):
        return False
    values = [t.integers(key) for key in op.inputs if key >= 0]
    if any(value is None for value in values):
        return False
    made = function(op, [np.asarray(value) for value in values])
    raw = t.raw.tensors[op.outputs[0]]
    t.known[op.outputs[0]] = np.asarray(made).astype(raw.dtype)
    return True


def _slice(op: RawOp, values: list[Array]) -> Array:
    array = values[0]
    begin, end, stride = ([int(v) for v in value.ravel()] for value in values[1:4])
    begins, sizes, strides = resolved(op.options, array.shape, begin, end, stride)
    for axis, (first, size, step) in enumerate(zip(begins, sizes, strides, strict=True)):
        array = np.take(array, first + step * np.arange(size), axis=axis)
    shrunk = [axis for axis in range(array.ndim) if op.options["ShrinkAxisMask"] >> axis & 1]
    return array.squeeze(tuple(shrunk))


_FUNCTIONS: dict[str, Callable[[RawOp, list[Array]], Array]] = {
    "STRIDED_SLICE": _slice,
    "PACK": lambda op, values: np.stack(values, op.options["Axis"]),
    "CONCATENATION": lambda op, values: np.concatenate(values, op.options["Axis"]),
    "GATHER": lambda op, values: np.take(values[0], values[1].astype(np.int64), axis=op.options["Axis"]),
    "CAST": lambda _, values: values[0],
    "RESHAPE": lambda _, values: values[0].reshape([int(v) for v in values[1].ravel()]),
    "SQUEEZE": lambda _, values: values[0].squeeze(),
    "EXPAND_DIMS": lambda _, values: np.expand_dims(values[0], int(values[1].ravel()[0])),
    "REDUCE_PROD": lambda op, values: np.prod(
        values[0].astype(np.int64),
        axis=tuple(int(v) for v in values[1].ravel()),
        keepdims=bool(op.options["KeepDims"]),
    ),
    "ADD": lambda _, values: np.add(values[0].astype(np.int64), values[1].astype(np.int64)),
    "SUB": lambda _, values: np.subtract(values[0].astype(np.int64), values[1].astype(np.int64)),
    "MUL": lambda _, values: np.multiply(values[0].astype(np.int64), values[1].astype(np.int64)),
}
