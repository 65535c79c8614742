"""Where a chain of convolutions is computed in bands: where what lies between them is what needs most memory.

Pure. Step by step, the chain through the neediest operator that saves most; kept if it saves a tenth in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from touchline.tiny import bands, pack
from touchline.tiny.graph import (
    Banded,
    Binary,
    Conv2D,
    ConvAdd,
    DepthwiseConv2D,
    Graph,
    Op,
    Pool2D,
    Reshape,
    Tensor,
)
from touchline.tiny.passes import storage
from touchline.tiny.placement import placements

_LONGEST = 5
"""Layers in a chain."""
_ROWS = (8, 4, 2, 1)
_WORTH = 0.9
"""The memory that must be enough then, as a part of what is needed otherwise."""
_CHAINS = 12
"""That are tried one after the other in one model."""


def band(graph: Graph) -> Graph:
    """``graph`` with chains in bands, where that is worth it."""
    first = needs(graph)
    best, need = graph, first
    for _ in range(_CHAINS):
        found = [(_rank(needs(each)), each) for each in _candidates(best, need)]
        if not found:
            break
        rank, candidate = min(found, key=lambda each: each[0])
        if rank >= _rank(need):
            break
        best, need = candidate, needs(candidate)
    return best if max(need, default=0) <= _WORTH * max(first, default=0) else graph


def _rank(need: list[int]) -> list[int]:
    """The neediest steps come first."""
    return sorted(need, reverse=True)[:8]


def needs(graph: Graph) -> list[int]:
    """Bytes that each step needs at least: what is alive, and its output where it costs least."""
    root = storage(graph)
    first = {root[key]: 0 for key in graph.inputs}
    last = dict(first)
    for i, op in enumerate(graph.ops):
        for key in op.inputs:
            if not graph.is_constant(key):
                last[root[key]] = i
        if not isinstance(op, Reshape):
            first[root[op.output]] = last[root[op.output]] = i
    for key in graph.outputs:
        last[root[key]] = len(graph.ops)
    size = {key: graph.tensors[key].bytes for key in first}
    found: list[int] = []
    for i, op in enumerate(graph.ops):
        own = root[op.output]
        alive = sum(size[key] for key in first if key != own and first[key] <= i <= last[key])
        least = size[own]
        for option in placements(graph, op):
            lost = None if option.consumed is None else root[option.consumed]
            if lost is None or last[lost] > i:
                continue
            need = max(size[own], size[lost] if option.over is not None else option.distance + size[lost])
            least = min(least, max(0, need - size[lost]) + _ring(graph, op, option.ring_rows))
        found.append(0 if isinstance(op, Reshape) else alive + least + _scratch(graph, op))
    return found


def _ring(graph: Graph, op: Op, rows: int) -> int:
    image = graph.tensors[op.inputs[0]]
    return rows * image.bytes // image.shape[1] if rows else 0


def _scratch(graph: Graph, op: Op) -> int:
    match op:
        case Banded():
            inside = graph.inside(op)
            plan = bands.plan(inside, op.chain, op.rows)
            rows = zip(bands.buffer_rows(plan), op.between, strict=True)
            held = sum(count * tensor.bytes // tensor.shape[1] for count, tensor in rows)
            return held + max(_scratch(inside, layer) for layer in op.chain)
        case Conv2D():
            count, height, width, depth = graph.tensors[op.inputs[1]].shape
            return pack.conv_scratch(height * width, depth, count, 0, isinstance(op, ConvAdd), "dsp")
        case _:
            return 0


def _candidates(graph: Graph, need: list[int]) -> Iterator[Graph]:
    """With one more chain through the neediest operator."""
    peak = need.index(max(need))
    for begin in range(max(0, peak - _LONGEST + 1), peak + 1):
        chain = _chain(graph, begin)
        for length in range(2, len(chain) + 1):
            part = chain[:length]
            if graph.ops[peak] not in part:
                continue
            for rows in _ROWS:
                if rows < graph.tensors[part[-1].output].shape[1]:
                    yield _with(graph, part, rows)


def _chain(graph: Graph, begin: int) -> list[bands.Layer]:
    """Convolutions from operator ``begin`` on, each read by nothing but the next; a sum may end them."""
    found: list[bands.Layer] = []
    op: Op | None = graph.ops[begin]
    while isinstance(op, Conv2D | DepthwiseConv2D | Pool2D) and len(found) < _LONGEST:
        if graph.tensors[op.output].shape[0] != 1:
            break
        found.append(op)
        readers = list(graph.consumers(op.output))
        if isinstance(op, ConvAdd) or len(readers) != 1 or op.output in graph.outputs:
            break
        op = readers[0] if readers[0].inputs[0] == op.output and readers[0].inputs.count(op.output) == 1 else None
    return found


def _with(graph: Graph, chain: list[bands.Layer], rows: int) -> Graph:
    """``chain`` as one operator; a sum that it ends with becomes one of its own again."""
    layers, after = list(chain), list[Op]()
    tensors = dict(graph.tensors)
    last = layers[-1]
    if isinstance(last, ConvAdd):
        middle = max(tensors) + 1
        tensors[middle] = last.middle
        layers[-1] = Conv2D(
            inputs=last.inputs[:-1],
            output=middle,
            place=last.place,
            stride=last.stride,
            dilation=last.dilation,
            padding=last.padding,
            clamp=last.clamp,
        )
        keys = (middle, last.inputs[-1])
        after = [Binary(inputs=keys, output=last.output, place=last.place, kind="add", clamp=last.add_clamp)]
    between: tuple[Tensor, ...] = tuple(tensors[layer.output] for layer in layers[:-1])
    constants = (key for layer in layers for key in layer.inputs[1:])
    made = Banded(
        inputs=(layers[0].inputs[0], *constants),
        output=layers[-1].output,
        place=" → ".join(layer.place for layer in layers),
        chain=tuple(layers),
        between=between,
        rows=rows,
    )
    where = graph.ops.index(chain[-1])
    ops = [op for op in graph.ops[:where] if op not in chain] + [made, *after, *graph.ops[where + 1 :]]
    return replace(graph, tensors=tensors).with_ops(tuple(ops))
