"""Operators that make new values of one or two tensors', without weights."""

from __future__ import annotations

from math import prod
from typing import assert_never

import numpy as np

from touchline.tiny import numerics
from touchline.tiny.ccode import At, Call, Constant, Step, Struct, Value
from touchline.tiny.fixed_point import quantise_multiplier
from touchline.tiny.graph import (
    COMPARISONS,
    SIZES,
    ArgMax,
    Binary,
    Clamp,
    Lookup,
    Pool2D,
    Reduce,
    Softmax,
    Tensor,
)
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
        if op.kind == "div":
            multiplier, shift = numerics.div_multiplier(large, small, self.output)
            struct = Struct(
                "tl_div",
                {
                    "zero1": large.q.zero_point,
                    "zero2": small.q.zero_point,
                    "out_zero": self.output.q.zero_point,
                    "multiplier": multiplier,
                    "shift": shift,
                    "low": op.clamp.low,
                    "high": op.clamp.high,
                },
            )
            return self.step(Call("tl_div_s8", (struct, a, b, target, n, period), repeat))
        if op.kind in COMPARISONS:
            sides = [quantise_multiplier(tensor.q.scale) for tensor in (large, small)]
            struct = Struct(
                "tl_compare",
                {
                    "zero1": large.q.zero_point,
                    "zero2": small.q.zero_point,
                    "m1": sides[0][0],
                    "s1": sides[0][1],
                    "m2": sides[1][0],
                    "s2": sides[1][1],
                    "holds": _HOLDS[op.kind],
                },
            )
            return self.step(Call("tl_compare_s8", (struct, a, b, target, n, period), repeat))
        if op.kind == "sub":
            scale = numerics.sub_scale(large, small, self.output)
            struct = sum_struct(scale, large, small, self.output, op.clamp)
            return self.step(Call("tl_sub_s8", (struct, a, b, target, n, period), repeat))
        if op.kind != "squared_difference":
            assert_never(op.kind)
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

    def requantise(self) -> Step:
        multiplier, shift = numerics.requantising(self.image, self.output)
        struct = Struct(
            "tl_requantise",
            {
                "n": self.image.elements,
                "in_bytes": SIZES[self.image.dtype],
                "out_bytes": SIZES[self.output.dtype],
                "in_signed": int(self.image.dtype != "uint8"),
                "zero": self.image.q.zero_point,
                "out_zero": self.output.q.zero_point,
                "multiplier": multiplier,
                "shift": shift,
                "low": int(np.iinfo(self.output.dtype).min),
                "high": int(np.iinfo(self.output.dtype).max),
            },
        )
        return self.step(Call("tl_requantise_any", (struct, At(self.op.inputs[0]), At(self.op.output))))

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
        if op.log:
            back, back_shift = numerics.log_softmax_scale(self.image)
            fields = struct.fields | {"back": back, "back_shift": back_shift}
            keys = (At(self.op.inputs[0]), At(self.op.output))
            return self.step(Call("tl_log_softmax_s8", (Struct("tl_log_softmax", fields), *keys)))
        name = "tl_softmax_s8" if self.output.dtype == "int8" else "tl_softmax_s8_s16"
        return self.step(Call(name, (struct, At(op.inputs[0]), At(op.output))))

    def l2_norm(self) -> Step:
        depth = self.image.shape[-1]
        keys = (At(self.op.inputs[0]), At(self.op.output))
        return self.step(
            Call("tl_l2_norm_s8", (*keys, self.image.elements // depth, depth, self.image.q.zero_point))
        )

    def arg_max(self, op: ArgMax) -> Step:
        shape = self.image.shape
        struct = Struct(
            "tl_arg_max",
            {
                "outer": prod(shape[: op.axis]),
                "count": shape[op.axis],
                "inner": prod(shape[op.axis + 1 :]),
                "least": int(op.kind == "min"),
                "bytes": SIZES[self.output.dtype],
            },
        )
        return self.step(Call("tl_arg_max_s8", (struct, At(op.inputs[0]), At(op.output))))

    def select(self) -> Step:
        keys = (self.operand(key) for key in self.op.inputs)
        return self.step(Call("tl_select_s8", (*keys, At(self.op.output), self.output.elements)))

    def pool(self, op: Pool2D) -> Step:
        return self.step(self.pooling(op.kind, self.image.shape, self.output.shape, op))

    def pooling(self, kind: str, shape: tuple[int, ...], made: tuple[int, ...], op: Pool2D) -> Call:
        source = At(op.inputs[0], step=prod(shape[1:]))
        target = At(op.output, step=prod(made[1:]))
        struct = Struct("tl_pool", self.pool_fields(shape, made, op))
        return Call(f"tl_{kind}_pool_s8", (struct, source, target), shape[0])

    def pool_fields(self, shape: tuple[int, ...], made: tuple[int, ...], op: Pool2D) -> dict[str, Value]:
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
        return fields

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


_HOLDS = {"less": 1, "equal": 2, "less_equal": 3, "greater": 4, "not_equal": 5, "greater_equal": 6}
"""For which order a comparison holds: 1, the first is less; 2, they are the same; 4, the first is greater."""


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
