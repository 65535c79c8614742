"""Folders of recordings, one sub-folder a class: what is in them, and sound or motion as a sensor gives it."""

from __future__ import annotations

import csv
import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from touchline.types.errors import InputError

COLUMNS = ("t", "ax", "ay", "az", "gx", "gy", "gz")
"""Of a motion recording: seconds, g, degrees a second."""
_MOST_RATES = 1000
"""Greatest numerator and denominator of a resampling."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording's file. ``label``: its class. ``group``: whose, or of which source: what is held together, the
    folder between class and file, else the file itself."""

    path: Path
    label: str
    group: str


def entries(folder: Path, classes: Mapping[str, str], suffix: str) -> list[Entry]:
    """Every file ``folder``/CLASS/FILE and ``folder``/CLASS/GROUP/FILE that ends in ``suffix``, in order.

    ``classes``: the class that each sub-folder's name means. A group's name counts across classes. Raises
    `InputError` for a sub-folder of another name, and where there is nothing.
    """
    found: list[Entry] = []
    for path in sorted(folder.rglob(f"*{suffix}")):
        parts = path.relative_to(folder).parts
        if not 2 <= len(parts) <= 3:
            raise InputError(f"{path}: lies too deep or in no class; put it into {folder}/CLASS or a folder there")
        if parts[0] not in classes:
            raise InputError(
                f"{folder / parts[0]}: is none of the classes {', '.join(classes)}; rename it, or say in "
                "the set's 'classes' what it means"
            )
        found.append(Entry(path, classes[parts[0]], parts[1] if len(parts) == 3 else path.stem))
    if not found:
        raise InputError(f"{folder}: holds no {suffix} in a folder for each class; put recordings there")
    return found


def fingerprint(found: Sequence[Entry], folder: Path) -> str:
    """SHA-256 over places and bytes of all files."""
    whole = hashlib.sha256()
    for entry in found:
        with entry.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{entry.path.relative_to(folder).as_posix()}\0{digest}\n".encode())
    return whole.hexdigest()


def read_wav(path: Path, rate: int) -> NDArray[np.int16]:
    """A .wav of any rate and width as int16 (n,) at ``rate``: channels averaged, resampled by a polyphase filter.

    Raises `InputError`.
    """
    try:
        own, stored = wavfile.read(path)
    except (OSError, ValueError, EOFError, struct.error) as error:
        raise InputError(f"{path}: cannot be read as .wav ({error}); remove or replace it") from error
    real = _real(stored)
    if real.ndim == 2:
        real = real.mean(1)
    if not len(real) or not np.isfinite(real).all():
        raise InputError(f"{path}: holds no samples, or some that are no numbers; remove or replace it")
    if own != rate:
        step = Fraction(rate, own).limit_denominator(_MOST_RATES)
        real = resample_poly(real, step.numerator, step.denominator)
    return np.clip(np.round(real * 32768), -32768, 32767).astype(np.int16)


def read_motion(path: Path, rate: float, accel_lsb: float, gyro_lsb: float) -> NDArray[np.int16]:
    """A .csv with a heading, `COLUMNS`, as a sensor's registers at ``rate`` Hz: int16 (n, 6); what is beyond
    saturates. A sensor whose ``lsb`` (g, °/s) is 0 is left out: (n, 3). In between it is interpolated.

    Raises `InputError` with file and line.
    """
    wanted = COLUMNS[1:4] * (accel_lsb > 0) + COLUMNS[4:] * (gyro_lsb > 0)
    units = np.array([accel_lsb] * 3 * (accel_lsb > 0) + [gyro_lsb] * 3 * (gyro_lsb > 0))
    table = np.array(list(_rows(path, ("t", *wanted))), np.float64).reshape(-1, len(wanted) + 1)
    times = table[:, 0]
    if len(times) < 2 or not (np.diff(times) > 0).all():
        raise InputError(f"{path}: needs two rows or more, and times that rise; correct it")
    ticks = times[0] + np.arange(int((times[-1] - times[0]) * rate + 1e-6) + 1) / rate
    real = np.stack([np.interp(ticks, times, table[:, 1 + at]) for at in range(len(wanted))], 1)
    return np.clip(np.round(real / units), -32768, 32767).astype(np.int16)


def _rows(path: Path, wanted: Sequence[str]) -> Iterator[list[float]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: has no column {', '.join(missing)}; its first line must name {COLUMNS}")
            for row in reader:
                try:
                    values = [float(row[name]) for name in wanted]
                except (TypeError, ValueError):
                    values = [np.nan]
                if not np.isfinite(values).all():
                    raise InputError(f"{path}:{reader.line_num}: must be a number for each column; correct it")
                yield values
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); correct it") from error


def _real(stored: NDArray[np.generic]) -> NDArray[np.float64]:
    """As ±1."""
    if stored.dtype == np.uint8:
        return (stored.astype(np.float64) - 128) / 128
    if stored.dtype.kind == "i":
        return stored.astype(np.float64) / (1 << (8 * stored.dtype.itemsize - 1))
    return stored.astype(np.float64)
