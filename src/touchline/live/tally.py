"""A camera's counters over the lives of all its workers. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any

COUNTED = (
    "frames_skipped",
    "source_dropped",
    "line_dropped",
    "facts_dropped",
    "decode_errors",
    "pictures_late",
    "reconnects",
)
"""Fields of `CameraStatus` that a worker counts from its own start."""

AT_REST: dict[str, Any] = {
    "fps_in": 0.0,
    "fps_analysed": 0.0,
    "fps_detected": 0.0,
    "analysis_waits": False,
    "shed": [],
}
"""What is true of a camera that has no worker."""


class Tally:
    """Adds what former workers counted to what the present one says."""

    def __init__(self) -> None:
        self._ended = Counter[str]()
        self._running = Counter[str]()

    def add(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A worker's report, its counters since the box's start."""
        said = {name: fields[name] for name in COUNTED if name in fields}
        self._running.update({name: count - self._running[name] for name, count in said.items()})
        return fields | {name: self._ended[name] + count for name, count in said.items()}

    def end(self) -> None:
        """The worker has ended; the next one counts from 0."""
        self._ended += self._running
        self._running.clear()
