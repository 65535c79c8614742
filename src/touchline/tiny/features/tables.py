"""The constants of sound features, computed once in float: both twins, numpy's and C's, read the same integers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FACTOR_BITS = 31
POWER_SHIFT = 14
"""Bits that a bin's power loses, so that a band's sum stays within 63."""
WEIGHT_BITS = 15
LOG_BITS = 16
LOG_TABLE_BITS = 5
DCT_BITS = 15


def hann(length: int) -> NDArray[np.int32]:
    """The periodic Hann window, Q31: (length,)."""
    return _factors(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length))


def twiddles(size: int) -> NDArray[np.int32]:
    """cos and sin of 2πk/size for k < size / 2, Q31: (size / 2, 2)."""
    angle = 2 * np.pi * np.arange(size // 2) / size
    return _factors(np.stack([np.cos(angle), np.sin(angle)], 1))


def _factors(values: NDArray[np.float64]) -> NDArray[np.int32]:
    limit = (1 << FACTOR_BITS) - 1
    return np.clip(np.rint(values * (1 << FACTOR_BITS)), -limit, limit).astype(np.int32)


def reversed_bits(count: int) -> NDArray[np.uint16]:
    """Of each index below ``count``, a power of two, the one whose bits run the other way: (count,)."""
    bits = count.bit_length() - 1
    return np.array([int(f"{index:0{bits}b}"[::-1], 2) for index in range(count)], np.uint16)


def log2_table() -> NDArray[np.int32]:
    """log2(1 + i / 32), Q16, for i ≤ 32: (33,)."""
    steps = 1 << LOG_TABLE_BITS
    return np.rint(np.log2(1 + np.arange(steps + 1) / steps) * (1 << LOG_BITS)).astype(np.int32)


def dct(coefficients: int, bands: int) -> NDArray[np.int16]:
    """The orthonormal DCT-II, Q15: (coefficients, bands).

    d[k, b] = sqrt(2 / bands) · cos(πk(2b + 1) / (2·bands)), for k = 0 over sqrt(2): scipy.fft.dct(norm="ortho").
    """
    k, b = np.arange(coefficients)[:, None], np.arange(bands)[None]
    matrix = np.sqrt(2 / bands) * np.cos(np.pi * k * (2 * b + 1) / (2 * bands))
    matrix[0] /= math.sqrt(2)
    return np.rint(matrix * (1 << DCT_BITS)).astype(np.int16)


@dataclass(frozen=True, slots=True, eq=False)
class MelBank:
    """Triangles whose neighbours sum to one, so that a bin needs one weight for the two bands it is in.

    ``starts`` (bands + 2,): the first bin at or above each corner. ``rising`` (starts[-1] - starts[0],): of each
    bin from ``starts[0]`` on, Q15, its part in the band whose centre is the next corner; the rest of it is in the
    band before. ``empty``: bands that no bin is in.
    """

    starts: NDArray[np.uint16]
    rising: NDArray[np.uint16]
    empty: tuple[int, ...]


def mel_bank(rate: int, fft: int, bands: int, low_hz: float, high_hz: float) -> MelBank:
    """Corners at equal distances on the HTK mel scale, mel(f) = 2595·log10(1 + f / 700), peaks of 1.

    The same as ``librosa.filters.mel(sr=rate, n_fft=fft, n_mels=bands, fmin=low_hz, fmax=high_hz, htk=True,
    norm=None)`` (https://librosa.org/doc/latest/generated/librosa.filters.mel.html; after Young et al., The HTK
    Book, section 5.4).
    """
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (low_hz, high_hz))
    corners = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1) * fft / rate
    corners[-1] = min(corners[-1], fft / 2)
    starts = np.maximum(np.ceil(corners - 1e-9), 1).astype(np.int64)
    bins = np.arange(starts[0], starts[-1])
    segment = np.searchsorted(starts, bins, side="right") - 1
    part = (bins - corners[segment]) / (corners[segment + 1] - corners[segment])
    rising = np.clip(np.rint(part * (1 << WEIGHT_BITS)), 0, 1 << WEIGHT_BITS).astype(np.int64)
    total = np.zeros(bands + 2)
    np.add.at(total, segment + 1, rising)
    np.add.at(total, segment, (1 << WEIGHT_BITS) - rising)
    empty = tuple(int(band) for band in np.flatnonzero(total[1:-1] == 0))
    return MelBank(starts.astype(np.uint16), rising.astype(np.uint16), empty)
