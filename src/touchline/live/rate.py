"""Events a second, over the last few."""

from __future__ import annotations

from collections import deque


class Rate:
    """Counts events in a sliding window. Times are seconds of any rising clock."""

    def __init__(self, window: float = 2.0) -> None:
        self._window = window
        self._times: deque[float] = deque(maxlen=2048)

    def count(self, now: float) -> None:
        """One event happened."""
        self._times.append(now)

    def per_second(self, now: float) -> float:
        """Hz over the window that ends now."""
        while self._times and self._times[0] < now - self._window:
            self._times.popleft()
        return len(self._times) / self._window
