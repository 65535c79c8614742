"""How a camera is doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class CameraState(StrEnum):
    """``connecting``: no picture yet. ``live``: pictures arrive. ``stale``: they did and stopped.
    ``failed``: trying again without the user's help is pointless, or has not helped yet."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    FAILED = "failed"


@dataclass(slots=True)
class CameraStatus:
    """The public health of one camera, as ``GET /api/v1/cameras`` gives it. Counters begin at the box's start."""

    __pydantic_config__: ClassVar[dict[str, bool]] = {"use_attribute_docstrings": True}

    id: str
    """As in venue.toml, or cam1, cam2, …"""
    name: str = ""
    """For people."""
    state: CameraState = CameraState.CONNECTING
    """How it is doing."""
    error: str | None = None
    """What is wrong, where and what to do; null while nothing is."""
    next_try_ms: float | None = None
    """Until the box tries to reach the camera again, 0 while it tries; null where no try is to come."""
    fps_in: float = 0.0
    """Packets a second from the camera, over the last seconds."""
    fps_analysed: float = 0.0
    """Pictures a second with tracks, over the last seconds."""
    fps_detected: float = 0.0
    """Detections a second, over the last seconds."""
    packets_dropped: int = 0
    """Packets that were late and given up on the way to viewers."""
    frames_skipped: int = 0
    """Pictures that analysis could not take."""
    source_dropped: int = 0
    """Packets that came faster than they were taken."""
    line_dropped: int = 0
    """Packets that the box did not take from the camera's worker."""
    facts_dropped: int = 0
    """Facts that the box did not take from the camera's worker."""
    facts_unsent: int = 0
    """Facts that were late and given up on the way to viewers."""
    decode_errors: int = 0
    """Damaged packets, which gave no picture and cost those after them up to the next key picture."""
    pictures_late: int = 0
    """Pictures that came too late to be encoded."""
    viewers: int = 0
    """Now."""
    latency_ms: float | None = None
    """Age of a picture when its packet is handed to the viewers; null while none comes."""
    picture_age_ms: float | None = None
    """How long ago the last picture was seen; null before the first."""
    analysis_waits: bool = False
    """Something was damaged, and analysis waits for a whole picture: until the next key picture, in H.264 for a
    second at most. So do viewers where ``passthrough`` is false."""
    shed: list[str] = field(default_factory=list[str])
    """What is given up right now, in the order it was; nothing while the camera is not live."""
    codec: str | None = None
    """Of the camera's own stream; null before the first picture."""
    width: int = 0
    """Of the camera's own pictures, upright, px; 0 before the first."""
    height: int = 0
    """Of the camera's own pictures, upright, px; 0 before the first."""
    sample_aspect: float = 1.0
    """How wide a pixel of the video that viewers get is to be shown, by its height. Browsers don't see to it."""
    passthrough: bool = False
    """The camera's own packets are sent, not a copy encoded as H.264."""
    reconnects: int = 0
    """How often the source was lost and found again."""
    restarts: int = 0
    """How often the worker was replaced."""
