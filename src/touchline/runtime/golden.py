"""Real inputs and what the float model answered: how a device proves that it runs the same model."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import ModelError

FILE = "golden.npz"
MOST_BYTES = 1_000_000_000
"""Of all samples together, unpacked."""
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
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MOST_BYTES:
            raise ModelError(f"{path}: unpacks to {unpacked:,} bytes, {MOST_BYTES:,} are allowed; do not trust it")
        with np.load(path, allow_pickle=False) as stored:
            arrays: dict[str, Array] = dict(stored.items())
    except FileNotFoundError as error:
        raise ModelError(f"{path}: is missing, so nothing proves this model; compile it again") from error
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); fetch the artifact again") from error
    samples: list[Sample] = []
    while f"{len(samples)}.in0" in arrays:
        number = len(samples)
        taken, given = (_group(arrays, f"{number}.{kind}") for kind in ("in", "out"))
        samples.append(Sample(taken, given, arrays.get(f"{number}.picture")))
    if not samples or not all(sample.outputs for sample in samples):
        raise ModelError(f"{path}: holds no samples; compile the model again")
    return samples


def _group(arrays: dict[str, Array], prefix: str) -> tuple[Array, ...]:
    found: list[Array] = []
    while f"{prefix}{len(found)}" in arrays:
        found.append(arrays[f"{prefix}{len(found)}"])
    return tuple(found)
