"""Who is where in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.types.arrays import require


@dataclass(frozen=True, slots=True)
class Tracks:
    """N athletes (and balls) of one frame, each with the number it keeps.

    ``ids``: int32 (N,), ≥ 1, distinct, never given twice by one tracker. ``boxes``: float32 (N, 4), left,
    top, right, bottom in px of the source picture. ``scores``: float32 (N,), 0–1, the detector's last.
    ``classes``: int16 (N,), index into ``labels``, settled over the track's life. ``detected``: bool (N,),
    the box was detected in this very frame rather than carried forward.
    """

    ids: NDArray[np.int32]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    detected: NDArray[np.bool_]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.ids)
        require("Tracks", "ids", self.ids, (n,), np.int32)
        require("Tracks", "boxes", self.boxes, (n, 4), np.float32)
        require("Tracks", "scores", self.scores, (n,), np.float32)
        require("Tracks", "classes", self.classes, (n,), np.int16)
        require("Tracks", "detected", self.detected, (n,), np.bool_)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def empty(cls, labels: tuple[str, ...]) -> Tracks:
        """Nobody."""
        return cls(
            np.zeros(0, np.int32),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int16),
            np.zeros(0, np.bool_),
            labels,
        )
