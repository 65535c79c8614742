"""How a road is doing, gathered from its threads and reported by its worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from touchline.live.progress import Progress
from touchline.live.rate import Rate
from touchline.types import CameraState, StreamInfo

STUCK_BEATS = 20
"""A worker's beats, of half a second each, within one picture, after which its thread hangs."""


class Pulse:
    """Counters of one road. Every thread of the road writes its own, the worker reads them all.

    ``progress``: whether the road's threads get on.
    """

    def __init__(self) -> None:
        self.progress = Progress(STUCK_BEATS)
        self._lock = threading.Lock()
        self._fields: dict[str, Any] = {}
        self._rates = {"fps_in": Rate(), "fps_analysed": Rate(), "fps_detected": Rate()}
        self._counters: dict[str, Callable[[], float | None]] = {}

    def state(self, state: CameraState, error: str | None) -> None:
        """The source's state has changed; ``error`` says why, in one line."""
        with self._lock:
            self._fields |= {"state": str(state), "error": error}

    def stream(self, info: StreamInfo, *, passthrough: bool) -> None:
        """The source (re)connected or changed its format."""
        width, height = info.upright_size
        with self._lock:
            self._fields |= {
                "codec": info.codec,
                "width": width,
                "height": height,
                "passthrough": passthrough,
            }

    def count(self, rate: str, now: float) -> None:
        """One more of ``fps_in``, ``fps_analysed`` or ``fps_detected`` at media time ``now``."""
        with self._lock:
            self._rates[rate].count(now)

    def watch(self, **counters: Callable[[], float | None]) -> None:
        """Have each of these asked for at every report: `CameraStatus`'s fields, and ``retry_at``, the media time
        of the next try to reach the source."""
        self._counters |= counters

    def set(self, **fields: Any) -> None:
        """Any other of `CameraStatus`'s fields."""
        with self._lock:
            self._fields |= fields

    def read(self, now: float) -> dict[str, Any]:
        """All there is to report at media time ``now``."""
        with self._lock:
            rates = {name: round(rate.per_second(now), 1) for name, rate in self._rates.items()}
            counts = {name: counter() for name, counter in self._counters.items()}
            return self._fields | rates | counts
