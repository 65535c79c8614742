"""The expected results, written anew in exact integers: slow, and shares nothing with the kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Int8s = NDArray[np.int8]
Ints = NDArray[np.int64]


def wrapped(x: int) -> int:
    return (x + 2**31) % 2**32 - 2**31


def rescaled(x: int, multiplier: int, shift: int) -> int:
    """x * multiplier * 2^(shift - 31), rounded to nearest twice: ties upwards, then away from zero."""
    x = wrapped(x << max(shift, 0))
    high = min((2 * x * multiplier + 2**31) // 2**32, 2**31 - 1)
    part = 2 ** max(-shift, 0)
    magnitude = (2 * abs(high) + part) // (2 * part)
    return magnitude if high >= 0 else -magnitude


def requantised(
    sums: Ints, multipliers: Sequence[int], shifts: Sequence[int], zero: int, low: int, high: int
) -> Int8s:
    """Sums [..., channels] → int8."""
    flat = sums.reshape(-1, sums.shape[-1])
    made = [
        [min(max(rescaled(wrapped(int(x)), m, s) + zero, low), high) for x, m, s in zip(row, multipliers, shifts)]
        for row in flat
    ]
    return np.array(made, np.int8).reshape(sums.shape)


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

    def one(x: int, y: int) -> int:
        total = rescaled((x - zero1) << 20, m1, s1) + rescaled((y - zero2) << 20, m2, s2)
        return min(max(rescaled(total, m_out, s_out) + zero, low), high)

    return np.array([one(int(x), int(y)) for x, y in zip(a.ravel(), b.ravel(), strict=True)], np.int8).reshape(
        a.shape
    )
