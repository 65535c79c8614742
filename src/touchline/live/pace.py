"""When to detect. Pure: media times in, decisions out."""

from __future__ import annotations

from touchline.types import MEDIA_CLOCK

_STEPS_BETWEEN_SHIFTS = 5


class Pace:
    """Spreads ``hz`` detections a second evenly over whatever frames come, and meets key frames where it can.

    A codec tells nothing of the motion up to a key frame. Finding out costs about what detecting there costs, so
    the rhythm begins anew at a key frame, every fifth step at most: a fifth more detections at worst, none once
    it has fallen in with the camera's own.
    """

    def __init__(self) -> None:
        self._next: float | None = None
        self._last = 0
        self._shifted = -float("inf")

    def due(self, pts: int, hz: float, *, is_key: bool = False) -> bool:
        """Whether the frame at ``pts`` (1/90,000 s, rising) is to be detected in."""
        step, since, self._last = MEDIA_CLOCK / hz, pts - self._last, pts
        if self._next is None or not -4 * step < pts - self._next < step:
            self._next = pts + step  # the first frame, a jump, or a pause
            return True
        # The frame nearest to the moment is taken, be it half a frame early.
        if pts + since / 2 >= self._next:
            self._next += step
            return True
        if is_key and pts - self._shifted >= _STEPS_BETWEEN_SHIFTS * step:
            self._next, self._shifted = pts + step, pts
            return True
        return False
