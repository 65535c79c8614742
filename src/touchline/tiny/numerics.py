"""The numbers that operators are computed with, from the tensors' scales, as TFLite prepares them.

One place for both the reference interpreter and the generated C.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from touchline.tiny.arrays import Ints
from touchline.tiny.fixed_point import quantise_multiplier
from touchline.tiny.graph import Resize, Tensor

ADD_SHIFT = 20
"""Bits that the inputs of a sum are raised by before they are scaled."""
SQUARED_DIFFERENCE_SHIFT = 7
"""The same of a squared difference."""
_SOFTMAX_BITS = 5
Scale = tuple[int, int]
"""Multiplier and shift, as `quantise_multiplier` gives them."""


def channel_multipliers(image: Tensor, weights: Tensor, output: Tensor, channels: int) -> tuple[Ints, Ints]:
    """Multiplier and shift of each output channel, (channels,) each."""
    scales = weights.q.scales
    scales = scales * channels if len(scales) == 1 else scales
    pairs = [quantise_multiplier(image.q.scale * scale / output.q.scale) for scale in scales]
    return np.array([m for m, _ in pairs], np.int64), np.array([s for _, s in pairs], np.int64)


def row_multipliers(image: Tensor, weights: Tensor, output: Tensor, channels: int) -> tuple[Ints, Ints]:
    """The same of FULLY_CONNECTED, which multiplies in float32 where the weights have one scale."""
    if len(weights.q.scales) > 1:
        return channel_multipliers(image, weights, output, channels)
    multiplier, shift = matrix_multiplier(image, weights, output)
    return np.full(channels, multiplier, np.int64), np.full(channels, shift, np.int64)


def matrix_multiplier(a: Tensor, b: Tensor, output: Tensor) -> Scale:
    """Of sums of products; the scales' product is one of float32."""
    return quantise_multiplier(float(np.float32(a.q.scale) * np.float32(b.q.scale)) / output.q.scale)


def svdf_scale(source: Tensor, weights: Tensor, output: Tensor) -> Scale:
    """Of a feature on its way into the state, and of the state's sum on its way to the output: in float32."""
    ratio = np.float32(source.q.scale) * np.float32(weights.q.scale) / np.float32(output.q.scale)
    return quantise_multiplier(float(ratio))


def requantising(source: Tensor, target: Tensor) -> Scale:
    return quantise_multiplier(source.q.scale / target.q.scale)


def mul_multiplier(a: Tensor, b: Tensor, output: Tensor) -> Scale:
    return quantise_multiplier(a.q.scale * b.q.scale / output.q.scale)


@dataclass(frozen=True, slots=True)
class AddScale:
    """Of both inputs, raised by `ADD_SHIFT` bits, to their common scale, and of the sum to the output's."""

    first: Scale
    second: Scale
    output: Scale


def add_scale(a: Tensor, b: Tensor, output: Tensor) -> AddScale:
    first, second, out = a.q.scale, b.q.scale, output.q.scale
    twice = 2 * max(first, second)
    return AddScale(
        quantise_multiplier(first / twice),
        quantise_multiplier(second / twice),
        quantise_multiplier(twice / ((1 << ADD_SHIFT) * out)),
    )


def sub_scale(a: Tensor, b: Tensor, output: Tensor) -> AddScale:
    """As `add_scale`, but divided in float32: TensorFlow Lite Micro's SUB does."""
    first, second, out = (np.float32(each.q.scale) for each in (a, b, output))
    twice = np.float32(2) * max(first, second)
    return AddScale(
        quantise_multiplier(float(first / twice)),
        quantise_multiplier(float(second / twice)),
        quantise_multiplier(float(twice / (np.float32(1 << ADD_SHIFT) * out))),
    )


def squared_difference_scale(a: Tensor, b: Tensor, output: Tensor) -> AddScale:
    first, second, out = a.q.scale, b.q.scale, output.q.scale
    twice = 2 * max(first, second)
    return AddScale(
        quantise_multiplier(first / twice),
        quantise_multiplier(second / twice),
        quantise_multiplier(twice * twice / ((1 << 2 * SQUARED_DIFFERENCE_SHIFT) * out)),
    )


def div_multiplier(a: Tensor, b: Tensor, output: Tensor) -> Scale:
    return quantise_multiplier(a.q.scale / (b.q.scale * output.q.scale))


COMPARISON_SHIFT = 8
"""Bits that both sides of a comparison are raised by before they are scaled."""


@dataclass(frozen=True, slots=True)
class PreluScale:
    """Of inputs of zero and more, and of a negative input's product with alpha."""

    positive: Scale
    negative: Scale


def prelu_scale(tensor: Tensor, alpha: Tensor, output: Tensor) -> PreluScale:
    source, slope, out = tensor.q.scale, alpha.q.scale, output.q.scale
    return PreluScale(quantise_multiplier(source / out), quantise_multiplier(source * slope / out))


def softmax_scale(tensor: Tensor, beta: float) -> tuple[int, int, int]:
    """Multiplier and left shift of the difference to the largest, and the least difference that counts."""
    real = min(beta * tensor.q.scale * (1 << (31 - _SOFTMAX_BITS)), (1 << 31) - 1.0)
    multiplier, shift = quantise_multiplier(real)
    radius = ((1 << _SOFTMAX_BITS) - 1) * (1 << (31 - _SOFTMAX_BITS)) / (1 << shift)
    return multiplier, shift, -math.floor(radius)


def log_softmax_scale(tensor: Tensor) -> Scale:
    """From Q5.26 back to differences of the input."""
    multiplier, shift, _ = softmax_scale(tensor, 1.0)
    return quantise_multiplier((1 << (31 - shift)) / multiplier)


def reduce_multiplier(kind: str, tensor: Tensor, output: Tensor, count: int) -> Scale:
    """A sum's; for a mean the division by ``count`` is part of it."""
    multiplier, shift = quantise_multiplier(tensor.q.scale / output.q.scale)
    if kind == "sum":
        return multiplier, shift
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits


def nearest(index: int, size: int, made: int, op: Resize) -> int:
    """The input row (or column) that output row ``index`` copies; float32 as in the reference."""
    if op.align_corners and made > 1:
        scale = np.float32(size - 1) / np.float32(made - 1)
    else:
        scale = np.float32(size) / np.float32(made)
    at = (np.float32(index) + np.float32(0.5 if op.half_pixel_centers else 0.0)) * scale
    picked = math.floor(float(at) + 0.5) if op.align_corners else math.floor(float(at))
    return max(0, min(picked, size - 1))


@dataclass(frozen=True, slots=True)
class Steps:
    """Of each output row: the two input rows it lies between and its part of 1024 on the way."""

    low: Ints
    high: Ints
    part: Ints


def bilinear_scale(size: int, made: int, op: Resize) -> int:
    """Input rows per output row, in 1/1024."""
    if op.align_corners and made > 1:
        return (1024 * (size - 1) + (made - 1) // 2) // (made - 1)
    return (1024 * size + made // 2) // made


def bilinear_steps(size: int, made: int, op: Resize) -> Steps:
    scale = bilinear_scale(size, made, op)
    at = np.arange(made, dtype=np.int64) * scale
    if op.half_pixel_centers:
        at = at + scale // 2 - 512
    # C's division, towards zero.
    low = np.maximum(np.where(at >= 0, at // 1024, -((-at) // 1024)), 0)
    above = at + 1023
    high = np.minimum(np.where(above >= 0, above // 1024, -((-above) // 1024)), size - 1)
    return Steps(low, high, at - 1024 * low)
