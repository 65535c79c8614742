"""Operators that make new values of one or two tensors', without weights."""

from __future__ import annotations

from math import prod

import numpy as np

from touchline.tiny import numerics
from touchline.tiny.ccode import At, Call, Constant, Step, Struct, Value
from touchline.tiny.graph import Binary, Clamp, Lookup, Pool2D, Reduce, Softmax, Tensor
from touchline.tiny.lowering.base import SUFFIX, Lowering
from touchline.types.errors import ModelError


class Values(Lowering):
    """Sums and products, tables, pools and means."""

    def binary(self, op: Binary) -> Step:
        first, second = op.inputs
        if self.graph.tensors[first].shape != self.output.shape:
            first, second = second, first
        large, small = self.graph.tensors[first], self.graph.tensors[second]
        repeat, n, period, moved = broadcast(large.shape, small.shape, self.graph.name, op.place)
        a = self.operand(first, n if repeat > 1 else 0)
        b = self.operand(second, moved)
        target = At(op.output, step=n if repeat > 1 else 0)
        if op.kind == "mul":
            multiplier, shift = numerics.mul_multiplier(large, small, self.output)
            struct = Struct(
                "tl_mul",
                {
                    "zero1": large.q.zero_point,
                    "zero2": small.q.zero_point,
                    "out_zero": self.output.q.zero_point,
                    "multiplier": multiplier,
                    "shift": shift,
                    "low": op.clamp.low,
                    "high": op.clamp.high,
                    "n": n,
                    "period": period,
                },
            )
            return self.step(Call("tl_mul_s8", (struct, a, b, target), repeat))
        if op.kind == "add":
            struct = add_struct(large, small, self.output, op.clamp)
            if period == n:
                return self.step(Call(f"tl_add_s8{SUFFIX[self.flavour]}", (struct, a, b, target, n), repeat))
            return self.step(Call("tl_add_period_s8", (struct, a, b, target, n, period), repeat))
        if op.kind in ("maximum", "minimum"):
            return self.step(Call(f"tl_{op.kind}_s8", (a, b, target, n, period), repeat))
        if op.kind == "prelu":
            scale = numerics.prelu_scale(large, small, self.output)
            struct = Struct(
                "tl_prelu",
                {
                    "zero": large.q.zero_point,
                    "alpha_zero": small.q.zero_point,
                    "out_zero": self.output.q.zero_point,
                    "m_positive": scale.positive[0],
                    "s_positive": scale.positive[1],
                    "m_negative": scale.negative[0],
                    "s_negative": scale.negative[1],
                },
            )
            return self.step(Call("tl_prelu_s8", (struct, a, b, target, n, period), repeat))
        if op.kind == "sub":
            scale = numerics.sub_scale(large, small, self.output)
            struct = sum_struct(scale, large, small, self.output, op.clamp)
            return self.step(Call("tl_sub_s8", (struct, a, b, target, n, period), repeat))
        scale = numerics.squared_difference_scale(large, small, self.output)
        struct = sum_struct(scale, large, small, self.output, op.clamp)
        return self.step(Call("tl_squared_difference_s8", (struct, a, b, target, n, period), repeat))

    def lookup(self, op: Lookup) -> Step:
        table = np.array(op.table, np.int64)
        if self.image.dtype == "uint8":  # the kernel reads bytes as signed
            table = np.roll(table, 128)
        constant = Constant(table.astype(np.uint8).view(np.int8), learned=False)
        arguments = (constant, At(op.inputs[0]), At(op.output), self.image.elements)
        return self.step(Call("tl_lookup_s8", arguments))

    def softmax(self, op: Softmax) -> Step:
        multiplier, shift, least = numerics.softmax_scale(self.image, op.beta)
        depth = self.image.shape[-1]
        struct = Struct(
            "tl_softmax",
            {
                "rows": self.image.elements // depth,
                "depth": depth,
                "multiplier": multiplier,
                "left_shift": shift,
                "diff_min": least,
            },
        )
        return self.step(Call("tl_softmax_s8", (struct, At(op.inputs[0]), At(op.output))))

    def pool(self, op: Pool2D) -> Step:
        return self.step(self.pooling(op.kind, self.image.shape, self.output.shape, op))

    def pooling(self, kind: str, shape: tuple[int, ...], made: tuple[int, ...], op: Pool2D) -> Call:
        fields: dict[str, Value] = {
            "in_h": shape[1],
            "in_w": shape[2],
            "channels": shape[3],
            "out_h": made[1],
            "out_w": made[2],
            "kernel_h": op.window[0],
            "kernel_w": op.window[1],
            "stride_h": op.stride[0],
            "stride_w": op.stride[1],
            "pad_top": op.padding.top,
            "pad_left": op.padding.left,
            "low": op.clamp.low,
            "high": op.clamp.high,
        }
        self.fits_16_bits(fields)
        source = At(op.inputs[0], step=prod(shape[1:]))
        target = At(op.output, step=prod(made[1:]))
        return Call(f"tl_{kind}_pool_s8", (Struct("tl_pool", fields), source, target), shape[0])

    def reduce(self, op: Reduce) -> Step:
        shape = self.image.shape
        axes = [axis for axis in op.axes if shape[axis] != 1] or [op.axes[0]]
        outer = prod(shape[: axes[0]])
        count = prod(shape[axis] for axis in axes)
        inner = self.image.elements // (outer * count)
        if op.kind == "max":
            pool = Pool2D(
                inputs=op.inputs, output=op.output, place=op.place, kind="max", window=(count, 1), stride=(1, 1)
            )
            return self.step(self.pooling("max", (outer, count, 1, inner), (outer, 1, 1, inner), pool))
        multiplier, shift = numerics.reduce_multiplier(op.kind, self.image, self.output, count)
        struct = Struct(
            "tl_mean",
            {
                "outer": outer,
                "count": count,
                "inner": inner,
                "in_zero": self.image.q.zero_point,
                "out_zero": self.output.q.zero_point,
                "multiplier": multiplier,
                "shift": shift,
            },
        )
        return self.step(Call("tl_mean_s8", (struct, At(op.inputs[0]), At(op.output))))


def add_struct(a: Tensor, b: Tensor, output: Tensor, clamp: Clamp) -> Struct:
    return sum_struct(numerics.add_scale(a, b, output), a, b, output, clamp)


def sum_struct(scale: numerics.AddScale, a: Tensor, b: Tensor, output: Tensor, clamp: Clamp) -> Struct:
    return Struct(
        "tl_add",
        {
            "zero1": a.q.zero_point,
            "zero2": b.q.zero_point,
            "out_zero": output.q.zero_point,
            "m1": scale.first[0],
            "s1": scale.first[1],
            "m2": scale.second[0],
            "s2": scale.second[1],
            "m_out": scale.output[0],
            "s_out": scale.output[1],
            "low": clamp.low,
            "high": clamp.high,
        },
    )


def broadcast(large: tuple[int, ...], small: tuple[int, ...], model: str, place: str) -> tuple[int, int, int, int]:
    """How a smaller operand repeats: calls, elements a call, period within a call, elements moved on by a call."""
    small = (1,) * (len(large) - len(small)) + small
    differing = [axis for axis, (a, b) in enumerate(zip(large, small, strict=True)) if a != b]
    if not differing:
        n = prod(large)
        return 1, n, n, 0
    first, last = differing[0], differing[-1]
    if any(small[axis] != 1 for axis in range(first, last + 1)):
        raise ModelError(f"{model}: {place} broadcasts {small} to {large}; repeat it in the model")
    # Axes before: the small one moves on. Axes after: it is repeated whole.
    repeat, period = prod(large[:first]), prod(large[last + 1 :])
    return repeat, prod(large[first:]), period, period
