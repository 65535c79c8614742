"""When to detect. Pure: media times in, decisions out."""

from __future__ import annotations

from touchline.types import MEDIA_CLOCK


class Pace:
    """Spreads ``hz`` detections a second evenly over whatever frames come."""

    def __init__(self) -> None:
        self._next: float | None = None
        self._last = 0

    def due(self, pts: int, hz: float) -> bool:
        """Whether the frame at ``pts`` (1/90,000 s, rising) is to be detected in."""
        step, since, self._last = MEDIA_CLOCK / hz, pts - self._last, pts
        if self._next is None or not -4 * step < pts - self._next < step:
            self._next = pts + step  # the first frame, a jump, or a pause
            return True
        # The frame nearest to the moment is taken, be it half a frame early.
        if pts + since / 2 < self._next:
            return False
        self._next += step
        return True
