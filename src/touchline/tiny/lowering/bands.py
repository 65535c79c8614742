"""A chain of convolutions, band by band: each layer's call for its rows of the band."""

from __future__ import annotations

from math import prod

from touchline.tiny import bands
from touchline.tiny.ccode import At, Call, Scratch, Step, Struct, Value
from touchline.tiny.graph import Banded, DepthwiseConv2D, Graph, Pool2D
from touchline.tiny.lowering.base import Lowering
from touchline.tiny.lowering.values import Values
from touchline.tiny.lowering.weighted import Weighted
from touchline.tiny.pack import up
from touchline.tiny.placement import APART


class Bands(Lowering):
    """The scratch holds what the kernels need, then a buffer of rows behind each layer but the last."""

    def banded(self, op: Banded) -> Step:
        inside = self.graph.inside(op)
        plan = bands.plan(inside, op.chain, op.rows)
        layers = [self.layer(inside, layer) for layer in op.chain]
        row = [prod(inside.tensors[layer.output].shape[2:]) for layer in op.chain]
        offsets = [up(max(scratch for _, _, scratch in layers), 8)]
        for rows, size in zip(bands.buffer_rows(plan), row, strict=False):
            offsets.append(offsets[-1] + up(rows * size, 8))
        in_row = self.image.elements // self.image.shape[1]
        structs: dict[tuple[int, ...], Struct] = {}  # the same for all bands in the middle
        calls: list[Call] = []
        for works in plan:
            for i, (work, (name, fields, _)) in enumerate(zip(works, layers, strict=True)):
                if work.made.end == work.made.first:
                    continue
                last = i == len(layers) - 1
                if work.kept.end > work.kept.first and work.start != work.moved_from:
                    size = (work.kept.end - work.kept.first) * row[i]
                    source = Scratch(offsets[i] + (work.start - work.moved_from) * row[i])
                    calls.append(Call("tl_copy_s8", (source, Scratch(offsets[i]), 1, size, 0, 0)))
                start = 0 if i == 0 else works[i - 1].start
                size = (work.read.end - work.read.first, work.made.end - work.made.first)
                if (i, *size, work.above) not in structs:
                    own: dict[str, Value] = {"in_h": size[0], "out_h": size[1], "pad_top": work.above}
                    kind = "tl_pool" if isinstance(op.chain[i], Pool2D) else "tl_conv"
                    structs[i, *size, work.above] = Struct(kind, fields | own)
                skipped = (work.read.first - start) * (in_row if i == 0 else row[i - 1])
                source = At(op.inputs[0], skipped) if i == 0 else Scratch(offsets[i - 1] + skipped)
                target = (
                    At(op.output, work.made.first * row[i])
                    if last
                    else Scratch(offsets[i] + (work.made.first - work.start) * row[i])
                )
                arguments = (structs[i, *size, work.above], source, target)
                scratch = () if isinstance(op.chain[i], Pool2D) else (Scratch(),)
                calls.append(Call(name, (*arguments, *scratch)))
        return self.step(*calls, scratch=offsets[-1], macs=sum(_macs(inside, layer) for layer in op.chain))

    def layer(self, inside: Graph, layer: bands.Layer) -> tuple[str, dict[str, Value], int]:
        """Its kernel, the fields of its structure, its scratch."""
        told = (inside, layer, APART, self.flavour)
        if isinstance(layer, Pool2D):
            image, made = (inside.tensors[key].shape for key in (layer.inputs[0], layer.output))
            return f"tl_{layer.kind}_pool_s8", Values(*told).pool_fields(image, made, layer), 0
        return Weighted(*told).layer(layer)


def _macs(graph: Graph, layer: bands.Layer) -> int:
    if isinstance(layer, Pool2D):
        return 0
    shape = graph.tensors[layer.inputs[1]].shape
    taps = prod(shape[1:3]) if isinstance(layer, DepthwiseConv2D) else prod(shape[1:])
    return graph.tensors[layer.output].elements * taps
