"""Operators → calls of kernels: which one, its constant structure, its scratch."""

from __future__ import annotations

from touchline.tiny.ccode import Flavour, Step
from touchline.tiny.graph import (
    ArgMax,
    Banded,
    Binary,
    Concat,
    Conv2D,
    ConvAdd,
    DepthwiseConv2D,
    FullyConnected,
    Gather,
    Graph,
    L2Norm,
    Lookup,
    Lstm,
    MatMul,
    Op,
    Pad,
    Pool2D,
    Rearrange,
    Reduce,
    Requantise,
    Reshape,
    Resize,
    Select,
    Softmax,
    StridedSlice,
    SvdfState,
    SvdfTime,
    Take,
    TransposeConv2D,
)
from touchline.tiny.lowering.bands import Bands
from touchline.tiny.lowering.moves import Moves
from touchline.tiny.lowering.recurrent import Recurrent
from touchline.tiny.lowering.values import Values
from touchline.tiny.lowering.weighted import Weighted
from touchline.tiny.placement import Placement
from touchline.types.errors import ModelError


def lower(graph: Graph, op: Op, placement: Placement, flavour: Flavour) -> Step:
    """The step that computes ``op`` with its output placed as told."""
    told = (graph, op, placement, flavour)
    match op:
        case ConvAdd() | Conv2D():
            return Weighted(*told).conv(op)
        case Banded():
            return Bands(*told).banded(op)
        case DepthwiseConv2D():
            return Weighted(*told).depthwise(op)
        case TransposeConv2D():
            return Weighted(*told).transposed(op)
        case FullyConnected():
            return Weighted(*told).fully_connected(op)
        case MatMul():
            return Weighted(*told).matmul(op)
        case Pool2D():
            return Values(*told).pool(op)
        case Binary():
            return Values(*told).binary(op)
        case Lookup():
            return Values(*told).lookup(op)
        case Lstm():
            return Recurrent(*told).lstm(op)
        case SvdfState():
            return Recurrent(*told).svdf_state()
        case SvdfTime():
            return Recurrent(*told).svdf_time(op)
        case Requantise():
            return Values(*told).requantise()
        case Softmax():
            return Values(*told).softmax(op)
        case L2Norm():
            return Values(*told).l2_norm()
        case ArgMax():
            return Values(*told).arg_max(op)
        case Select():
            return Values(*told).select()
        case Gather():
            return Moves(*told).gather(op)
        case Reduce():
            return Values(*told).reduce(op)
        case Concat():
            return Moves(*told).concat(op)
        case Pad():
            return Moves(*told).pad(op)
        case StridedSlice():
            return Moves(*told).slice(op)
        case Rearrange():
            return Moves(*told).rearrange(op.offset, op.size, op.stride)
        case Take():
            return Moves(*told).take(op)
        case Resize():
            return Moves(*told).resize(op)
        case Reshape():
            return Step(op.place, ())
        case _:
            raise ModelError(f"{graph.name}: {op.place} has no kernel; leave it out of the model")
