"""What each operator of two tensors means, element by element."""

from __future__ import annotations

from typing import cast

import numpy as np

from touchline.tiny import numerics
from touchline.tiny.arrays import Ints
from touchline.tiny.fixed_point import (
    doubling_high_mul,
    quantise_multiplier,
    reciprocal,
    requantise,
    rounding_shift,
    saturating_shift,
    wrap,
)
from touchline.tiny.graph import COMPARISONS, Binary, Clamp, Tensor


def zero_of(tensor: Tensor) -> int:
    return 0 if tensor.quant is None else tensor.quant.zero_point


def binary(op: Binary, tensors: list[Tensor], output: Tensor, x: list[Ints]) -> Ints:
    if op.kind in ("maximum", "minimum"):
        return np.maximum(*x) if op.kind == "maximum" else np.minimum(*x)
    if op.kind == "prelu":
        return _prelu(tensors, output, x)
    if op.kind == "squared_difference":
        return _squared_difference(tensors, output, x)
    if op.kind in ("add", "sub"):
        return summed(op.kind, op.clamp, tensors, output, x)
    if op.kind == "div":
        return _quotient(tensors, output, x, op.clamp)
    if op.kind in COMPARISONS:
        return _compared(op.kind, tensors, x)
    a, b = x[0] - zero_of(tensors[0]), x[1] - zero_of(tensors[1])
    scaled = requantise(a * b, *numerics.mul_multiplier(tensors[0], tensors[1], output))
    return np.clip(scaled + zero_of(output), op.clamp.low, op.clamp.high)


def summed(kind: str, clamp: Clamp, tensors: list[Tensor], output: Tensor, x: list[Ints]) -> Ints:
    a, b = x[0] - zero_of(tensors[0]), x[1] - zero_of(tensors[1])
    scale = (numerics.add_scale if kind == "add" else numerics.sub_scale)(tensors[0], tensors[1], output)
    first = requantise(a << numerics.ADD_SHIFT, *scale.first)
    second = requantise(b << numerics.ADD_SHIFT, *scale.second)
    scaled = requantise(first + second if kind == "add" else first - second, *scale.output)
    return np.clip(scaled + zero_of(output), clamp.low, clamp.high)


def _prelu(tensors: list[Tensor], output: Tensor, x: list[Ints]) -> Ints:
    a, alpha = x[0] - zero_of(tensors[0]), x[1] - zero_of(tensors[1])
    scale = numerics.prelu_scale(tensors[0], tensors[1], output)
    scaled = np.where(a >= 0, requantise(a, *scale.positive), requantise(a * alpha, *scale.negative))
    return np.clip(scaled + zero_of(output), -128, 127)


def _squared_difference(tensors: list[Tensor], output: Tensor, x: list[Ints]) -> Ints:
    a, b = x[0] - zero_of(tensors[0]), x[1] - zero_of(tensors[1])
    scale = numerics.squared_difference_scale(tensors[0], tensors[1], output)
    shift = numerics.SQUARED_DIFFERENCE_SHIFT
    difference = requantise(a << shift, *scale.first) - requantise(b << shift, *scale.second)
    return np.clip(requantise(difference * difference, *scale.output) + zero_of(output), -128, 127)


def _quotient(tensors: list[Tensor], output: Tensor, x: list[Ints], clamp: Clamp) -> Ints:
    """Divided by 0: the bound on the numerator's side."""
    a, b = np.broadcast_arrays(x[0] - zero_of(tensors[0]), x[1] - zero_of(tensors[1]))
    a, b = np.where(b < 0, -a, a), np.abs(b)
    inverse, bits = reciprocal(np.maximum(b, 1))
    # Bits that the numerator can be raised by: those like its sign.
    headroom = 31 - np.ceil(np.log2(np.where(a < 0, -a, a + 1).astype(np.float64))).astype(np.int64)
    multiplier, shift = numerics.div_multiplier(tensors[0], tensors[1], output)
    fine = doubling_high_mul(doubling_high_mul(wrap(a << headroom), inverse), multiplier)
    right = bits + headroom - shift
    made = saturating_shift(rounding_shift(fine, np.clip(right, 0, 40)), np.clip(-right, 0, 31))
    made = np.where(b == 0, np.sign(a) << 16, made)
    return np.clip(made + zero_of(output), clamp.low, clamp.high)


def _compared(kind: str, tensors: list[Tensor], x: list[Ints]) -> Ints:
    a, b = (
        requantise((value - zero_of(tensor)) << numerics.COMPARISON_SHIFT, *quantise_multiplier(tensor.q.scale))
        for value, tensor in zip(x, tensors, strict=True)
    )
    return cast(Ints, getattr(np, kind)(a, b))
