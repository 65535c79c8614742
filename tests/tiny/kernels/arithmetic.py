"""The expected results, written anew in exact integers: plain, and sharing nothing with the kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Int8s = NDArray[np.int8]
Ints = NDArray[np.int64]


def rescaled(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> Ints:
    """x * multiplier * 2^(shift - 31), rounded to nearest twice: ties upwards, then away from zero."""
    shifts = np.asarray(shift, np.int64)
    left = np.asarray(x, np.int64) * 2 ** np.maximum(shifts, 0)
    in_a_register = (left + 2**31) % 2**32 - 2**31
    high = (in_a_register * np.asarray(multiplier, np.int64) + 2**30) // 2**31
    part = 2 ** np.maximum(-shifts, 0)
    return np.sign(high) * ((2 * np.abs(high) + part) // (2 * part))


def requantised(
    sums: Ints, multipliers: Sequence[int], shifts: Sequence[int], zero: int, low: int, high: int
) -> Int8s:
    """Sums [..., channels] → int8."""
    return np.clip(rescaled(sums, multipliers, shifts) + zero, low, high).astype(np.int8)


def windows(
    x: Int8s, zero: int, out: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int],
    dilation: tuple[int, int], pad: tuple[int, int],
) -> Ints:  # fmt: skip
    """x [h, w, c] less its zero point → [out_h, out_w, kernel_h, kernel_w, c], nought outside."""
    made = np.zeros((*out, *kernel, x.shape[2]), np.int64)
    for y, column, ky, kx in np.ndindex(*out, *kernel):
        at = (y * stride[0] - pad[0] + ky * dilation[0], column * stride[1] - pad[1] + kx * dilation[1])
        if 0 <= at[0] < x.shape[0] and 0 <= at[1] < x.shape[1]:
            made[y, column, ky, kx] = x[at].astype(np.int64) - zero
    return made


def added(a: Int8s, b: Int8s, numbers: Sequence[int]) -> Int8s:
    """ADD with `tl_add`'s numbers."""
    zero1, zero2, zero, m1, s1, m2, s2, m_out, s_out, low, high = numbers
    first = rescaled((a.astype(np.int64) - zero1) * 2**20, m1, s1)
    second = rescaled((b.astype(np.int64) - zero2) * 2**20, m2, s2)
    return np.clip(rescaled(first + second, m_out, s_out) + zero, low, high).astype(np.int8)
