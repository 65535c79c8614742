"""What every operator's translation works with: the file's tensors, and what becomes part of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import tflite
from numpy.typing import NDArray

from touchline.tiny.activations import clamp_of
from touchline.tiny.arrays import Array
from touchline.tiny.flatbuffer import RawModel, RawOp
from touchline.tiny.graph import SIZES, Clamp, DType, Pair, Quant, Tensor

_ACTIVATIONS: dict[int, str] = {
    value: name
    for name, value in vars(tflite.ActivationFunctionType).items()
    if isinstance(value, int) and not name.startswith("_")
}


class Unsupported(Exception):
    """What this operator has that the compiler does not take."""


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    """A float32 tensor that is a function of one int8 tensor, element by element.

    ``values``: for −128 to 127. ``untouched``: dequantised, no more.
    """

    source: int
    values: NDArray[np.float32]
    untouched: bool = False


class Translation:
    """One file on its way to a graph.

    ``place``: the operator in hand. ``reals``: float32 tensors that are known as functions of an int8 one.
    ``entries``: of float32 inputs, the int8 tensor that the file makes of each. ``known``: shapes and the like
    that the file computes. ``handles``: of variables, their names; ``read``, ``written``: by name, the tensor that
    a state is at first and at last. ``wrapped``: of indices that count from the
    end where they are negative, those that they are made of, and the number of entries.
    """

    def __init__(self, path: Path, raw: RawModel) -> None:
        self.path = path
        self.raw = raw
        self.tensors: dict[int, Tensor] = {}
        self.place = ""
        self.reals: dict[int, Real] = {}
        self.entries: dict[int, int] = {}
        self.known: dict[int, Array] = {}
        self.handles: dict[int, str] = {}
        self.read: dict[str, int] = {}
        self.written: dict[str, int] = {}
        self.wrapped: dict[int, Pair] = {}

    def check_tensors(self, op: RawOp) -> None:
        problems: list[str] = []
        for key in (*op.inputs, *op.outputs):
            if key < 0:
                continue
            try:
                self.check_tensor(key)
            except Unsupported as error:
                problems.append(str(error))
        if problems:
            raise Unsupported(" and ".join(dict.fromkeys(problems)))

    def check_tensor(self, key: int) -> None:
        raw = self.raw.tensors[key]
        if raw.dtype not in SIZES and raw.data is None:
            raise Unsupported(f"has the {raw.dtype} tensor {raw.name!r}")
        if raw.dtype not in SIZES and raw.dtype.startswith("float"):
            raise Unsupported(f"has {raw.dtype} constants ({raw.name!r})")
        # Batches of any size are compiled for the one the file names.
        if any(size < 1 for size in (*raw.shape, *raw.signature[1:])):
            raise Unsupported(f"has the dynamic shape {raw.signature} ({raw.name!r})")
        if raw.variable:
            raise Unsupported(f"keeps the state {raw.name!r}")

    def describe(self, key: int) -> Tensor:
        raw = self.raw.tensors[key]
        quant = None
        if raw.scales:
            zero_points = raw.zero_points or (0,) * len(raw.scales)
            if len(set(zero_points)) == 1:
                zero_points = zero_points[:1]
            quant = Quant(raw.scales, zero_points, raw.axis)
        return Tensor(raw.name, raw.shape, cast(DType, raw.dtype), quant, raw.data)

    def use(self, key: int, *dtypes: str) -> Tensor:
        """Tensor ``key``, now part of the graph; of one of ``dtypes``, int8 unless told."""
        if key < 0:
            raise Unsupported("lacks an input")
        tensor = self.tensors.setdefault(key, self.describe(key))
        if tensor.dtype not in (dtypes or ("int8",)):
            raise Unsupported(f"has {tensor.dtype} where int8 is wanted ({tensor.name!r})")
        return tensor

    def quantised(self, key: int, *dtypes: str) -> Tensor:
        """Like `use`, with one positive scale."""
        tensor = self.use(key, *dtypes)
        if tensor.quant is None or len(tensor.quant.scales) != 1 or not tensor.quant.scale > 0:
            raise Unsupported(f"has no single scale for {tensor.name!r}")
        return tensor

    def constant(self, key: int) -> list[int]:
        """The integers of a constant that says how, not what: axes, sizes, paddings."""
        data = self.integers(key) if key >= 0 else None
        if data is None:
            raise Unsupported("computes a shape or an axis at run time")
        return [int(value) for value in np.atleast_1d(data).ravel()]

    def integers(self, key: int) -> Array | None:
        """A constant of the file, or a shape that became known; else None."""
        return self.known.get(key, self.raw.tensors[key].data)

    def between(self, like: int, name: str, shape: tuple[int, ...]) -> int:
        """A tensor that the file does not have, quantised like ``like``."""
        tensor = self.tensors[like]
        return self.add(Tensor(f"{tensor.name} {name}", shape, tensor.dtype, tensor.quant))

    def add(self, tensor: Tensor) -> int:
        """The key of a tensor that the file does not have."""
        key = max(len(self.raw.tensors), *self.tensors, 0) + 1
        self.tensors[key] = tensor
        return key

    def clamp(self, op: RawOp, output: Tensor) -> Clamp:
        name = _ACTIVATIONS.get(op.options["FusedActivationFunction"], "?")
        clamp = clamp_of(name, output.q.scale, output.q.zero_point)
        if clamp is None:
            raise Unsupported(f"fuses the activation {name}")
        return clamp
