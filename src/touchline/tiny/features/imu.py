"""Motion → windows as int8, in numpy integers; `write_c` writes the same as C99.

imu = ImuWindow(length=100, hop=50, accel_lsb=1 / 4096, gyro_lsb=1 / 16.4, gravity_shift=6)
windows = imu.compute(samples)          # int16 (n, 6) → int8 (windows, 100, 6), to train with
imu.write_c(Path("firmware"), "wrist")  # wrist.h, wrist.c: the same bits, a sample at a time
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.tiny.features.quantise import (
    MULTIPLIER_BITS,
    MULTIPLIER_LIMIT,
    check_quantisation,
    multiplier,
    quantised,
)
from touchline.types.errors import ConfigError, ShapeError

GRAVITY_BITS = 14
"""Fractional bits of the gravity that a low pass holds."""


@dataclass(frozen=True)
class ImuWindow:
    """Sliding windows over an accelerometer and a gyroscope (or either alone).

    In real numbers, of sample x as the sensor's registers give it: x · lsb / range, which the model takes with
    ``scale`` and ``zero_point``; by default ±range is -128 to 127. The accelerometer's axes come first.

    ``length`` and ``hop`` in samples. ``accel_lsb`` in g and ``gyro_lsb`` in °/s: what one step of the register
    is; 0 leaves that sensor out. ``accel_range`` and ``gyro_range``: what becomes ±1. ``gravity_shift`` k > 0
    takes gravity out of the accelerometer: what a first-order low pass with a time constant of 2^k samples holds,
    begun at the first sample. Raises `ConfigError` where they do not go together.
    """

    length: int = 100
    hop: int = 50
    accel_lsb: float = 1 / 4096
    gyro_lsb: float = 1 / 16.4
    accel_range: float = 8.0
    gyro_range: float = 1000.0
    gravity_shift: int = 0
    scale: float = 1 / 128
    zero_point: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.length <= 4096:
            raise ConfigError(f"ImuWindow: length {self.length} is not from 1 to 4096; choose within")
        if not 1 <= self.hop <= self.length:
            raise ConfigError(f"ImuWindow: hop {self.hop} is not from 1 to length {self.length}; shorten it")
        if not 0 <= self.gravity_shift <= 15:
            raise ConfigError(
                f"ImuWindow: gravity_shift {self.gravity_shift} is not from 0 (off) to 15; choose within"
            )
        if self.axes == 0:
            raise ConfigError("ImuWindow: neither sensor is there; set accel_lsb or gyro_lsb")
        check_quantisation("ImuWindow", self.scale, self.zero_point)
        for sensor, lsb, size in (
            ("accel", self.accel_lsb, self.accel_range),
            ("gyro", self.gyro_lsb, self.gyro_range),
        ):
            # Written so that NaN is refused.
            if not (
                lsb >= 0 and size > 0 and lsb / size / self.scale * (1 << MULTIPLIER_BITS) <= MULTIPLIER_LIMIT
            ):
                raise ConfigError(
                    f"ImuWindow: {sensor}_lsb {lsb} and {sensor}_range {size} are not of one sensor; "
                    "a register's step is far smaller than the range"
                )

    @property
    def axes(self) -> int:
        """3 or 6."""
        return 3 * (self.accel_lsb > 0) + 3 * (self.gyro_lsb > 0)

    @property
    def gravity_axes(self) -> int:
        """Of how many axes, from the first on, gravity is taken out."""
        return 3 if self.gravity_shift and self.accel_lsb > 0 else 0

    @cached_property
    def factors(self) -> NDArray[np.int64]:
        """Of each axis, from registers to steps of int8, Q32: (axes,)."""
        units = [self.accel_lsb / self.accel_range] * 3 * (self.accel_lsb > 0)
        units += [self.gyro_lsb / self.gyro_range] * 3 * (self.gyro_lsb > 0)
        return np.array([multiplier(unit / self.scale, 0) for unit in units], np.int64)

    def compute(self, samples: NDArray[np.int16]) -> NDArray[np.int8]:
        """int16 (n, axes) → int8 (windows, length, axes), a view. Raises `ShapeError` for others."""
        if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] != self.axes:
            raise ShapeError(
                f"motion: expected int16 (samples, {self.axes}), got {samples.dtype} {samples.shape}; convert it"
            )
        moved = samples.astype(np.int64)
        if self.gravity_axes and len(moved):
            moved[:, :3] -= self._gravity(moved[:, :3])
        rows = quantised(moved, self.factors, self.zero_point)
        if len(rows) < self.length:
            return np.zeros((0, self.length, self.axes), np.int8)
        return np.lib.stride_tricks.sliding_window_view(rows, self.length, axis=0)[:: self.hop].transpose(0, 2, 1)

    def write_c(self, folder: Path, name: str = "motion") -> list[str]:
        """Write ``name``.h, ``name``.c and what they need into ``folder``; the files' names.

        Raises `ConfigError` where ``name`` is no name in C or the folder cannot be written.
        """
        from touchline.tiny.features.csource import write_motion

        return write_motion(self, folder, name)

    def _gravity(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the low pass holds after each sample, rounded to whole steps: (n, 3)."""
        held = values << GRAVITY_BITS
        state = held[0]
        for index in range(len(held)):
            state = state + ((held[index] - state) >> self.gravity_shift)
            held[index] = state
        return (held + (1 << (GRAVITY_BITS - 1))) >> GRAVITY_BITS
