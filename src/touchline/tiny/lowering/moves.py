"""Operators that move values, or repeat them, and change none (`resize` mixes neighbours)."""

from __future__ import annotations

from math import prod

import numpy as np

from touchline.tiny import numerics
from touchline.tiny.ccode import At, Call, Constant, ConstantAt, Step, Struct, Value
from touchline.tiny.graph import Concat, Gather, Graph, Op, Pad, Resize, StridedSlice, Take
from touchline.tiny.lowering.base import Lowering
from touchline.types.errors import ModelError


class Moves(Lowering):
    """Parts of tensors set beside, out of or around each other."""

    def concat(self, op: Concat) -> Step:
        rows = prod(self.output.shape[: op.axis])
        width = self.output.elements // rows
        calls: list[Call] = []
        at = 0
        for key, tensor in zip(op.inputs, self.tensors, strict=True):
            size = tensor.elements // rows
            calls.append(self.copy(key, 0, at, rows, size, size, width))
            at += size
        return self.step(*calls)

    def pad(self, op: Pad) -> Step:
        sizes = _four(self.graph, op, self.image.shape, op.before, op.after, fill=(1, 0, 0))
        struct = Struct("tl_pad", {"in": sizes[0], "before": sizes[1], "after": sizes[2], "value": op.value})
        return self.step(Call("tl_pad_s8", (struct, At(op.inputs[0]), At(op.output))))

    def slice(self, op: StridedSlice) -> Step:
        shape = self.image.shape
        cut = [axis for axis, size in enumerate(op.size) if size != shape[axis] or op.stride[axis] != 1]
        if len(cut) <= 1 and all(op.stride[axis] == 1 for axis in cut):
            axis = cut[0] if cut else 0
            inner = prod(shape[axis + 1 :])
            rows, size = prod(shape[:axis]), op.size[axis] * inner
            begin = op.begin[axis] * inner
            return self.step(self.copy(op.inputs[0], begin, 0, rows, size, shape[axis] * inner, size))
        if len(shape) > 4:
            steps = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
            offset = sum(begin * step for begin, step in zip(op.begin, steps, strict=True))
            strides = tuple(stride * step for stride, step in zip(op.stride, steps, strict=True))
            return self.rearrange(offset, op.size, strides)
        sizes = _four(self.graph, op, shape, op.begin, op.stride, op.size, fill=(1, 0, 1, 1))
        struct = Struct("tl_slice", {"in": sizes[0], "begin": sizes[1], "stride": sizes[2], "out": sizes[3]})
        return self.step(Call("tl_slice_s8", (struct, At(op.inputs[0]), At(op.output))))

    def rearrange(self, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Step:
        sizes, strides = _merged(size, stride)
        if len(sizes) > 6:
            raise ModelError(
                f"{self.graph.name}: {self.op.place} moves {len(sizes)} axes apart, not up to six; do it in two"
            )
        fill = 6 - len(sizes)
        struct = Struct(
            "tl_rearrange", {"size": (1,) * fill + sizes, "stride": (0,) * fill + strides, "offset": offset}
        )
        return self.step(Call("tl_rearrange_s8", (struct, At(self.op.inputs[0]), At(self.op.output))))

    def take(self, op: Take) -> Step:
        shape = self.image.shape
        struct = Struct(
            "tl_take",
            {
                "indices": Constant(np.array(op.indices, np.int32), learned=False),
                "outer": prod(shape[: op.axis]),
                "count": len(op.indices),
                "inner": prod(shape[op.axis + 1 :]),
                "in_step": prod(shape[op.axis :]),
            },
        )
        return self.step(Call("tl_take_s8", (struct, At(op.inputs[0]), At(op.output))))

    def gather(self, op: Gather) -> Step:
        shape = self.image.shape
        struct = Struct(
            "tl_pick",
            {
                "outer": prod(shape[: op.axis]),
                "count": self.tensors[1].elements,
                "inner": prod(shape[op.axis + 1 :]),
                "entries": shape[op.axis],
                "wraps": int(op.wraps),
            },
        )
        data, indices = (self.operand(key) for key in op.inputs)
        return self.step(Call("tl_gather_s8", (struct, data, indices, At(op.output))))

    def resize(self, op: Resize) -> Step:
        _, in_h, in_w, channels = self.image.shape
        _, out_h, out_w, _ = self.output.shape
        fields: dict[str, Value] = {"in_w": in_w, "channels": channels, "out_h": out_h, "out_w": out_w}
        if op.kind == "nearest":
            rows = [numerics.nearest(i, in_h, out_h, op) for i in range(out_h)]
            columns = [numerics.nearest(i, in_w, out_w, op) for i in range(out_w)]
            fields |= {
                "rows": Constant(np.array(rows, np.int16), learned=False),
                "columns": Constant(np.array(columns, np.int16), learned=False),
            }
            return self.step(self.per_image("tl_resize_nearest_s8", Struct("tl_resize_nearest", fields)))
        fields |= {
            "scale_h": numerics.bilinear_scale(in_h, out_h, op),
            "scale_w": numerics.bilinear_scale(in_w, out_w, op),
            "in_h": in_h,
            "half_pixel": int(op.half_pixel_centers),
        }
        return self.step(self.per_image("tl_resize_bilinear_s8", Struct("tl_resize_bilinear", fields)))

    def copy(self, key: int, offset: int, to: int, rows: int, size: int, in_step: int, out_step: int) -> Call:
        data = self.graph.tensors[key].data
        source = At(key, offset) if data is None else ConstantAt(Constant(data), offset)
        arguments = (source, At(self.op.output, to), rows, size, in_step, out_step)
        return Call("tl_copy_s8", arguments)


def _merged(size: tuple[int, ...], stride: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same indices by fewer axes: none of size 1, none that goes on where the next one ends."""
    merged: list[tuple[int, int]] = []
    for n, step in zip(size, stride, strict=True):
        if n == 1:
            continue
        if merged and merged[-1][1] == n * step:
            merged[-1] = (merged[-1][0] * n, step)
        else:
            merged.append((n, step))
    merged = merged or [(1, 1)]
    return tuple(n for n, _ in merged), tuple(step for _, step in merged)


def _four(graph: Graph, op: Op, *rows: tuple[int, ...], fill: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The rows (one value an axis) for exactly four axes; ``fill`` for those that are missing."""
    rank = len(rows[0])
    if rank > 4:
        raise ModelError(f"{graph.name}: {op.place} has {rank} axes, not up to four; reshape it in the model")
    return [(value,) * (4 - rank) + row for value, row in zip(fill, rows, strict=True)]
