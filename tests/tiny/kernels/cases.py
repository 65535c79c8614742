"""Kernel calls with what they must give. Each function draws one call at the edges of what its kernel takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tests.tiny.kernels.arithmetic import Int8s, added, requantised, windows
from tests.tiny.kernels.harness import Call
from touchline.tiny import pack
from touchline.tiny.fixed_point import (
    doubling_high_mul,
    exp_on_negative,
    reciprocal_of_one_plus,
    rounding_shift,
)

T = TypeVar("T")
Flavour = pack.Flavour
FLAVOURS: dict[Flavour, int] = {"portable": 0, "dsp": 1, "mve": 2}


class Draw(Protocol):
    def integer(self, low: int, high: int) -> int: ...


class RandomDraw:
    """Drawn from a seed: for batches that run elsewhere."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.choice((low, high, *[self._random.randint(low, high)] * 6))


@dataclass(frozen=True)
class Case:
    call: Call
    expected: Int8s


def pick(draw: Draw, choices: Sequence[T]) -> T:
    return choices[draw.integer(0, len(choices) - 1)]


def maybe(draw: Draw) -> bool:
    return draw.integer(0, 1) == 1


def int8s(draw: Draw, *shape: int, low: int = -128) -> Int8s:
    """Noise, extremes or one value."""
    rng = np.random.default_rng(draw.integer(0, 2**31))
    kind = draw.integer(0, 4)
    if kind == 0:
        return np.full(shape, pick(draw, (low, 127, 0, -1)), np.int8)
    if kind == 1:
        return rng.choice(np.array([low, -127, 127, 126], np.int8), shape)
    return rng.integers(low, 128, shape).astype(np.int8)


def zero_point(draw: Draw) -> int:
    return pick(draw, (-128, 127, 0, draw.integer(-128, 127)))


def bounds(draw: Draw) -> tuple[int, int]:
    if draw.integer(0, 2) > 0:
        return -128, 127
    low = draw.integer(-128, 127)
    return low, draw.integer(low, 127)


def scales(draw: Draw, channels: int) -> tuple[list[int], list[int]]:
    """Multipliers and shifts: all usual, or with some that the short way cannot take."""
    rng = random.Random(draw.integer(0, 2**31))
    odd = draw.integer(0, 2) == 0
    multipliers = [rng.choice((2**30, 2**31 - 1, rng.randrange(2**30, 2**31))) for _ in range(channels)]
    shifts = [rng.randint(-14, -1) for _ in range(channels)]
    if odd:
        for i in range(channels):
            if rng.random() < 0.4:
                shifts[i] = rng.choice((0, 1, 3, 8, -31, -24, -23, -22, -20))
            if rng.random() < 0.1:
                multipliers[i], shifts[i] = 0, 0
    return multipliers, shifts


def biases(draw: Draw, channels: int) -> NDArray[np.int32]:
    rng = np.random.default_rng(draw.integer(0, 2**31))
    span = pick(draw, (1, 1 << 10, 1 << 18, 1 << 30))
    return rng.integers(-span, span, channels).astype(np.int32)


def add_numbers(draw: Draw) -> list[int]:
    """`tl_add` as TFLite prepares it from three scales."""
    rng = random.Random(draw.integer(0, 2**31))
    a, b, out = (2.0 ** rng.uniform(-8, 4) for _ in range(3))
    if maybe(draw):
        a, b, out = (2.0 ** rng.randint(-3, 0) for _ in range(3))  # ties are common
    numbers = [zero_point(draw), zero_point(draw), zero_point(draw)]
    for real in (a / (2 * max(a, b)), b / (2 * max(a, b)), 2 * max(a, b) / (out * 2**20)):
        shift = int(np.frexp(real)[1])
        numbers += [min(round(real * 2.0 ** (31 - shift)), 2**31 - 1), shift]
    return [*numbers, *bounds(draw)]


def _weights(draw: Draw, *shape: int) -> Int8s:
    """Mostly as the format has them, from -127 on."""
    return int8s(draw, *shape, low=-128 if draw.integer(0, 7) == 0 else -127)


@dataclass(frozen=True)
class _Geometry:
    size: tuple[int, int]
    out: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]


def _geometry(draw: Draw) -> _Geometry:
    def two(low: int, high: int) -> tuple[int, int]:
        return draw.integer(low, high), draw.integer(low, high)

    kernel = pick(draw, ((1, 1), (3, 3), two(1, 4)))
    return _Geometry(
        two(1, 7), two(1, 5), kernel, two(1, 3), pick(draw, ((1, 1), two(1, 3))),
        (draw.integer(-1, kernel[0]), draw.integer(-1, kernel[1])),
    )  # fmt: skip


def _same(draw: Draw) -> _Geometry:
    """Stride 1, output as large as the input."""
    kernel = pick(draw, ((3, 3), (1, 3), (3, 1), (2, 2), (1, 1), (5, 2)))
    size = draw.integer(1, 7), draw.integer(1, 6)
    return _Geometry(size, size, kernel, (1, 1), (1, 1), ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2))


def _fits(rows: Int8s, flavour: Flavour) -> Flavour:
    return "portable" if flavour == "dsp" and not pack.dsp_fits(rows) else flavour


def _numbers(
    g: _Geometry, rows: tuple[int, int], in_c: int, out_c: int, ring: int, tail: Sequence[int]
) -> list[int]:
    head = [*rows, *g.size, in_c, *g.out, out_c, *g.kernel, *g.stride, *g.dilation, *g.pad, ring]
    return [*head, *tail]


def convolution(draw: Draw, flavour: Flavour) -> Case:
    return _convolution(draw, flavour, pick(draw, ("apart", "patch", "sum")))


def convolution_in_place(draw: Draw, flavour: Flavour) -> Case:
    return _convolution(draw, flavour, pick(draw, ("pixel", "ring", "ring")))


def _convolution(draw: Draw, flavour: Flavour, place: str) -> Case:
    g = _same(draw) if place == "ring" else _geometry(draw)
    in_c, out_c = draw.integer(1, 65), draw.integer(1, 65)
    if place == "pixel":
        g = _Geometry(g.size, g.size, (1, 1), (1, 1), (1, 1), (0, 0))
    if place in ("pixel", "ring"):
        out_c = pick(draw, (in_c, draw.integer(1, in_c)))
    weights = _weights(draw, out_c, *g.kernel, in_c)
    flavour = _fits(weights.reshape(out_c, -1), flavour)
    in_zero, out_zero = zero_point(draw), zero_point(draw)
    low, high = bounds(draw)
    multipliers, shifts = scales(draw, out_c)
    bias = biases(draw, out_c)
    layer = pack.Weighted(weights, bias, multipliers, shifts, in_zero, out_zero, low, high)
    packed = pack.pack_conv(layer, flavour)
    wide = draw.integer(1, 3) if place == "patch" else 0
    x = int8s(draw, g.size[0], g.size[1] + wide, in_c)
    inner = x[:, : g.size[1]]
    sums = np.einsum("yxijc,oijc->yxo", windows(inner, in_zero, g.out, g.kernel, g.stride, g.dilation, g.pad),
                     weights.astype(np.int64)) + bias  # fmt: skip
    made = requantised(sums, multipliers, shifts, out_zero, low, high)
    start = int8s(draw, g.out[0], g.out[1] + wide, out_c)
    tail = [in_zero, out_zero, low, high, packed.fast, -1]
    if place == "sum":
        add = add_numbers(draw)
        made = added(made, start[:, : g.out[1]], add)
        tail = [*tail[:-1], FLAVOURS[flavour], *add]
    expected = start.copy()
    expected[:, : g.out[1]] = made
    ring = 0
    if place == "ring":
        ring = pack.ring_rows(g.size[0], g.size[1] * in_c, g.out[0], g.out[1] * out_c, 1, g.pad[0])
    scratch = pack.conv_scratch(
        g.kernel[0] * g.kernel[1], in_c, out_c, ring * g.size[1] * in_c, place == "sum", flavour
    )
    rows = (x.shape[1] * in_c, start.shape[1] * out_c)
    inside = place in ("pixel", "ring")
    call = Call(
        FLAVOURS[flavour], _numbers(g, rows, in_c, out_c, ring, tail), [packed.weights, packed.channels], x,
        expected.size, np.zeros(0, np.int8) if inside else start, 0 if inside else -1, scratch,
    )  # fmt: skip
    return Case(call, expected)


def overlapping_convolution(draw: Draw, flavour: Flavour) -> Case:
    """The output runs into the input as closely as the promise of rising groups allows."""
    group = 1 if flavour == "portable" else 2
    g = _same(draw)
    in_c, out_c = draw.integer(1, 20), draw.integer(1, 20)
    weights = int8s(draw, out_c, *g.kernel, in_c, low=-127)
    bias = biases(draw, out_c)
    multipliers, shifts = scales(draw, out_c)
    zeros = zero_point(draw), zero_point(draw)
    packed = pack.pack_conv(pack.Weighted(weights, bias, multipliers, shifts, *zeros), flavour)
    x = int8s(draw, *g.size, in_c)
    sums = np.einsum("yxijc,oijc->yxo", windows(x, zeros[0], g.out, g.kernel, g.stride, g.dilation, g.pad),
                     weights.astype(np.int64)) + bias  # fmt: skip
    expected = requantised(sums, multipliers, shifts, zeros[1], -128, 127)
    count, distance = g.out[0] * g.out[1], 0
    for first in range(0, count, group):
        end = min(first + group, count)
        later = [
            max(0, p // g.out[1] - g.pad[0]) * g.size[1] + max(0, p % g.out[1] - g.pad[1])
            for p in range(end, count)
        ]
        distance = max(distance, end * out_c - min(later, default=count) * in_c)
    call = Call(
        FLAVOURS[flavour],
        _numbers(g, (g.size[1] * in_c, g.out[1] * out_c), in_c, out_c, 0, [*zeros, -128, 127, packed.fast, -1]),
        [packed.weights, packed.channels], x, expected.size, distance=distance,
        scratch=pack.conv_scratch(g.kernel[0] * g.kernel[1], in_c, out_c, 0, False, flavour),
    )  # fmt: skip
    return Case(call, expected)


def depthwise(draw: Draw, flavour: Flavour) -> Case:
    place = pick(draw, ("apart", "patch", "ring"))
    g = _same(draw) if place == "ring" else _geometry(draw)
    channels = draw.integer(1, 65)
    times = draw.integer(1, 4) if flavour == "portable" and place != "ring" else 1
    out_c = channels * times
    weights = _weights(draw, 1, *g.kernel, out_c)
    in_zero, out_zero = zero_point(draw), zero_point(draw)
    low, high = bounds(draw)
    multipliers, shifts = scales(draw, out_c)
    bias = biases(draw, out_c)
    layer = pack.Weighted(weights, bias, multipliers, shifts, in_zero, out_zero, low, high)
    packed = pack.pack_depthwise(layer, flavour)
    wide = draw.integer(1, 3) if place == "patch" else 0
    x = int8s(draw, g.size[0], g.size[1] + wide, channels)
    seen = windows(x[:, : g.size[1]], in_zero, g.out, g.kernel, g.stride, g.dilation, g.pad)
    sums = np.einsum("yxijc,ijc->yxc", np.repeat(seen, times, axis=-1), weights[0].astype(np.int64)) + bias
    start = int8s(draw, g.out[0], g.out[1] + wide, out_c)
    expected = start.copy()
    expected[:, : g.out[1]] = requantised(sums, multipliers, shifts, out_zero, low, high)
    ring = 0
    if place == "ring":
        ring = pack.ring_rows(g.size[0], g.size[1] * channels, g.out[0], g.out[1] * channels, 1, g.pad[0])
    call = Call(
        10 + FLAVOURS[flavour],
        _numbers(g, (x.shape[1] * channels, start.shape[1] * out_c), channels, out_c, ring,
                 [in_zero, out_zero, low, high, packed.fast, -1]),
        [packed.weights, packed.channels], x, expected.size,
        np.zeros(0, np.int8) if ring else start, 0 if ring else -1,
        pack.depthwise_scratch(g.kernel[0] * g.kernel[1], channels, ring * g.size[1] * channels, flavour),
    )  # fmt: skip
    return Case(call, expected)


def transposed(draw: Draw, flavour: Flavour) -> Case:
    kernel = draw.integer(1, 4), draw.integer(1, 4)
    stride = draw.integer(1, 3), draw.integer(1, 3)
    pad = draw.integer(0, kernel[0] - 1), draw.integer(0, kernel[1] - 1)
    size = draw.integer(1, 4), draw.integer(1, 4)
    out = tuple(max(1, (n - 1) * s + k - p) for n, s, k, p in zip(size, stride, kernel, pad, strict=True))
    in_c, out_c = draw.integer(1, 9), draw.integer(1, 9)
    weights, x = int8s(draw, out_c, *kernel, in_c), int8s(draw, *size, in_c)
    in_zero, out_zero = zero_point(draw), zero_point(draw)
    low, high = bounds(draw)
    multipliers, shifts = scales(draw, out_c)
    bias = biases(draw, out_c)
    sums = np.zeros((*out, out_c), np.int64) + bias
    for y, column, ky, kx in np.ndindex(*size, *kernel):
        at = y * stride[0] - pad[0] + ky, column * stride[1] - pad[1] + kx
        if 0 <= at[0] < out[0] and 0 <= at[1] < out[1]:
            sums[at] += weights[:, ky, kx].astype(np.int64) @ (x[y, column].astype(np.int64) - in_zero)
    of_taps = in_zero * weights.astype(np.int64).sum(axis=3)
    records = np.concatenate([np.ravel([*zip(bias, multipliers, shifts, strict=True)]), of_taps.ravel()])
    records = records.astype(np.int32)
    g = _Geometry(size, (out[0], out[1]), kernel, stride, (1, 1), pad)
    rows = (size[1] * in_c, out[1] * out_c)
    tail = [in_zero, out_zero, low, high, 0, -1]
    call = Call(20, _numbers(g, rows, in_c, out_c, 0, tail), [weights, records], x, sums.size)
    return Case(call, requantised(sums, multipliers, shifts, out_zero, low, high))


def connected(draw: Draw, flavour: Flavour) -> Case:
    batches, outputs = draw.integer(1, 3), draw.integer(1, 65)
    inputs = pick(draw, (draw.integer(1, 65), draw.integer(500, 1100)))
    weights, x = _weights(draw, outputs, inputs), int8s(draw, batches, inputs)
    flavour = _fits(weights, flavour)
    in_zero, out_zero = zero_point(draw), zero_point(draw)
    low, high = bounds(draw)
    multipliers, shifts = scales(draw, outputs)
    bias = biases(draw, outputs)
    layer = pack.Weighted(weights, bias, multipliers, shifts, in_zero, out_zero, low, high)
    packed = pack.pack_fully_connected(layer, flavour)
    sums = (x.astype(np.int64) - in_zero) @ weights.T.astype(np.int64) + bias
    numbers = [batches, inputs, outputs, in_zero, out_zero, low, high, packed.fast]
    call = Call(30 + FLAVOURS[flavour], numbers, [packed.weights, packed.channels], x, sums.size)
    return Case(call, requantised(sums, multipliers, shifts, out_zero, low, high))


def matrices(draw: Draw, flavour: Flavour) -> Case:
    rows, inner, columns = draw.integer(1, 9), draw.integer(1, 65), draw.integer(1, 13)
    transposed = maybe(draw)
    a, b = int8s(draw, rows, inner), int8s(draw, *((columns, inner) if transposed else (inner, columns)))
    zeros, (low, high) = [zero_point(draw) for _ in range(3)], bounds(draw)
    (multiplier,), (shift,) = scales(draw, 1)
    bias = biases(draw, columns) if maybe(draw) else np.zeros(0, np.int32)
    right = (b.T if transposed else b).astype(np.int64) - zeros[1]
    sums = (a.astype(np.int64) - zeros[0]) @ right + (bias if bias.size else 0)
    expected = requantised(sums[..., None], [multiplier], [shift], zeros[2], low, high)
    numbers = [rows, columns, inner, *zeros, multiplier, shift, low, high, int(transposed), bias.size]
    scratch = pack.matmul_scratch(inner, flavour)
    return Case(Call(33 + FLAVOURS[flavour], numbers, [bias, b], a, sums.size, scratch=scratch), expected)


def heaviest_sums(draw: Draw, flavour: Flavour) -> Case:
    """As far from zero as sums go: what is packed together must not run into each other."""
    outputs, inputs = draw.integer(1, 20), draw.integer(500, 1300)
    weights = np.full((outputs, inputs), pick(draw, (127, -127)), np.int8)
    x = np.full((1, inputs), pick(draw, (127, -128)), np.int8)
    multipliers, shifts = [2**30] * outputs, [-17 - draw.integer(0, 1)] * outputs
    bias = np.zeros(outputs, np.int32)
    sums = x.astype(np.int64) @ weights.T.astype(np.int64)
    expected = requantised(sums, multipliers, shifts, 0, -128, 127)
    if maybe(draw):
        packed = pack.pack_fully_connected(pack.Weighted(weights, bias, multipliers, shifts), flavour)
        numbers = [1, inputs, outputs, 0, 0, -128, 127, packed.fast]
        return Case(Call(30 + FLAVOURS[flavour], numbers, [packed.weights, packed.channels], x, outputs), expected)
    g = _Geometry((1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (0, 0))
    packed = pack.pack_conv(pack.Weighted(weights[:, None, None], bias, multipliers, shifts), flavour)
    numbers = _numbers(g, (inputs, outputs), inputs, outputs, 0, [0, 0, -128, 127, packed.fast, -1])
    scratch = pack.conv_scratch(1, inputs, outputs, 0, False, flavour)
    call = Call(FLAVOURS[flavour], numbers, [packed.weights, packed.channels], x, outputs, scratch=scratch)
    return Case(call, expected)


def sum_of_two(draw: Draw, flavour: Flavour) -> Case:
    n = draw.integer(1, 70)
    numbers = add_numbers(draw)
    a, b = int8s(draw, n), int8s(draw, n)
    call = Call(40 + FLAVOURS[flavour], [*numbers, n], [b], a, n, distance=pick(draw, (-1, 0)))
    return Case(call, added(a, b, numbers))


def sum_repeated(draw: Draw, flavour: Flavour) -> Case:
    period, times = draw.integer(1, 9), draw.integer(1, 5)
    numbers = add_numbers(draw)
    a, b = int8s(draw, period * times), int8s(draw, period)
    call = Call(43, [*numbers, a.size, period], [b], a, a.size, distance=0)
    return Case(call, added(a, np.tile(b, times), numbers))


def product(draw: Draw, flavour: Flavour) -> Case:
    period, times = draw.integer(1, 9), draw.integer(1, 5)
    a, b = int8s(draw, period * times), int8s(draw, period)
    zeros = [zero_point(draw) for _ in range(3)]
    (multiplier,), (shift,) = scales(draw, 1)
    low, high = bounds(draw)
    products = (a.astype(np.int64) - zeros[0]) * (np.tile(b, times).astype(np.int64) - zeros[1])
    expected = requantised(products[:, None], [multiplier], [shift], zeros[2], low, high)
    call = Call(44, [*zeros, multiplier, shift, low, high, a.size, period], [b], a, a.size, distance=0)
    return Case(call, expected)


def looked_up(draw: Draw, flavour: Flavour) -> Case:
    table, x = int8s(draw, 256), int8s(draw, draw.integer(1, 70))
    call = Call(45, [x.size], [table], x, x.size, distance=0)
    return Case(call, table[x.astype(np.int64) + 128])


def _pool(draw: Draw, op: int, of: Callable[[NDArray[np.int64]], int]) -> Case:
    kernel = draw.integer(1, 5), draw.integer(1, 5)
    size = draw.integer(1, 7), draw.integer(1, 7)
    stride, channels = (draw.integer(1, 3), draw.integer(1, 3)), draw.integer(1, 65)
    pad = draw.integer(0, kernel[0] - 1), draw.integer(0, kernel[1] - 1)
    # No window may lie outside altogether.
    out = [draw.integer(1, (n - 1 + p) // s + 1) for n, p, s in zip(size, pad, stride, strict=True)]
    low, high = bounds(draw)
    x = int8s(draw, *size, channels)
    expected = np.zeros((*out, channels), np.int8)
    for y, column, c in np.ndindex(*expected.shape):
        top, left = y * stride[0] - pad[0], column * stride[1] - pad[1]
        seen = x[max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1], c].astype(np.int64)
        expected[y, column, c] = min(max(of(seen), low), high)
    numbers = [*size, channels, *out, *kernel, *stride, *pad, low, high]
    return Case(Call(op, numbers, [], x, expected.size, distance=0 if pad == (0, 0) else -1), expected)


def average_pool(draw: Draw, flavour: Flavour) -> Case:
    def average(seen: NDArray[np.int64]) -> int:
        total, count = int(seen.sum()), seen.size
        return int(np.sign(total)) * ((abs(total) + count // 2) // count)

    return _pool(draw, 50, average)


def max_pool(draw: Draw, flavour: Flavour) -> Case:
    return _pool(draw, 51, lambda seen: int(seen.max()))


def mean(draw: Draw, flavour: Flavour) -> Case:
    outer, count, inner = draw.integer(1, 4), draw.integer(1, 40), draw.integer(1, 9)
    x = int8s(draw, outer, count, inner)
    zero, out_zero = zero_point(draw), zero_point(draw)
    (multiplier,), (shift,) = scales(draw, 1)
    sums = x.astype(np.int64).sum(axis=1) - count * zero
    expected = requantised(sums[..., None], [multiplier], [shift], out_zero, -128, 127)
    call = Call(52, [outer, count, inner, zero, out_zero, multiplier, shift], [], x, expected.size, distance=0)
    return Case(call, expected)


def softmax(draw: Draw, flavour: Flavour) -> Case:
    rows, depth = draw.integer(1, 3), draw.integer(1, 40)
    rng = random.Random(draw.integer(0, 2**31))
    real = min(2.0 ** rng.uniform(-10, 2) * 2**26, 2.0**31 - 1)
    shift = int(np.frexp(real)[1])
    multiplier = min(round(real * 2.0 ** (31 - shift)), 2**31 - 1)
    least = -int(31 * 2**26 / 2**shift)
    x = int8s(draw, rows, depth)
    expected = np.full((rows, depth), -128, np.int8)
    for row in range(rows):
        difference = x[row].astype(np.int64) - int(x[row].max())
        kept = difference >= least
        powers = exp_on_negative(doubling_high_mul(difference[kept] << shift, multiplier))
        total = int(rounding_shift(powers, 12).sum())
        headroom = 32 - total.bit_length()
        scale = reciprocal_of_one_plus((total << headroom) - 2**31)
        made = rounding_shift(doubling_high_mul(scale, powers), 12 - headroom + 23) - 128
        expected[row, kept] = np.clip(made, -128, 127)
    return Case(Call(53, [rows, depth, multiplier, shift, least], [], x, x.size, distance=0), expected)


def copied(draw: Draw, flavour: Flavour) -> Case:
    rows, size, gap_in, gap_out = draw.integer(1, 5), draw.integer(1, 20), draw.integer(0, 5), draw.integer(0, 5)
    x, start = int8s(draw, rows, size + gap_in), int8s(draw, rows, size + gap_out)
    expected = start.copy()
    expected[:, :size] = x[:, :size]
    return Case(Call(60, [rows, size, size + gap_in, size + gap_out], [], x, expected.size, start), expected)


def padded(draw: Draw, flavour: Flavour) -> Case:
    shape = [draw.integer(1, 4) for _ in range(4)]
    before, after = [draw.integer(0, 3) for _ in range(4)], [draw.integer(0, 3) for _ in range(4)]
    value, x = zero_point(draw), int8s(draw, *shape)
    expected = np.pad(x, list(zip(before, after, strict=True)), constant_values=value)
    return Case(Call(61, [*shape, *before, *after, value], [], x, expected.size), expected)


def sliced(draw: Draw, flavour: Flavour) -> Case:
    shape = [draw.integer(1, 5) for _ in range(4)]
    begin = [draw.integer(0, n - 1) for n in shape]
    stride = [pick(draw, (1, 2, 3, -1, -2)) for _ in range(4)]
    most = [(n - 1 - b) // s + 1 if s > 0 else b // -s + 1 for n, b, s in zip(shape, begin, stride, strict=True)]
    out = [draw.integer(1, n) for n in most]
    x = int8s(draw, *shape)
    expected = x[np.ix_(*[[b + i * s for i in range(n)] for b, s, n in zip(begin, stride, out, strict=True)])]
    rising = all(s > 0 for s in stride)
    return Case(
        Call(62, [*shape, *begin, *stride, *out], [], x, expected.size, distance=0 if rising else -1), expected
    )


def nearest(draw: Draw, flavour: Flavour) -> Case:
    size, out = (draw.integer(1, 5), draw.integer(1, 5)), (draw.integer(1, 9), draw.integer(1, 9))
    x = int8s(draw, *size, draw.integer(1, 7))
    rows, columns = ([i * n // m for i in range(m)] for n, m in zip(size, out, strict=True))
    expected = x[rows][:, columns]
    blobs = [np.array(rows, np.int16), np.array(columns, np.int16)]
    return Case(Call(63, [size[1], x.shape[2], *out], blobs, x, expected.size), expected)


def bilinear(draw: Draw, flavour: Flavour) -> Case:
    size, out = (draw.integer(1, 5), draw.integer(1, 5)), (draw.integer(1, 9), draw.integer(1, 9))
    x, half = int8s(draw, *size, draw.integer(1, 7)), draw.integer(0, 1)
    corners = half == 0 and maybe(draw)
    scale = [
        (1024 * (n - 1) + (m - 1) // 2) // (m - 1) if corners and m > 1 else (1024 * n + m // 2) // m
        for n, m in zip(size, out, strict=True)
    ]

    def place(i: int, axis: int) -> tuple[int, int, int]:
        at = i * scale[axis] + (scale[axis] // 2 - 512 if half else 0)
        first = max(int(at / 1024), 0)
        return first, min(int((at + 1023) / 1024), size[axis] - 1), at - 1024 * first

    expected = np.zeros((*out, x.shape[2]), np.int8)
    for y, column in np.ndindex(*out):
        (top, bottom, v), (left, right, h) = place(y, 0), place(column, 1)
        corner = x.astype(np.int64)
        upper = corner[top, left] * (1024 - h) + corner[top, right] * h
        lower = corner[bottom, left] * (1024 - h) + corner[bottom, right] * h
        total = upper * (1024 - v) + lower * v
        expected[y, column] = np.sign(total) * ((np.abs(total) + 2**19) // 2**20)
    return Case(Call(64, [*scale, *size, x.shape[2], *out, half], [], x, expected.size), expected)


def pushed(draw: Draw, flavour: Flavour) -> Case:
    slots, size = draw.integer(1, 6), draw.integer(1, 9)
    state, frame = int8s(draw, slots, size), int8s(draw, size)
    expected = np.concatenate([state[1:], frame[None]])
    return Case(Call(65, [slots, size], [], frame, expected.size, state), expected)


def long_short_term(draw: Draw, flavour: Flavour) -> Case:
    n, bits, shift = draw.integer(1, 20), draw.integer(7, 14), draw.integer(0, 8)
    tables, gates = int8s(draw, 5, 256), int8s(draw, 4, n)
    rng = np.random.default_rng(draw.integer(0, 2**31))
    cell = rng.choice(np.array([-(2**15), 2**15 - 1, *rng.integers(-(2**15), 2**15, 6)], np.int16), n)
    seen = [
        table[gate.astype(np.int64) + 128].astype(np.int64) for table, gate in zip(tables, gates, strict=False)
    ]
    into, keep, fresh, out = seen[0] + 128, seen[1] + 128, seen[2], seen[3] + 128
    total = (keep * cell + into * fresh * 2 ** (bits - 7) + 128) // 256
    state = np.clip(total, -(2**15), 2**15 - 1)
    index = np.clip(np.floor(state / 2**shift + (0.5 if shift else 0)).astype(np.int64), -128, 127)
    hidden = (out * tables[4][index + 128].astype(np.int64) + 128) // 256
    expected = np.concatenate([state.astype("<i2").view(np.int8), hidden.astype(np.int8)])
    return Case(Call(66, [n, bits, shift], [tables, cell], gates, expected.size), expected)


def gated_recurrent(draw: Draw, flavour: Flavour) -> Case:
    n = draw.integer(1, 20)
    tables, gates, hidden = int8s(draw, 3, 256), int8s(draw, 4, n), int8s(draw, n)
    wide = gates.astype(np.int64)
    reset, keep = (tables[i][wide[i] + 128].astype(np.int64) + 128 for i in (0, 1))
    fresh = tables[2][np.clip(wide[2] + (reset * wide[3] + 128) // 256, -128, 127) + 128].astype(np.int64)
    expected = ((keep * hidden + (256 - keep) * fresh + 128) // 256).astype(np.int8)
    return Case(Call(67, [n], [tables], gates, n, hidden), expected)


FLAVOURED = {
    f.__name__: f
    for f in (
        convolution,
        convolution_in_place,
        overlapping_convolution,
        depthwise,
        connected,
        matrices,
        heaviest_sums,
        sum_of_two,
    )
}
PLAIN = {
    f.__name__: f
    for f in (
        transposed, sum_repeated, product, looked_up, average_pool, max_pool, mean, softmax, copied, padded,
        sliced, nearest, bilinear, pushed, long_short_term, gated_recurrent,
    )
}  # fmt: skip
