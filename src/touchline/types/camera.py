"""How a camera is doing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum


class CameraState(StrEnum):
    """``connecting``: no picture yet. ``live``: pictures arrive. ``stale``: they did and stopped.
    ``failed``: trying again without the user's help is pointless, or has not helped yet."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    FAILED = "failed"


@dataclass(slots=True)
class CameraStatus:
    """The public health of one camera, as ``GET /api/v1/cameras`` gives it.

    ``fps_in`` and ``fps_analysed`` are Hz over the last seconds; ``latency_ms`` is the age of a picture when its
    packet was handed to the viewers, None while none comes; ``picture_age_ms`` is how long ago the last picture
    was seen, None before the first; ``shed`` names what is given up right now, in the order it was. All else that is a number counts since the box's start: ``packets_dropped`` what was late and
    given up on the way to viewers, ``frames_skipped`` pictures that analysis could not take, ``source_dropped``
    packets that came faster than they were taken, ``line_dropped`` and ``facts_dropped`` packets and facts that
    the box did not take from the camera's worker, ``pictures_late`` pictures that came too late to be encoded,
    ``reconnects`` how often the source was lost and found again, ``restarts`` how often the worker was replaced.
    """

    id: str
    name: str = ""
    state: CameraState = CameraState.CONNECTING
    error: str | None = None
    fps_in: float = 0.0
    fps_analysed: float = 0.0
    fps_detected: float = 0.0
    packets_dropped: int = 0
    frames_skipped: int = 0
    source_dropped: int = 0
    line_dropped: int = 0
    facts_dropped: int = 0
    pictures_late: int = 0
    viewers: int = 0
    latency_ms: float | None = None
    picture_age_ms: float | None = None
    shed: list[str] = field(default_factory=list[str])
    codec: str | None = None
    width: int = 0
    height: int = 0
    passthrough: bool = False
    reconnects: int = 0
    restarts: int = 0

    def to_json(self) -> dict[str, object]:
        """A plain dictionary of JSON values."""
        return asdict(self)
