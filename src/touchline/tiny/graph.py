"""The small graph that everything here works on: typed tensors, typed operators, in the order they run.

Quantisation is TFLite's: real = scale · (q − zero point). Activations are int8 with one scale; weights are
int8 with one scale or one per output channel and zero point 0; biases are int32. Images are NHWC.
What a front end leaves implicit (SAME padding, fused activations, axes counted from the end) is explicit here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import ModelError

DType = Literal["int8", "uint8", "int16", "int32"]
SIZES: dict[str, int] = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4}
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Quant:
    """``scales``: one, or one per channel along ``axis``; float32 values, as the file has them."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        return self.zero_points[0]


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """``data`` is there if it is a constant; then of ``shape`` and ``dtype``."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quant: Quant | None = None
    data: NDArray[np.generic] | None = None

    @property
    def q(self) -> Quant:
        """Its quantisation; `ModelError` where there is none."""
        if self.quant is None:
            raise ModelError(f"tensor {self.name!r}: has no scale; quantise the model to int8")
        return self.quant

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * SIZES[self.dtype]


@dataclass(frozen=True, slots=True)
class Padding:
    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class Clamp:
    """What a fused activation leaves: the output's bounds, quantised."""

    low: int = -128
    high: int = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """``inputs`` and ``output`` are keys of `Graph.tensors`; ``place`` says where the user finds it."""

    inputs: tuple[int, ...]
    output: int
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv2D(Op):
    """input, filter OHWI, bias or none."""

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = field(default_factory=Padding)
    clamp: Clamp = field(default_factory=Clamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvAdd(Conv2D):
    """A convolution and the ADD behind it: input, filter, (bias,) summand; the sum is written over the summand.

    ``middle``: what the convolution alone would give; never stored.
    """

    middle: Tensor
    add_clamp: Clamp


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthwiseConv2D(Op):
    """input, filter 1HWO, bias or none; O = input channels · multiplier."""

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = field(default_factory=Padding)
    clamp: Clamp = field(default_factory=Clamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransposeConv2D(Op):
    """input, filter OHWI, bias or none; ``padding`` is what is cut off the full output."""

    stride: Pair = (1, 1)
    padding: Padding = field(default_factory=Padding)
    clamp: Clamp = field(default_factory=Clamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class FullyConnected(Op):
    """input (…, I) taken as rows of I, filter OI, bias or none."""

    clamp: Clamp = field(default_factory=Clamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool2D(Op):
    """Padding counts for neither maximum nor average."""

    kind: Literal["average", "max"]
    window: Pair
    stride: Pair
    padding: Padding = field(default_factory=Padding)
    clamp: Clamp = field(default_factory=Clamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Op):
    """Element by element, shapes broadcast as in numpy; an input may be a constant."""

    kind: Literal["add", "sub", "mul", "maximum", "minimum"]
    clamp: Clamp = field(default_factory=Clamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup(Op):
    """output = table[input]: an activation or a requantisation. (256,) in the output's dtype, first that of the
    smallest input value; input and output are int8 or uint8."""

    function: str
    table: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Op):
    """Over the last axis."""

    beta: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce(Op):
    """Over ``axes``, sorted and next to each other but for axes of size 1; the output's shape says whether they
    are kept."""

    kind: Literal["mean", "sum", "max"]
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Op):
    """Quantisation of all inputs equals the output's."""

    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pad(Op):
    """``before`` and ``after`` per axis, filled with the quantised ``value``."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape(Op):
    """The same elements in the same order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StridedSlice(Op):
    """From ``begin`` by ``stride`` (may be negative), ``size`` elements per axis of the input.

    The output has as many elements; axes of size 1 may be missing from its shape.
    """

    begin: tuple[int, ...]
    stride: tuple[int, ...]
    size: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize(Op):
    """Height and width (axes 1 and 2) to the output's."""

    kind: Literal["nearest", "bilinear"]
    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """``ops`` run in this order; each tensor is a constant, an input, or made by one of them."""

    name: str
    tensors: dict[int, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def with_ops(self, ops: tuple[Op, ...]) -> Graph:
        """The same with other ``ops``; tensors that nothing speaks of any more are dropped."""
        used = {key for op in ops for key in (*op.inputs, op.output)} | {*self.inputs, *self.outputs}
        return replace(self, ops=ops, tensors={key: value for key, value in self.tensors.items() if key in used})

    def consumers(self, key: int) -> Iterator[Op]:
        return (op for op in self.ops if key in op.inputs)

    def is_constant(self, key: int) -> bool:
        return self.tensors[key].data is not None


def verify(graph: Graph) -> None:
    """Everything that the rest of the compiler relies on.

    Raises `ModelError` with all that is wrong, each with its place.
    """
    problems: list[str] = []
    known = {key for key, tensor in graph.tensors.items() if tensor.data is not None} | set(graph.inputs)
    for key, tensor in graph.tensors.items():
        if any(size < 1 for size in tensor.shape):
            problems.append(f"tensor {tensor.name!r} has the shape {tensor.shape}, not fixed and positive sizes")
        if tensor.data is not None and (
            tensor.data.shape != tensor.shape or tensor.data.dtype != np.dtype(tensor.dtype)
        ):
            problems.append(
                f"tensor {tensor.name!r} holds {tensor.data.dtype} {tensor.data.shape}, not what it says"
            )
        if key in graph.inputs and tensor.data is not None:
            problems.append(f"input {tensor.name!r} is a constant")
    for op in graph.ops:
        problems.extend(
            f"{op.place} reads tensor {key} before it is made" for key in op.inputs if key not in known
        )
        if op.output in known:
            problems.append(f"{op.place} writes tensor {op.output} a second time")
        known.add(op.output)
        problems.extend(f"{op.place} {what}" for what in _misfits(graph, op))
    problems.extend(f"output {key} is made by nothing" for key in graph.outputs if key not in known)
    if not graph.ops:
        problems.append("it has no operator")
    if problems:
        raise ModelError(f"{graph.name}: {'; '.join(problems)}; export the model again")


def _misfits(graph: Graph, op: Op) -> Iterator[str]:
    tensors = [graph.tensors[key] for key in op.inputs if key in graph.tensors]
    output = graph.tensors[op.output]
    if len(tensors) != len(op.inputs):
        return
    match op:
        case ConvAdd():
            if tensors[-1].shape != output.shape or op.middle.shape != output.shape:
                yield f"sums {op.middle.shape} and {tensors[-1].shape} to {output.shape}"
            yield from _convolution(op, tensors[:-1], op.middle)
        case Conv2D() | DepthwiseConv2D() | TransposeConv2D():
            yield from _convolution(op, tensors, output)
        case FullyConnected():
            weights = tensors[1]
            if len(weights.shape) != 2:
                yield f"has a filter {weights.shape}, not two axes"
                return
            if tensors[0].elements % weights.shape[1]:
                yield f"takes rows of {weights.shape[1]} from {tensors[0].shape}"
            elif output.elements != tensors[0].elements // weights.shape[1] * weights.shape[0]:
                yield f"gives {output.shape} from {tensors[0].shape} by {weights.shape}"
            yield from _weights(tensors, weights.shape[0])
        case Pool2D():
            if len(tensors[0].shape) != 4 or len(output.shape) != 4:
                yield f"must have four axes, has {tensors[0].shape} and {output.shape}"
                return
            if min(*op.stride, *op.window) < 1:
                yield f"has the window {op.window} and the stride {op.stride}"
                return
            yield from _spatial(tensors[0], output, op.window, op.stride, (1, 1), op.padding)
            yield from _same_quant(tensors[:1], output)
        case Binary():
            try:
                shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
            except ValueError:
                yield f"cannot broadcast {tensors[0].shape} with {tensors[1].shape}"
                return
            if shape != output.shape:
                yield f"gives {output.shape}, not {shape}"
        case Lookup():
            if len(op.table) != 256 or tensors[0].shape != output.shape:
                yield f"maps {tensors[0].shape} to {output.shape} by {len(op.table)} values"
        case Softmax():
            if tensors[0].shape != output.shape:
                yield f"gives {output.shape} from {tensors[0].shape}"
        case Reduce():
            kept = prod(size for axis, size in enumerate(tensors[0].shape) if axis not in op.axes)
            if any(not 0 <= axis < len(tensors[0].shape) for axis in op.axes) or output.elements != kept:
                yield f"gives {output.shape} from {tensors[0].shape} over axes {op.axes}"
        case Concat():
            rank = len(output.shape)
            if not 0 <= op.axis < rank or any(len(tensor.shape) != rank for tensor in tensors):
                yield f"joins {[tensor.shape for tensor in tensors]} along axis {op.axis}"
                return
            joined = list(tensors[0].shape)
            joined[op.axis] = sum(tensor.shape[op.axis] for tensor in tensors)
            if tuple(joined) != output.shape:
                yield f"gives {output.shape}, not {tuple(joined)}"
            yield from _same_quant(tensors, output)
        case Pad():
            grown = tuple(a + b + c for a, b, c in zip(op.before, tensors[0].shape, op.after, strict=False))
            if grown != output.shape or min(*op.before, *op.after) < 0:
                yield f"gives {output.shape}, not {grown}"
            yield from _same_quant(tensors[:1], output)
        case Reshape():
            if tensors[0].elements != output.elements or tensors[0].dtype != output.dtype:
                yield f"makes {output.shape} of {tensors[0].shape}"
        case StridedSlice():
            shape = tensors[0].shape
            if (
                not len(shape) == len(op.begin) == len(op.stride) == len(op.size)
                or prod(op.size) != output.elements
            ):
                yield f"takes {op.size} of {shape}, gives {output.shape}"
                return
            last = [b + (n - 1) * s for b, n, s in zip(op.begin, op.size, op.stride, strict=True)]
            if any(not (0 <= b < n and 0 <= e < n) for b, e, n in zip(op.begin, last, shape, strict=True)):
                yield f"takes {op.begin} to {last} of {shape}"
            yield from _same_quant(tensors[:1], output)
        case Resize():
            shape = tensors[0].shape
            if (
                len(shape) != 4
                or len(output.shape) != 4
                or (shape[0], shape[3]) != (output.shape[0], output.shape[3])
            ):
                yield f"gives {output.shape} from {shape}"
            yield from _same_quant(tensors[:1], output)
        case _:
            yield f"is a {type(op).__name__}, which the verifier does not know"


def _convolution(
    op: Conv2D | DepthwiseConv2D | TransposeConv2D, tensors: list[Tensor], output: Tensor
) -> Iterator[str]:
    image, weights = tensors[0], tensors[1]
    if len(image.shape) != 4 or len(weights.shape) != 4 or len(output.shape) != 4:
        yield f"must have four axes, has {image.shape}, {weights.shape}, {output.shape}"
        return
    depthwise = isinstance(op, DepthwiseConv2D)
    channels = weights.shape[3] if depthwise else weights.shape[0]
    if output.shape[3] != channels or output.shape[0] != image.shape[0]:
        yield f"gives {output.shape} from {channels} filters and {image.shape[0]} images"
    if depthwise and (channels % image.shape[3] or weights.shape[0] != 1):
        yield f"has a filter {weights.shape} for {image.shape[3]} channels"
    if not depthwise and weights.shape[3] != image.shape[3]:
        yield f"has a filter {weights.shape} for {image.shape[3]} channels"
    if min(*op.stride) < 1:
        yield f"has the stride {op.stride}"
        return
    if not isinstance(op, TransposeConv2D):
        yield from _spatial(image, output, weights.shape[1:3], op.stride, op.dilation, op.padding)
    yield from _weights(tensors, channels)


def _spatial(
    image: Tensor, output: Tensor, window: tuple[int, ...], stride: Pair, dilation: Pair, padding: Padding
) -> Iterator[str]:
    if min(padding.top, padding.bottom, padding.left, padding.right) < 0 or min(*dilation) < 1:
        yield f"has the padding {padding} and the dilation {dilation}"
        return
    for axis, before, after in ((0, padding.top, padding.bottom), (1, padding.left, padding.right)):
        reach = (window[axis] - 1) * dilation[axis] + 1
        size = (image.shape[1 + axis] + before + after - reach) // stride[axis] + 1
        if output.shape[1 + axis] != size:
            yield f"gives {output.shape} from {image.shape}, not {size} along axis {1 + axis}"


def _weights(tensors: list[Tensor], channels: int) -> Iterator[str]:
    weights = tensors[1]
    if weights.quant is None or len(weights.quant.scales) not in (1, channels):
        yield f"has {0 if weights.quant is None else len(weights.quant.scales)} scales for {channels} channels"
    elif any(weights.quant.zero_points):
        yield "has weights with a zero point other than 0"
    if len(tensors) > 2 and (tensors[2].elements != channels or tensors[2].dtype != "int32"):
        yield f"has a {tensors[2].dtype} bias {tensors[2].shape} for {channels} channels"


def _same_quant(tensors: list[Tensor], output: Tensor) -> Iterator[str]:
    for tensor in tensors:
        if tensor.quant != output.quant:
            yield f"would have to requantise {tensor.name!r} to {output.name!r}"
