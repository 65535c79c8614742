"""Sound → log-mel energies or MFCC as int8, in numpy integers; `write_c` writes the same as C99.

mel = LogMel(rate=16_000, window=480, hop=320, bands=40)
rows = mel.compute(samples)          # int16 (n,) → int8 (rows, 40), to train with
mel.write_c(Path("firmware"), "ears")  # ears.h, ears.c: the same bits, a hop at a time
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.tiny.features import spectrum
from touchline.tiny.features.quantise import (
    MULTIPLIER_LIMIT,
    check_quantisation,
    multiplier,
    quantised,
)
from touchline.tiny.features.spectrum import Ints, Tables
from touchline.tiny.features.tables import DCT_BITS, LOG_BITS, dct, mel_bank
from touchline.types.errors import ConfigError, ShapeError

DB_A_DOUBLING = 10 * math.log10(2)
_FRAMES_AT_ONCE = 512
"""Bounds the memory of a long recording's computation to some 20 MB."""
_LONGEST = 4096


@dataclass(frozen=True)
class LogMel:
    """Log-mel energies of 16-bit sound.

    A row stands for the last ``window`` samples, one for each ``hop``; the first comes as soon as hops fill a
    window. In real numbers it is, to within 0.02 dB and half a step of int8 in bands that have 80 dB less energy
    than the whole row at most (tests hold it to that)::

        librosa.power_to_db(librosa.feature.melspectrogram(
            y=samples / 32768, sr=rate, n_fft=fft, win_length=window, hop_length=hop, window="hann",
            center=False, n_mels=bands, fmin=low_hz, fmax=high_hz, htk=True, norm=None,
        ), amin=1e-10, top_db=None)                          # https://librosa.org/doc/latest/feature.html

    ``rate`` and corners in Hz, ``window``, ``hop`` and ``fft`` in samples. ``scale`` in dB a step and
    ``zero_point``: the model's input's; by default -80 to 47.5 dB in steps of a half. ``floor_db``: silence.
    ``frames``: rows that a model sees at once. Raises `ConfigError` where they do not go together.
    """

    rate: int = 16_000
    window: int = 480
    hop: int = 320
    fft: int = 512
    bands: int = 40
    low_hz: float = 20.0
    high_hz: float | None = None
    scale: float = 0.5
    zero_point: int = 32
    floor_db: float = -80.0
    frames: int = 1

    def __post_init__(self) -> None:
        if not (8 <= self.fft <= _LONGEST and self.fft & (self.fft - 1) == 0):
            raise ConfigError(f"LogMel: fft {self.fft} is no power of two from 8 to {_LONGEST}; choose one")
        if not 2 <= self.window <= self.fft:
            raise ConfigError(
                f"LogMel: window {self.window} is not from 2 to fft {self.fft}; shorten it or raise fft"
            )
        if not 1 <= self.hop <= self.window:
            raise ConfigError(f"LogMel: hop {self.hop} is not from 1 to window {self.window}; shorten it")
        if not 1 <= self.bands <= 128:
            raise ConfigError(f"LogMel: bands {self.bands} is not from 1 to 128; choose within")
        if not 1 <= self.frames <= 1024:
            raise ConfigError(f"LogMel: frames {self.frames} is not from 1 to 1024; choose within")
        if not 0 <= self.low_hz < self.high <= self.rate / 2:
            raise ConfigError(
                f"LogMel: {self.low_hz} to {self.high} Hz is no range within 0 and half the rate of {self.rate}; "
                "set low_hz and high_hz"
            )
        if not -150 <= self.floor_db <= 50:
            raise ConfigError(f"LogMel: floor_db {self.floor_db} is not from -150 to 50; choose within")
        check_quantisation("LogMel", self.scale, self.zero_point)
        if self.factor > MULTIPLIER_LIMIT:
            raise ConfigError(f"LogMel: scale {self.scale} dB a step is too fine; 0.01 is enough for any model")
        if self.tables.bank.empty:
            raise ConfigError(
                f"LogMel: band {self.tables.bank.empty[0]} of {self.bands} is so narrow that no bin of fft "
                f"{self.fft} is in it; take fewer bands, a longer fft or a higher low_hz"
            )

    @property
    def high(self) -> float:
        """The upper corner in Hz: ``high_hz``, or half the rate."""
        return self.rate / 2 if self.high_hz is None else self.high_hz

    @property
    def values(self) -> int:
        """Numbers a row."""
        return self.bands

    @cached_property
    def tables(self) -> Tables:
        bank = mel_bank(self.rate, self.fft, self.bands, self.low_hz, self.high)
        return Tables.of(self.window, self.fft, bank)

    @property
    def factor(self) -> int:
        """From log2 in Q16 to steps of int8, Q32."""
        return multiplier(DB_A_DOUBLING / self.scale, LOG_BITS)

    @property
    def floor(self) -> int:
        """``floor_db`` as log2 in Q16."""
        return round(self.floor_db / DB_A_DOUBLING * (1 << LOG_BITS))

    def compute(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """int16 (n,) → int8 (rows, bands); no row where they are too few. Raises `ShapeError` for others."""
        return quantised(self.levels(samples), self.factor, self.zero_point)

    def levels(self, samples: NDArray[np.int16]) -> Ints:
        """log2 of each band's energy in Q16: (n,) → (rows, bands)."""
        frames = framed(samples, self.window, self.hop)
        parts = [
            spectrum.log_mel(frames[at : at + _FRAMES_AT_ONCE], self.tables, self.floor)
            for at in range(0, len(frames), _FRAMES_AT_ONCE)
        ]
        return np.concatenate([np.zeros((0, self.bands), np.int64), *parts])

    def inputs(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """What a model sees, one input a hop: int8 (inputs, frames, bands)."""
        return stacked(self.compute(samples), self.frames)

    def write_c(self, folder: Path, name: str = "features") -> list[str]:
        """Write ``name``.h, ``name``.c and what they need into ``folder``; the files' names.

        Raises `ConfigError` where ``name`` is no name in C or the folder cannot be written.
        """
        from touchline.tiny.features.csource import write_sound

        return write_sound(self, None, folder, name)


@dataclass(frozen=True)
class Mfcc:
    """The first ``coefficients`` of the orthonormal DCT-II over the bands of ``mel``, in dB.

    As ``scipy.fft.dct(decibels, type=2, norm="ortho")[:, :coefficients]``, which is what librosa.feature.mfcc
    does with `LogMel`'s decibels. ``scale`` and ``zero_point`` are of the coefficients; those of ``mel`` do not
    matter. Raises `ConfigError` where they do not go together.
    """

    mel: LogMel = field(default_factory=LogMel)
    coefficients: int = 10
    scale: float = 4.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        if not (self.mel.bands > 1 and 1 <= self.coefficients <= self.mel.bands):
            raise ConfigError(
                f"Mfcc: {self.coefficients} coefficients cannot be had from {self.mel.bands} bands; "
                "take as many bands, and two at least"
            )
        check_quantisation("Mfcc", self.scale, self.zero_point)
        if self.factor > MULTIPLIER_LIMIT:
            raise ConfigError(f"Mfcc: scale {self.scale} dB a step is too fine; 0.01 is enough for any model")

    @property
    def values(self) -> int:
        """Numbers a row."""
        return self.coefficients

    @cached_property
    def matrix(self) -> NDArray[np.int16]:
        """The transform, Q15: (coefficients, bands)."""
        return dct(self.coefficients, self.mel.bands)

    @property
    def factor(self) -> int:
        """From log2 in Q16 to steps of int8, Q32."""
        return multiplier(DB_A_DOUBLING / self.scale, LOG_BITS)

    def compute(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """int16 (n,) → int8 (rows, coefficients). Raises `ShapeError` for others."""
        sums = self.mel.levels(samples) @ self.matrix.T.astype(np.int64)
        return quantised((sums + (1 << (DCT_BITS - 1))) >> DCT_BITS, self.factor, self.zero_point)

    def inputs(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """What a model sees, one input a hop: int8 (inputs, frames of ``mel``, coefficients)."""
        return stacked(self.compute(samples), self.mel.frames)

    def write_c(self, folder: Path, name: str = "features") -> list[str]:
        """As `LogMel.write_c`."""
        from touchline.tiny.features.csource import write_sound

        return write_sound(self.mel, self, folder, name)


def framed(samples: NDArray[np.int16], window: int, hop: int) -> NDArray[np.int16]:
    """The last ``window`` samples after each hop that fills one, a view: (n,) → (frames, window)."""
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ShapeError(
            f"sound: expected int16 (samples,), got {samples.dtype} {samples.shape}; convert it to one channel"
        )
    first = -(-window // hop) * hop
    if len(samples) < first:
        return np.zeros((0, window), np.int16)
    return np.lib.stride_tricks.sliding_window_view(samples[first - window :], window)[::hop]


def stacked(rows: NDArray[np.int8], frames: int) -> NDArray[np.int8]:
    """Each row with those before it, a view: (n, values) → (n - frames + 1, frames, values)."""
    if len(rows) < frames:
        return np.zeros((0, frames, rows.shape[1]), np.int8)
    return np.lib.stride_tricks.sliding_window_view(rows, frames, axis=0).transpose(0, 2, 1)
