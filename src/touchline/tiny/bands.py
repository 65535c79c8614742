"""A chain of convolutions computed in bands: which rows of what, when.

Pure. Of each tensor between two convolutions a buffer holds the rows that the next band still needs; those that
were computed for the band before are kept, so that nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from touchline.tiny.graph import Conv2D, DepthwiseConv2D, Graph, Pool2D

Layer = Conv2D | DepthwiseConv2D | Pool2D


@dataclass(frozen=True, slots=True)
class Rows:
    """``first`` to ``end``, excluded."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Work:
    """What one layer does in one band: makes the rows ``made`` from the rows ``read``.

    ``above``: rows of padding above the first that is read. ``kept``: what the buffer of its output still needs of
    the band before, and where those rows began there; ``start``: the row that the buffer begins with now.
    """

    made: Rows
    read: Rows
    above: int
    kept: Rows
    moved_from: int
    start: int


def reach(graph: Graph, layer: Layer) -> int:
    """Input rows that one output row is computed from."""
    if isinstance(layer, Pool2D):
        return layer.window[0]
    height = graph.tensors[layer.inputs[1]].shape[1]
    return (height - 1) * layer.dilation[0] + 1


def _needed(graph: Graph, layer: Layer, made: Rows) -> tuple[Rows, int]:
    """Rows of the input, held within it, and how many are missing above."""
    size = graph.tensors[layer.inputs[0]].shape[1]
    first = made.first * layer.stride[0] - layer.padding.top
    end = (made.end - 1) * layer.stride[0] - layer.padding.top + reach(graph, layer)
    inside = Rows(min(max(first, 0), size), max(min(end, size), 0))
    return inside, inside.first - first


def plan(graph: Graph, chain: Sequence[Layer], rows: int) -> list[list[Work]]:
    """For each band, in order, what each layer of ``chain`` does; ``graph`` has the tensors between them too."""
    height = graph.tensors[chain[-1].output].shape[1]
    done = [0] * len(chain)
    starts = [0] * len(chain)
    bands: list[list[Work]] = []
    for first in range(0, height, rows):
        works: list[Work] = []
        wanted = Rows(first, min(first + rows, height))
        for i in reversed(range(len(chain))):
            made = Rows(max(done[i], wanted.first), max(done[i], wanted.end))
            kept = Rows(min(wanted.first, made.first), made.first) if i < len(chain) - 1 else Rows(0, 0)
            empty = made.end == made.first
            start = 0 if i == len(chain) - 1 else starts[i] if empty else wanted.first
            read, above = _needed(graph, chain[i], made) if not empty else (Rows(0, 0), 0)
            works.append(Work(made, read, above, kept, starts[i], start))
            done[i], starts[i] = made.end, start
            if empty:  # it has all that it needs; so has what comes before it
                nothing = Rows(0, 0)
                works += [Work(nothing, nothing, 0, nothing, starts[j], starts[j]) for j in reversed(range(i))]
                break
            wanted = read
        bands.append(works[::-1])
    return bands


def buffer_rows(bands: list[list[Work]]) -> list[int]:
    """Rows that the buffer behind each layer but the last must hold."""
    found = [1] * (len(bands[0]) - 1)
    for works in bands:
        for i, work in enumerate(works[:-1]):
            if work.made.end > work.made.first:
                found[i] = max(found[i], work.made.end - work.start)
    return found


def distance(graph: Graph, chain: Sequence[Layer], bands: list[list[Work]]) -> int:
    """How far below the image the output must begin at least, if it may overwrite what no later band reads."""
    image, made = graph.tensors[chain[0].inputs[0]], graph.tensors[chain[-1].output]
    row, out_row = image.bytes // image.shape[1], made.bytes // made.shape[1]
    farthest = 1 - image.bytes
    for i, band in enumerate(bands[:-1]):
        later = [work[0].read.first for work in bands[i + 1 :] if work[0].made.end > work[0].made.first]
        if later:
            farthest = max(farthest, band[-1].made.end * out_row - min(later) * row)
    return farthest
