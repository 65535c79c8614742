"""The session description of a DESCRIBE answer (RFC 8866), as far as video needs it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from touchline.media.annexb import VideoCodec, join_nals
from touchline.media.sources.rtsp.number import whole_number

_CODECS: dict[str, VideoCodec] = {"H264": "h264", "H265": "hevc"}


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """``codec``: None if it is none that we take apart. ``control``: its URL, or the end of one.
    ``clock``: RTP ticks a second. ``fps``: Hz or 0.0. ``parameter_sets``: Annex B, maybe empty."""

    codec: VideoCodec | None
    payload_type: int
    clock: int
    control: str
    fps: float
    parameter_sets: bytes


def read_video_track(text: str) -> tuple[str, VideoTrack | None]:
    """The session's own control URL (empty if not given) and its first video track, if there is one."""
    session: dict[str, str] = {}
    current = session
    media: list[tuple[list[str], dict[str, str]]] = []
    for line in text.splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            current = {}
            media.append((value.split(), current))
        elif kind == "a":
            name, _, rest = value.partition(":")
            current[f"{name}:{rest.split(' ')[0]}" if name in ("rtpmap", "fmtp") else name] = rest
    for words, attributes in media:
        if words and words[0] == "video" and len(words) >= 4:
            return session.get("control", ""), _track(words[3], attributes)
    return session.get("control", ""), None


def _track(payload_type: str, attributes: dict[str, str]) -> VideoTrack:
    mapping = attributes.get(f"rtpmap:{payload_type}", "").partition(" ")[2].split("/")
    codec = _CODECS.get(mapping[0].strip().upper())
    clock = whole_number(mapping[1].strip()) if len(mapping) > 1 else None
    number = whole_number(payload_type)
    settings = attributes.get(f"fmtp:{payload_type}", "").partition(" ")[2]
    pairs = dict(_pair(part) for part in settings.split(";") if "=" in part)
    names = ("sprop-parameter-sets",) if codec == "h264" else ("sprop-vps", "sprop-sps", "sprop-pps")
    sets = [nal for name in names for nal in _decoded(pairs.get(name, ""))]
    return VideoTrack(
        codec=codec,
        payload_type=-1 if number is None else number,
        clock=clock or 90_000,
        control=attributes.get("control", ""),
        fps=_rate(attributes.get("framerate", "")),
        parameter_sets=join_nals(sets),
    )


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip()


def _decoded(text: str) -> list[bytes]:
    nals: list[bytes] = []
    for part in text.split(","):
        try:
            nals.append(base64.b64decode(part + "=" * (-len(part) % 4)).rstrip(b"\0"))
        except ValueError:
            continue
    return [nal for nal in nals if nal]


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        return 0.0
    return rate if 0 < rate < 400 else 0.0
