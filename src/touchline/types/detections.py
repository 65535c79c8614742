"""What a detector saw in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.types.arrays import require


@dataclass(frozen=True, slots=True)
class Detections:
    """N boxes of one frame, in no particular order.

    ``boxes``: float32 (N, 4), left, top, right, bottom in px of the source picture, finite, may reach
    beyond its edges. ``scores``: float32 (N,), 0–1. ``classes``: int16 (N,), index into ``labels``.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.boxes)
        require("Detections", "boxes", self.boxes, (n, 4), np.float32)
        require("Detections", "scores", self.scores, (n,), np.float32)
        require("Detections", "classes", self.classes, (n,), np.int16)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Detections:
        """Rows chosen by a mask, an index array or a slice."""
        return Detections(self.boxes[index], self.scores[index], self.classes[index], self.labels)

    @classmethod
    def empty(cls, labels: tuple[str, ...]) -> Detections:
        """No boxes."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int16), labels)
