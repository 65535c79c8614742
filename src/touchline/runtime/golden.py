"""Real inputs and what the float model answered: how a device proves that it runs the same model."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import ModelError

FILE = "golden.npz"
MOST_BYTES = 1_000_000_000
"""Of all samples together, unpacked."""
_DAMAGED = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, AttributeError)
"""What zipfile and NumPy raise over damaged or foreign archives (NotImplementedError is a RuntimeError)."""
Array = NDArray[Any]
Inputs = Sequence[tuple[Array, ...]]
"""Real inputs of a model: for each, one array per port."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One input of the model and the reference's answer to it: one array per port, in their order.

    ``picture``: what the input was made from, uint8 (H, W, 3) RGB, where it was one.
    """

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    picture: Array | None = None


def write(path: Path, samples: Sequence[Sample]) -> None:
    """Write ``samples``, compressed."""
    arrays = {
        f"{number}.{kind}{index}": array
        for number, sample in enumerate(samples)
        for kind, group in (("in", sample.inputs), ("out", sample.outputs))
        for index, array in enumerate(group)
    }
    arrays |= {f"{n}.picture": sample.picture for n, sample in enumerate(samples) if sample.picture is not None}
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]


def read(path: Path) -> list[Sample]:
    """The samples of a file that `write` wrote. Raises `ModelError`; never unpickles."""
    try:
        with zipfile.ZipFile(path) as archive:
            for measure in (_unpacked, _promised):
                if (unpacked := measure(archive)) > MOST_BYTES:
                    raise ModelError(
                        f"{path}: unpacks to {unpacked:,} bytes, {MOST_BYTES:,} are allowed; do not trust it"
                    )
        with np.load(path, allow_pickle=False) as stored:
            arrays: dict[str, Array] = dict(stored.items())
    except FileNotFoundError as error:
        raise ModelError(f"{path}: is missing, so nothing proves this model; compile it again") from error
    except _DAMAGED as error:
        raise ModelError(f"{path}: cannot be read ({error}); fetch the artifact again") from error
    samples: list[Sample] = []
    while f"{len(samples)}.in0" in arrays:
        number = len(samples)
        taken, given = (_group(arrays, f"{number}.{kind}") for kind in ("in", "out"))
        samples.append(Sample(taken, given, arrays.get(f"{number}.picture")))
    if not samples or not all(sample.outputs for sample in samples):
        raise ModelError(f"{path}: holds no samples; compile the model again")
    return samples


def _unpacked(archive: zipfile.ZipFile) -> int:
    return sum(entry.file_size for entry in archive.infolist())


def _promised(archive: zipfile.ZipFile) -> int:
    """Bytes of the arrays by their own headers: NumPy makes room for what those say before it reads any."""
    total = 0
    for entry in archive.infolist():
        with archive.open(entry) as member:
            version = np.lib.format.read_magic(member)
            header = (
                np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = header(member)
            total += prod(shape) * dtype.itemsize
    return total


def _group(arrays: dict[str, Array], prefix: str) -> tuple[Array, ...]:
    found: list[Array] = []
    while f"{prefix}{len(found)}" in arrays:
        found.append(arrays[f"{prefix}{len(found)}"])
    return tuple(found)
