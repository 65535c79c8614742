"""How wide to look: as wide as the smallest people and the balls in sight need. Pure: told all times.

People near the camera are found better, and for a fraction of the work, in a small picture; distant ones and
balls need the full one. So what was found decides how the next picture is looked at, and every so often the full
one is taken, for those who came in far away.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from touchline.types.detections import Detections
from touchline.vision.prepare import scale_per_width


@dataclass(frozen=True, slots=True)
class ZoomConfig:
    """When which width is enough.

    ``person_px``, ``ball_px``: height of a person and size of a ball, in the network's px, from which it finds
    them as surely as it ever will. ``sure``: confidence from which a person counts here. ``survey_s``: seconds
    between full looks. ``memory_s``: how long, in seconds, the widest need of late holds: over two surveys, so
    that one which happens to miss somebody changes nothing. ``shares``: the widths there are, of the full one.
    """

    person_px: float = 80.0
    ball_px: float = 14.0
    sure: float = 0.4
    survey_s: float = 2.0
    memory_s: float = 4.5
    shares: tuple[float, ...] = (1 / 3, 0.4, 0.5, 0.64, 0.8, 1.0)


class Zoom:
    """Ask for `width` before each detection and tell `update` what it found."""

    def __init__(self, full: int, least: int, config: ZoomConfig | None = None) -> None:
        """``full``, ``least``: analysis widths in px, as of `Detector.set_width`. Never wider than the first;
        narrower than the second only where a cap says so."""
        self._config = config or ZoomConfig()
        self._widths = sorted(
            {max(min(least, full), round(full * share)) for share in self._config.shares} | {full}
        )
        self._needs: deque[tuple[float, int]] = deque()  # falling: what a later, wider need covers is dropped
        self._surveyed: float | None = None

    def width(self, seconds: float, cap: int | None = None) -> int:
        """The width, in px, for a detection at media time ``seconds``; at most ``cap`` px."""
        config, full = self._config, self._widths[-1]
        while self._needs and not 0 <= seconds - self._needs[0][0] <= config.memory_s:
            self._needs.popleft()
        need = self._needs[0][1] if self._needs else full
        if self._surveyed is None or not 0 <= seconds - self._surveyed < config.survey_s:
            need = full
        if need == full:
            self._surveyed = seconds
        return need if cap is None else min(need, cap)

    def update(self, found: Detections, size: tuple[int, int], seconds: float, aspect: float = 1.0) -> None:
        """``found`` in the picture of media time ``seconds``, which is ``size`` = (width, height) px of the shape
        ``aspect`` (SAR)."""
        need = self._need(found, size, aspect)
        while self._needs and self._needs[-1][1] <= need:
            self._needs.pop()
        self._needs.append((seconds, need))

    def _need(self, found: Detections, size: tuple[int, int], aspect: float) -> int:
        """The least of the widths at which all that was found is large enough; the full one where nobody was."""
        config = self._config
        ball = np.array([label == "ball" for label in found.labels], np.bool_)[found.classes]
        people = ~ball & (found.scores >= config.sure)
        if not people.any():
            return self._widths[-1]
        extent = np.maximum(found.boxes[:, 2:] - found.boxes[:, :2], 1e-3) * (aspect, 1.0)
        scale = max(
            float(config.person_px / extent[people, 1].min()),
            float((config.ball_px / extent[ball].max(1)).max(initial=0)),
        )
        least = scale / scale_per_width(size, aspect)
        return next((width for width in self._widths if width >= least), self._widths[-1])
