"""Where an operator's output may lie, by what its kernel can bear: on an input, behind it, or apart."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.tiny import bands, pack
from touchline.tiny.graph import (
    Banded,
    Binary,
    Conv2D,
    ConvAdd,
    DepthwiseConv2D,
    Graph,
    L2Norm,
    Lookup,
    Lstm,
    Op,
    Padding,
    Pool2D,
    Reduce,
    Select,
    Softmax,
    StridedSlice,
    SvdfState,
    Tensor,
)
from touchline.tiny.overlap import distance


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an operator's output lies: on the bytes of input ``over``; or at least ``distance`` bytes below where
    input ``behind`` starts, into which it reaches; or on bytes of its own.

    ``ring_rows``: input rows a convolution saves first, as it overwrites them.
    """

    over: int | None = None
    ring_rows: int = 0
    behind: int | None = None
    distance: int = 0

    @property
    def consumed(self) -> int | None:
        """The input that is lost."""
        return self.behind if self.over is None else self.over


APART = Placement()


def placements(graph: Graph, op: Op) -> tuple[Placement, ...]:
    """All that ``op``'s kernel allows, the cheapest to run first. An ``over`` must not be read afterwards."""
    output = graph.tensors[op.output]
    first = graph.tensors[op.inputs[0]]
    over = Placement(op.inputs[0])
    match op:
        case ConvAdd():
            return (Placement(op.inputs[-1]),)
        case Banded():
            inside = graph.inside(op)
            far = bands.distance(inside, op.chain, bands.plan(inside, op.chain, op.rows))
            return (APART, Placement(behind=op.inputs[0], distance=far))
        case Conv2D() | DepthwiseConv2D():
            if first.shape[0] != 1:
                return (APART,)
            behind = _behind(op, first, output, reads_while_writing=isinstance(op, DepthwiseConv2D))
            weights = graph.tensors[op.inputs[1]]
            widens = isinstance(op, DepthwiseConv2D) and weights.shape[3] != first.shape[3]
            if output.bytes > first.bytes or widens:
                return (APART, behind)
            if isinstance(op, Conv2D) and _is_pointwise(op, weights):
                return (APART, over, behind)
            return (APART, behind, Placement(op.inputs[0], _ring_rows(op, first, output)))
        case Lookup():
            return (over, APART)
        case Softmax():
            return (over, APART) if output.bytes == first.bytes else (APART,)
        case SvdfState():
            return (Placement(op.inputs[1]), APART)
        case Reduce():
            return (over, APART) if op.kind != "max" else (APART,)
        case Lstm():  # a step's output is written once its input is read
            return (over, APART) if output.shape[2] <= first.shape[2] else (APART,)
        case L2Norm():
            return (over, APART)
        case Binary() | Select():
            covered = [Placement(key) for key in dict.fromkeys(op.inputs) if _covers(graph, key, output)]
            return (*covered, APART)
        case Pool2D():
            one = output.shape[1:3] == (1, 1)
            tiled = op.padding == Padding() and op.stride[0] >= op.window[0] and op.stride[1] >= op.window[1]
            if first.shape[0] != 1:
                return (APART,)
            return (over, APART) if one or tiled else (APART, _behind(op, first, output, reads_while_writing=True))
        case StridedSlice():
            return (over, APART) if min(op.stride) > 0 else (APART,)
        case _:
            return (APART,)


def _behind(
    op: Conv2D | DepthwiseConv2D | Pool2D, image: Tensor, output: Tensor, *, reads_while_writing: bool
) -> Placement:
    far = distance(image.shape, output.shape, op.stride, op.padding, reads_while_writing=reads_while_writing)
    return Placement(behind=op.inputs[0], distance=far)


def _covers(graph: Graph, key: int, output: Tensor) -> bool:
    tensor = graph.tensors[key]
    return tensor.data is None and tensor.bytes == output.bytes


def _is_pointwise(op: Conv2D, weights: Tensor) -> bool:
    return weights.shape[1:3] == (1, 1) and op.stride == (1, 1) and op.padding == Padding()


def _ring_rows(op: Conv2D | DepthwiseConv2D, image: Tensor, output: Tensor) -> int:
    return pack.ring_rows(
        image.shape[1],
        image.shape[2] * image.shape[3],
        output.shape[1],
        output.shape[2] * output.shape[3],
        op.stride[0],
        op.padding.top,
    )
