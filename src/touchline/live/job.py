"""What one road is asked to do, and what it is given to tell time and be told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CameraJob:
    """One camera and how it is to be looked at and sent.

    ``epoch``: the box's media time 0, in seconds of the system's monotonic clock. ``detect_hz``: detections a
    second at best. ``detect_width``: width in px of the picture that the detector sees, or None for the
    model's own. ``device``: what the detector runs on. ``process``: the user's step, ``FILE.py:FUNCTION``.
    ``realtime``: False reads a recording as fast as it goes and drops nothing. ``first_track``: the number of the
    first track, above those of the worker before.
    """

    id: str
    source: str
    name: str = ""
    epoch: float = 0.0
    loop: bool = False
    model: str = "athlete"
    detect_hz: float = 5.0
    detect_width: int | None = None
    device: str = "auto"
    process: str | None = None
    burn_in: bool = False
    display: bool = False
    bitrate: int | None = None
    realtime: bool = True
    first_track: int = 1

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time, passed in. ``media``: seconds since the box's media time 0. ``unix_ms``: for the ids of facts."""

    media: Callable[[], float]
    unix_ms: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Signals:
    """``stop``: end the road. ``key``: the box wants a key picture. ``quit``: the user closed the window.
    ``faults``: what failed of the user's own without ending the road, a line each."""

    stop: threading.Event
    key: threading.Event
    quit: threading.Event
    faults: list[str] = field(default_factory=list[str])
