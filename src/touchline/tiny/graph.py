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

from touchline.tiny.arrays import Array
from touchline.types.errors import ModelError

DType = Literal["int8", "uint8", "int16", "int32", "int64", "bool"]
SIZES: dict[str, int] = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4, "int64": 8, "bool": 1}
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
    data: Array | None = None

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
class Banded(Op):
    """Convolutions and pools one behind the other, computed together, ``rows`` rows of the last one's output at a
    time, so that what is between them is never whole: image, then the constants of all.

    ``chain``: the first reads the image, each other one what the one before it makes. ``between``: those tensors.
    """

    chain: tuple[Conv2D | DepthwiseConv2D | Pool2D, ...]
    between: tuple[Tensor, ...]
    rows: int


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
class MatMul(Op):
    """a (…, M, K), b (…, K, N) or, ``transposed``, (…, N, K), int32 bias (N,) or none → (…, M, N). The axes before
    the last two are the same, or those of one matrix for all of the other's. a or b may be constant.
    """

    transposed: bool = False
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
    """Element by element, shapes broadcast as in numpy; an input may be a constant. prelu: input, alpha.
    Comparisons give bool."""

    kind: Literal[
        "add", "sub", "mul", "div", "maximum", "minimum", "squared_difference", "prelu",
        "equal", "not_equal", "greater", "greater_equal", "less", "less_equal",
    ]  # fmt: skip
    clamp: Clamp = field(default_factory=Clamp)


COMPARISONS = ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")
"""Kinds of `Binary` that give bool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Op):
    """bool condition, what to take where it holds, what else; broadcast like `Binary`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup(Op):
    """output = table[input]: an activation or a requantisation. (256,) in the output's dtype, first that of the
    smallest input value; input and output are int8 or uint8."""

    function: str
    table: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm(Op):
    """A sequence through one LSTM cell, from a state of zero: input (1, steps, I); of the input gate, the forget
    gate, the candidate and the output gate: filters (S, I), then filters of the state (S, S), then biases (S,).
    Output (1, steps, S).

    ``state``: the state's quantisation. ``cell_bits``: the cell is int16 of scale 2^cell_bits, −15 to −1.
    ``cell_clip``: its greatest magnitude, quantised; 0: any.
    """

    state: Quant
    cell_bits: int
    cell_clip: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SvdfState(Op):
    """input (1, I), state (1, F · M) int8 or int16, filter (F, I) → the state with the newest feature behind the
    other M − 1 of each filter.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SvdfTime(Op):
    """state (1, F · M), filter (F, M) of its dtype, int32 bias (F / rank,) or none → (1, F / rank): over ``rank``
    filters' features at a time."""

    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Requantise(Op):
    """QUANTIZE between integers of which one has more than 8 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Op):
    """Over the last axis; the output is int8 or int16. ``log``: its logarithm, int8."""

    beta: float = 1.0
    log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class L2Norm(Op):
    """Over the last axis: each row by its length. The output has scale 1/128 and zero point 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax(Op):
    """The place of the largest (or smallest) along ``axis``, the first of equals: int32 or int64."""

    kind: Literal["max", "min"]
    axis: int


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
class Rearrange(Op):
    """output[i, j, …] = input[offset + i · stride[0] + j · stride[1] + …], the input as one row of elements.

    Transpositions, reversals, repetitions (stride 0). ``size``: how far each index goes.
    """

    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(Op):
    """The entries ``indices`` along ``axis``, in that order."""

    axis: int
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(Op):
    """data, int32 indices computed at run time → the entries of data along ``axis``; of an index out of range, the
    nearest. ``wraps``: negative indices count from the end."""

    axis: int
    wraps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize(Op):
    """Height and width (axes 1 and 2) to the output's."""

    kind: Literal["nearest", "bilinear"]
    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """``ops`` run in this order; each tensor is a constant, an input, or made by one of them.

    ``reals``: inputs and outputs that the file has as float32 and quantises or dequantises itself; the caller
    does that. ``states``: inputs, each with the output that it is given in the next run.
    """

    name: str
    tensors: dict[int, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    reals: tuple[int, ...] = ()
    states: tuple[Pair, ...] = ()

    def with_ops(self, ops: tuple[Op, ...]) -> Graph:
        """The same with other ``ops``; tensors that nothing speaks of any more are dropped."""
        used = {key for op in ops for key in (*op.inputs, op.output)} | {*self.inputs, *self.outputs}
        return replace(self, ops=ops, tensors={key: value for key, value in self.tensors.items() if key in used})

    def inside(self, op: Banded) -> Graph:
        """This graph with what is between the convolutions of ``op``."""
        made = {inner.output: tensor for inner, tensor in zip(op.chain, op.between, strict=False)}
        return replace(self, tensors=self.tensors | made)

    def consumers(self, key: int) -> Iterator[Op]:
        return (op for op in self.ops if key in op.inputs)

    def is_constant(self, key: int) -> bool:
        return self.tensors[key].data is not None
