"""Sound → log2 of mel energies in integers, for many frames at once: the bits of ``csrc/touchline_sound.c``.

A frame is shifted left until its largest value has 31 bits (block floating point), windowed, and transformed as
half as many complex numbers: a radix-2 FFT that halves at each stage, so it cannot overflow. Shifts of
negative numbers round downwards, as C's do on every compiler that Touchline supports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.tiny.features.tables import (
    LOG_BITS,
    LOG_TABLE_BITS,
    POWER_SHIFT,
    WEIGHT_BITS,
    MelBank,
    hann,
    log2_table,
    reversed_bits,
    twiddles,
)

Ints = NDArray[np.int64]
_BLOCK_BITS = 31


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """``size``: of the transform, a power of two."""

    size: int
    window: NDArray[np.int32]
    twiddles: NDArray[np.int32]
    reversed: NDArray[np.uint16]
    bank: MelBank
    log2: NDArray[np.int32]

    @classmethod
    def of(cls, window: int, size: int, bank: MelBank) -> Tables:
        return cls(size, hann(window), twiddles(size), reversed_bits(size // 2), bank, log2_table())


def offset_bits(size: int) -> int:
    """By how many bits a band's sum is above the power that librosa's formula gives for samples in ±1, but for
    the block's own shift, which counts twice."""
    return 2 * (15 - 1 - (size.bit_length() - 1)) + WEIGHT_BITS - POWER_SHIFT


def log_mel(frames: NDArray[np.int16], tables: Tables, floor: int) -> Ints:
    """log2 of each band's energy in Q16, not below ``floor``: (n, window) → (n, bands)."""
    values, shift = _windowed(frames, tables)
    sums = _bands(_power(_transformed(values, tables), tables), tables.bank)
    exponents = offset_bits(tables.size) + 2 * shift
    levels = _log2(sums, tables.log2) - (exponents << LOG_BITS)[:, None]
    return np.where(sums == 0, floor, np.maximum(levels, floor))


def bit_length(values: NDArray[np.int64]) -> Ints:
    """Of non-negative integers; 0 for 0."""
    rest, length = values.copy(), np.zeros_like(values)
    for step in (32, 16, 8, 4, 2, 1):
        large = rest >> step > 0
        length += np.where(large, step, 0)
        rest = np.where(large, rest >> step, rest)
    return length + rest


def _windowed(frames: NDArray[np.int16], tables: Tables) -> tuple[Ints, Ints]:
    """(n, size) with zeros after the window, and by how many bits each frame was raised, (n,)."""
    samples = frames.astype(np.int64)
    shift = _BLOCK_BITS - bit_length(np.bitwise_or.reduce(samples ^ (samples >> 63), axis=1))
    padded = np.zeros((len(frames), tables.size), np.int64)
    padded[:, : samples.shape[1]] = ((samples << shift[:, None]) * tables.window.astype(np.int64)) >> 32
    return padded, shift


def _rotated(re: Ints, im: Ints, factors: NDArray[np.int32]) -> tuple[Ints, Ints]:
    """Half of (re + j·im)(cos - j·sin)."""
    cos, sin = factors[:, 0].astype(np.int64), factors[:, 1].astype(np.int64)
    return (re * cos + im * sin) >> 32, (im * cos - re * sin) >> 32


def _transformed(values: Ints, tables: Tables) -> tuple[Ints, Ints]:
    """The transform of even samples and, as imaginary part, odd ones, over size / 2: (n, size / 2) twice."""
    count, size = len(values), tables.size // 2
    re, im = values[:, 0::2][:, tables.reversed], values[:, 1::2][:, tables.reversed]
    half = 1
    while half < size:
        a_re, b_re = _halves(re, half)
        a_im, b_im = _halves(im, half)
        turned_re, turned_im = _rotated(b_re, b_im, tables.twiddles[:: tables.size // (2 * half)][:half])
        turned_re[..., 0], turned_im[..., 0] = b_re[..., 0] >> 1, b_im[..., 0] >> 1
        if half > 1:
            quarter = half // 2
            turned_re[..., quarter], turned_im[..., quarter] = b_im[..., quarter] >> 1, -(b_re[..., quarter] >> 1)
        a_re, a_im = a_re >> 1, a_im >> 1
        re = np.stack([a_re + turned_re, a_re - turned_re], 2).reshape(count, size)
        im = np.stack([a_im + turned_im, a_im - turned_im], 2).reshape(count, size)
        half *= 2
    return re, im


def _halves(values: Ints, half: int) -> tuple[Ints, Ints]:
    blocks: NDArray[Any] = values.reshape(len(values), -1, 2, half)
    return blocks[:, :, 0], blocks[:, :, 1]


def _power(transformed: tuple[Ints, Ints], tables: Tables) -> Ints:
    """Of bins 0 to size / 2 - 1, of the samples' own transform over size; bin 0 is left 0."""
    re, im = (part >> 1 for part in transformed)
    size = tables.size // 2
    k = np.arange(1, size // 2 + 1)
    m = size - k
    even_re, even_im = (re[:, k] + re[:, m]) >> 1, (im[:, k] - im[:, m]) >> 1
    odd_re, odd_im = _rotated(im[:, k] + im[:, m], re[:, m] - re[:, k], tables.twiddles[k])
    power = np.zeros_like(re)
    power[:, k] = _squared(even_re + odd_re, even_im + odd_im)
    power[:, m] = _squared(even_re - odd_re, even_im - odd_im)
    return power


def _squared(re: Ints, im: Ints) -> Ints:
    return (re * re + im * im) >> POWER_SHIFT


def _bands(power: Ints, bank: MelBank) -> Ints:
    """Each band's weighted sum: (n, bands)."""
    starts = bank.starts.astype(np.int64)
    used = power[:, starts[0] : starts[-1]]
    rising, falling = np.zeros((2, len(power), len(starts) - 1), np.int64)
    for segment, (begin, end) in enumerate(zip(starts[:-1] - starts[0], starts[1:] - starts[0], strict=True)):
        up = (used[:, begin:end] * bank.rising[begin:end].astype(np.int64)).sum(1)
        rising[:, segment] = up
        falling[:, segment] = (used[:, begin:end].sum(1) << WEIGHT_BITS) - up
    return rising[:, :-1] + falling[:, 1:]


def _log2(values: Ints, table: NDArray[np.int32]) -> Ints:
    """Q16, by a table of 33 and straight lines between: less than 0.001 dB off. 0 where the value is 0."""
    exponent = np.maximum(bit_length(values) - 1, 0)
    down = np.maximum(exponent - LOG_BITS, 0)
    up = np.maximum(LOG_BITS - exponent, 0)
    mantissa = np.maximum(((values >> down) << up) - (1 << LOG_BITS), 0)
    rest_bits = LOG_BITS - LOG_TABLE_BITS
    index, rest = mantissa >> rest_bits, mantissa & ((1 << rest_bits) - 1)
    wide = table.astype(np.int64)
    between = ((wide[index + 1] - wide[index]) * rest + (1 << (rest_bits - 1))) >> rest_bits
    return np.where(values == 0, 0, (exponent << LOG_BITS) + wide[index] + between)
