"""TFLite's integer arithmetic in numpy, to the bit.

Requantisation rounds twice, as gemmlowp does (Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", 2018, and gemmlowp's fixedpoint.h): the upper half of the doubled
product is rounded to nearest, ties away from minus infinity, then the right shift to nearest, ties away from zero.
Values are carried in int64; ``wrap`` takes them to int32 where C would.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from touchline.tiny.arrays import Ints

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def wrap(values: ArrayLike) -> Ints:
    """int64 → what is left in 32 bits, two's complement."""
    return np.asarray(values, np.int64).astype(np.int32).astype(np.int64)


def quantise_multiplier(real: float) -> tuple[int, int]:
    """real ≈ multiplier · 2^(shift − 31), multiplier in [2^30, 2^31) or 0."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(abs(fraction) * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = 1 << 30, shift + 1
    if shift < -31:
        return 0, 0
    return (multiplier if fraction > 0 else -multiplier), shift


def doubling_high_mul(a: ArrayLike, b: ArrayLike) -> Ints:
    """round(a·b / 2^31); int32 in and out, saturating where both are −2^31."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    both_lowest = (np.asarray(a) == INT32_MIN) & (np.asarray(b) == INT32_MIN)
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C's division rounds towards zero, numpy's shift downwards.
    total = product + nudge
    halved = np.where(total >= 0, total >> 31, -((-total) >> 31))
    return np.where(both_lowest, INT32_MAX, halved)


def rounding_shift(values: ArrayLike, exponent: ArrayLike) -> Ints:
    """round(values / 2^exponent), ties away from zero; exponent ≥ 0."""
    x = np.asarray(values, np.int64)
    shift = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << shift) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> shift) + ((x & mask) > threshold)


def requantise(values: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> Ints:
    """int32 values · multiplier · 2^(shift − 31), rounded twice. Arrays broadcast."""
    shifts = np.asarray(shift, np.int64)
    shifted = wrap(np.asarray(values, np.int64) << np.maximum(shifts, 0))
    return rounding_shift(doubling_high_mul(shifted, multiplier), np.maximum(-shifts, 0))


def exp_on_negative(values: ArrayLike) -> Ints:
    """exp of fixed-point numbers ≤ 0 with 5 integer bits (Q5.26) → Q0.31.

    gemmlowp's scheme: the part in [−1/4, 0) by a fourth-order polynomial around −1/8, the rest by a product of
    exp(−2^k) for the bits that are set.
    """
    a = np.asarray(values, np.int64)
    fractional_bits = 26
    quarter = 1 << (fractional_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    x = wrap(rest << 5) + (1 << 28)
    x2 = doubling_high_mul(x, x)
    x3 = doubling_high_mul(x2, x)
    x4 = doubling_high_mul(x2, x2)
    x4_by_4 = rounding_shift(x4, 2)
    tail = rounding_shift(doubling_high_mul(x4_by_4 + x3, 715827883) + x2, 1)
    result = 1895147668 + doubling_high_mul(1895147668, x + tail)
    remainder = rest - a
    for exponent, factor in _EXP_OF_POWERS:
        set_bit = (remainder >> (fractional_bits + exponent)) & 1
        result = np.where(set_bit == 1, doubling_high_mul(result, factor), result)
    return np.where(a == 0, INT32_MAX, result)


_EXP_OF_POWERS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
"""(k, exp(−2^k) in Q0.31)."""


def reciprocal_of_one_plus(values: ArrayLike) -> Ints:
    """1 / (1 + x) for x in [0, 1), Q0.31 in and out: three Newton steps from 48/17 − 32/17·d (d = (1 + x)/2)."""
    half = _rounding_half_sum(values, INT32_MAX)
    x = wrap(1515870810 + doubling_high_mul(half, -1010580540))
    for _ in range(3):
        half_times_x = doubling_high_mul(half, x)
        one_minus = (1 << 29) - half_times_x
        x = x + saturating_shift(doubling_high_mul(x, one_minus), 2)
    return saturating_shift(x, 1)


def inverse_root(value: int) -> tuple[int, int]:
    """1/√value ≈ multiplier · 2^(shift − 31), for a whole number of 1 and more: five Newton steps in Q3.28."""
    if value <= 1:
        return INT32_MAX, 0
    shift = 11
    while value >= 1 << 29:
        value, shift = value // 4, shift + 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    shift, value = shift - pairs, value << 2 * pairs
    fraction = value >> 1
    half = rounding_shift(fraction, 1)
    x: Ints = np.asarray(1 << 28, np.int64)
    for _ in range(5):
        cube = saturating_shift(doubling_high_mul(doubling_high_mul(x, x), x), 6)  # Q9 → Q3
        x = saturating_shift(doubling_high_mul(3 << 27, x) - doubling_high_mul(half, cube), 3)  # Q6 → Q3
    root = int(doubling_high_mul(x, 1518500250))
    if shift < 0:
        root, shift = int(wrap(root << -shift)), 0
    return root, -shift


def reciprocal(values: Ints) -> tuple[Ints, Ints]:
    """1 / x for whole numbers x of 1 and more ≈ fraction · 2^(−bits − 31): the fraction, and bits."""
    bits = np.floor(np.log2(values.astype(np.float64))).astype(np.int64)
    return reciprocal_of_one_plus(wrap((values << (31 - bits)) - (1 << 31))), bits


def logarithm(values: ArrayLike) -> Ints:
    """ln x for Q12.19 x of 1 and more → Q5.26.

    gemmlowp's scheme as TFLite has it: x = 2^k · r with r around √√½, k in quarters, from two candidates; ln r by
    a rational function.
    """
    x = np.asarray(values, np.int64)
    root, root_of_root = 1518500250, 1805811301  # √½ and √√½ in Q0.31
    headroom = 30 - np.floor(np.log2(x.astype(np.float64))).astype(np.int64)
    first = saturating_shift(doubling_high_mul(saturating_shift(x, headroom), root), 1)
    first_power = ((11 - headroom) << 25) + (1 << 23)
    second_headroom = 30 - np.floor(np.log2(doubling_high_mul(x, root).astype(np.float64))).astype(np.int64)
    second = saturating_shift(x, second_headroom)
    second_power = ((12 - second_headroom) << 25) - (1 << 23)
    r, power = np.minimum(first, second), np.maximum(first_power, second_power)
    p = _rounding_half_sum(r, root_of_root)
    q = wrap(2 * (r - root_of_root))
    square = doubling_high_mul(q, q)
    above = doubling_high_mul(q, r) + doubling_high_mul(doubling_high_mul(q, square), 117049297)
    inner = wrap(1057819769 + q + doubling_high_mul(127690142, square))
    below = wrap(doubling_high_mul(p, inner) + doubling_high_mul(638450708, q))
    fraction = doubling_high_mul(rounding_shift(wrap(above), 6), reciprocal_of_one_plus(below))
    return saturating_shift(wrap(doubling_high_mul(power, 1488522236) + fraction), 1)


def _rounding_half_sum(a: ArrayLike, b: ArrayLike) -> Ints:
    total = np.asarray(a, np.int64) + np.asarray(b, np.int64)
    signed = total + np.where(total >= 0, 1, -1)
    return np.where(signed >= 0, signed >> 1, -((-signed) >> 1))


def saturating_shift(values: ArrayLike, exponent: ArrayLike) -> Ints:
    """values · 2^exponent, held within int32."""
    return np.clip(np.asarray(values, np.int64) << np.asarray(exponent, np.int64), INT32_MIN, INT32_MAX)
