"""Tracks drawn into a picture, for ``--burn-in`` and the local window."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.types import Tracks

COLOURS = ("#56b4e9", "#f5a623", "#f0e442", "#e58fc2", "#ff7a45", "#7fe0c3", "#c3b1ff")
"""Those of the page (app/web/colours.js says why these), so that a track has one wherever it is drawn."""


def colour_of(identity: int) -> tuple[int, int, int]:
    """A track's colour, RGB 0–255."""
    red, green, blue = bytes.fromhex(COLOURS[identity % len(COLOURS)][1:])
    return red, green, blue


def draw_tracks(image: NDArray[np.uint8], tracks: Tracks, scale: tuple[float, float] = (1.0, 1.0)) -> None:
    """Draw boxes and numbers into ``image``, uint8 (H, W, 3) RGB, in place.

    ``scale``: px of the image per px of the picture that the tracks were found in, across and down.
    """
    thick = max(1, round(image.shape[0] / 360))
    size = image.shape[0] / 1080 + 0.2
    factors = np.array([scale[0], scale[1], scale[0], scale[1]])
    for identity, box, label in zip(
        tracks.ids.tolist(), tracks.boxes * factors, tracks.classes.tolist(), strict=True
    ):
        left, top, right, bottom = (int(value) for value in np.clip(box, -10_000, 10_000).round())
        colour = colour_of(identity)
        if tracks.labels[label] == "ball":
            centre = ((left + right) // 2, (top + bottom) // 2)
            cv2.circle(image, centre, max(6, (right - left) // 2 + 3), (255, 255, 255), thick, cv2.LINE_AA)
            continue
        cv2.rectangle(image, (left, top), (right, bottom), colour, thick)
        cv2.putText(
            image, str(identity), (left, top - 3), cv2.FONT_HERSHEY_SIMPLEX, size, colour, thick, cv2.LINE_AA
        )
