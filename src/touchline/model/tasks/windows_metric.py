"""How well windows are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from touchline.model.data.fronts import Front, real, windows
from touchline.model.tasks.windows_loader import Recording

Confusion = NDArray[np.int64]
_AT_ONCE = 256


def confusion(
    answer: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    recordings: Sequence[Recording],
    front: Front,
    classes: int,
    at_once: int = _AT_ONCE,
) -> Confusion:
    """Windows by true class (row) and the class with the greatest score (column): (classes, classes).

    ``answer``: what a net makes of up to ``at_once`` windows, (N, 1, rows, values) → (N, classes). Windows are
    those the device looks at.
    """
    found = np.zeros((classes, classes), np.int64)
    for recording in recordings:
        seen = real(windows(recording.rows, front.length, front.hop), front.zero_point)[:, None]
        for at in range(0, len(seen), at_once):
            said = answer(np.ascontiguousarray(seen[at : at + at_once])).argmax(1)
            np.add.at(found[recording.label], said, 1)
    return found


def f1(found: Confusion) -> NDArray[np.float64]:
    """Of each class, 2·right / (told so + are so); NaN where no window is of it."""
    right, told, are = found.diagonal(), found.sum(0), found.sum(1)
    return np.where(are > 0, 2 * right / np.maximum(told + are, 1), np.nan)


def macro_f1(found: Confusion) -> float:
    """Mean of `f1` over the classes that there are; NaN without any window."""
    known = f1(found)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")
