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
        """Hz over the window that ends now; 0 where nothing happened in it.

        From event to event, beginning with the last before the window: counted in 2 s alone, a steady 5 Hz would
        read 4.5 or 5.5 whenever one event comes a little late or early.
        """
        times, start = self._times, now - self._window
        while len(times) > 1 and times[1] < start:
            times.popleft()
        if not times or times[-1] < start:
            return 0.0
        first, last = times[0], times[-1]
        if not start - self._window <= first < start:
            return (len(times) - (first < start)) / self._window  # it has just begun, maybe with a burst
        span, events = last - first, len(times) - 1
        # An event that is overdue counts as if it came now.
        return events / max(span, now - first - span / events)
