"""What each operator means that sets a row's values in proportion: softmax, its logarithm, the length."""

from __future__ import annotations

import numpy as np

from touchline.tiny import numerics
from touchline.tiny.arrays import Ints
from touchline.tiny.fixed_point import (
    doubling_high_mul,
    exp_on_negative,
    inverse_root,
    logarithm,
    reciprocal_of_one_plus,
    requantise,
    rounding_shift,
    wrap,
)
from touchline.tiny.graph import Tensor


def softmax(beta: float, tensor: Tensor, x: Ints, bits: int) -> Ints:
    multiplier, shift, farthest = numerics.softmax_scale(tensor, beta)
    difference = x - x.max(axis=-1, keepdims=True)
    counted = difference >= farthest
    scaled = doubling_high_mul(wrap(np.where(counted, difference, 0) << shift), multiplier)
    exps = np.where(counted, exp_on_negative(scaled), 0)
    total = rounding_shift(exps, 12).sum(axis=-1, keepdims=True)
    # 1/total as a fraction and the bits it has above one.
    zeros = 31 - np.floor(np.log2(total.astype(np.float64))).astype(np.int64)
    over_unit = 12 - zeros
    fraction = wrap((total << zeros) - (1 << 31))
    inverse = reciprocal_of_one_plus(fraction)
    least, most = -(1 << bits - 1), (1 << bits - 1) - 1
    outputs = rounding_shift(doubling_high_mul(inverse, exps), over_unit + 31 - bits) + least
    return np.where(counted, np.clip(outputs, least, most), least)


def log_softmax(tensor: Tensor, x: Ints) -> Ints:
    multiplier, shift, farthest = numerics.softmax_scale(tensor, 1.0)
    difference = x - x.max(axis=-1, keepdims=True)
    scaled = doubling_high_mul(wrap(difference << shift), multiplier)
    exps = np.where(difference >= farthest, rounding_shift(exp_on_negative(scaled), 12), 0)
    log_of_sum = logarithm(exps.sum(axis=-1, keepdims=True))
    least = np.maximum(farthest - 1, requantise(log_of_sum - (1 << 31), *numerics.log_softmax_scale(tensor)))
    made = rounding_shift(wrap(scaled - log_of_sum), 31 - 5 - 4) + 127
    return np.where(difference > least, np.clip(made, -128, 127), -128)


def l2_norm(x: Ints) -> Ints:
    made = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        multiplier, shift = inverse_root(int((x[place] ** 2).sum()))
        made[place] = requantise(x[place], multiplier, shift + 7).clip(-128, 127)
    return made
