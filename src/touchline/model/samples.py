"""Real inputs that a user gives: checked once, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from touchline.runtime.golden import Array
from touchline.types.errors import ShapeError

Wanted = tuple[tuple[int | None, ...], str]
"""The shape (None where any size goes) and dtype of one of a model's inputs."""


def check_samples(given: Iterable[Any], wanted: Sequence[Wanted], name: str) -> list[tuple[Array, ...]]:
    """Samples, each an array (or tensor) or a tuple of them, one array per input that the model takes.

    Raises `ShapeError` where one has another shape or dtype, or holds a NaN or an infinity.
    """
    found: list[tuple[Array, ...]] = []
    for number, sample in enumerate(given):
        arrays = tuple(
            np.ascontiguousarray(each if isinstance(each, np.ndarray) else each.numpy())
            for each in (sample if isinstance(sample, tuple | list) else (sample,))
        )
        mine = [(array.shape, str(array.dtype)) for array in arrays]
        fits = len(mine) == len(wanted) and all(
            dtype == want
            and len(shape) == len(sizes)
            and all(size is None or size == given for size, given in zip(sizes, shape, strict=True))
            for (shape, dtype), (sizes, want) in zip(mine, wanted, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"{name}: calibration sample {number} is {_told(mine)}, the model takes {_told(wanted)}; "
                "make them alike"
            )
        if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
            raise ShapeError(f"{name}: calibration sample {number} holds a NaN or an infinity; leave it out")
        found.append(arrays)
    return found


def _told(ports: Sequence[Wanted]) -> str:
    return ", ".join(
        f"{dtype} {'×'.join('any' if size is None else str(size) for size in shape) or 'scalar'}"
        for shape, dtype in ports
    )
