"""When to detect. Pure: media times in, decisions out."""

from __future__ import annotations

from touchline.types import MEDIA_CLOCK


class Pace:
    """Spreads ``hz`` detections a second evenly over whatever frames come."""

    def __init__(self) -> None:
        self._next: float | None = None

    def due(self, pts: int, hz: float) -> bool:
        """Whether the frame at ``pts`` (1/90,000 s, rising) is to be detected in."""
        step = MEDIA_CLOCK / hz
        # A frame a quarter of a step early is taken: waiting for the next would halve the rate at low fps.
        if self._next is not None and abs(pts - self._next) <= 4 * step and pts < self._next - step / 4:
            return False
        behind = self._next is None or abs(pts - self._next) > step
        self._next = (pts if behind or self._next is None else self._next) + step
        return True
