"""What stands before a net on a microcontroller, in training: the exact twins of its fixed-point C."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from touchline.model.data.recordings import read_motion, read_wav
from touchline.model.recipe import fill
from touchline.tiny.features import ImuWindow, LogMel, Mfcc
from touchline.types.errors import ConfigError, InputError

Rows = NDArray[np.int8]
SCALE = 1 / 128
"""Of a net's input, whatever the features' own: it is (q - zero_point) · SCALE for their int8 q."""


class Front(Protocol):
    """From a recording to rows of int8. A net sees ``length`` rows of ``values``, each ``hop`` rows."""

    suffix: str
    length: int
    values: int
    hop: int
    zero_point: int

    def read(self, path: Path) -> Rows:
        """(n, values), n at least ``length``. Raises `InputError`."""
        ...

    def described(self) -> dict[str, Any]:
        """What a manifest says of it, from which `front_of` makes it anew."""
        ...


@dataclass(frozen=True, slots=True)
class SoundSpec:
    """Keys of `LogMel`; with ``coefficients`` above 0, of `Mfcc` over it. ``high_hz`` 0: half the rate. ``every``:
    rows from one look of the net to the next."""

    rate: int = 16_000
    window: int = 480
    hop: int = 320
    fft: int = 512
    bands: int = 40
    low_hz: float = 20.0
    high_hz: float = 0.0
    scale: float = 0.5
    zero_point: int = 32
    floor_db: float = -80.0
    frames: int = 49
    coefficients: int = 0
    every: int = 12


@dataclass(frozen=True, slots=True)
class MotionSpec:
    """Keys of `ImuWindow`; ``rate``: samples a second."""

    rate: float = 50.0
    length: int = 100
    hop: int = 50
    accel_lsb: float = 1 / 4096
    gyro_lsb: float = 1 / 16.4
    accel_range: float = 8.0
    gyro_range: float = 1000.0
    gravity_shift: int = 0


class SoundFront:
    """Log-mel energies or MFCC of sound; a recording shorter than the net's window has silence around it."""

    suffix = ".wav"

    def __init__(self, spec: SoundSpec) -> None:
        self.spec = spec
        self.mel = LogMel(
            spec.rate,
            spec.window,
            spec.hop,
            spec.fft,
            spec.bands,
            spec.low_hz,
            spec.high_hz or None,
            spec.scale,
            spec.zero_point,
            spec.floor_db,
            spec.frames,
        )
        self.features = (
            Mfcc(self.mel, spec.coefficients, spec.scale, spec.zero_point) if spec.coefficients else self.mel
        )
        if spec.every < 1:
            raise ConfigError(f"features: every {spec.every} is not from 1; choose how often the net looks")
        self.length, self.values, self.hop = spec.frames, self.features.values, spec.every
        self.zero_point = spec.zero_point

    def read(self, path: Path) -> Rows:
        return self.rows(read_wav(path, self.spec.rate))

    def rows(self, samples: NDArray[np.int16]) -> Rows:
        """int16 (n,) at the features' rate → (rows, values)."""
        least = -(-self.spec.window // self.spec.hop) * self.spec.hop + (self.length - 1) * self.spec.hop
        if len(samples) < least:
            before = (least - len(samples)) // 2
            samples = np.pad(samples, (before, least - len(samples) - before))
        return self.features.compute(samples)

    def described(self) -> dict[str, Any]:
        return {"task": "sound", **asdict(self.spec)}


class MotionFront:
    """Windows of an accelerometer and a gyroscope, a row a sample."""

    suffix = ".csv"

    def __init__(self, spec: MotionSpec) -> None:
        self.spec = spec
        keys = {key: value for key, value in asdict(spec).items() if key != "rate"}
        if not spec.rate > 0:
            raise ConfigError(f"features: rate {spec.rate} is not above 0; give samples a second")
        self.imu = ImuWindow(**keys)
        self._each = ImuWindow(**keys | {"length": 1, "hop": 1})
        self.length, self.values, self.hop = spec.length, self.imu.axes, spec.hop
        self.zero_point = self.imu.zero_point

    def read(self, path: Path) -> Rows:
        samples = read_motion(path, self.spec.rate, self.spec.accel_lsb, self.spec.gyro_lsb)
        if len(samples) < self.length:
            raise InputError(
                f"{path}: is {len(samples)} samples long at {self.spec.rate:g} Hz, a window is {self.length}; "
                "remove it"
            )
        return self.rows(samples)

    def rows(self, samples: NDArray[np.int16]) -> Rows:
        """int16 (n, axes) → (n, axes): what `ImuWindow.compute` cuts its windows from."""
        return np.ascontiguousarray(self._each.compute(samples)[:, 0])

    def described(self) -> dict[str, Any]:
        return {"task": "motion", **asdict(self.spec)}


def front_of(said: Mapping[str, Any], where: str) -> SoundFront | MotionFront:
    """From its `Front.described`, or a recipe's [features] with the ``task`` added. Raises `ConfigError`."""
    keys = {key: value for key, value in said.items() if key != "task"}
    match said.get("task"):
        case "sound":
            return SoundFront(fill(SoundSpec, keys, where))
        case "motion":
            return MotionFront(fill(MotionSpec, keys, where))
        case other:
            raise ConfigError(f"{where}: features are of task {other!r}; sound and motion have some")


def windows(rows: Rows, length: int, hop: int) -> Rows:
    """What a net sees of a recording, a view: (n, values) → (windows, length, values)."""
    return np.lib.stride_tricks.sliding_window_view(rows, length, axis=0)[::hop].transpose(0, 2, 1)


def real(windows: Rows, zero_point: int) -> NDArray[np.float32]:
    """int8 as the net takes it."""
    return (windows.astype(np.float32) - np.float32(zero_point)) * np.float32(SCALE)
