"""Compressed video as it travels: a stream's description and its access units."""

from __future__ import annotations

from dataclasses import dataclass

MEDIA_CLOCK = 90_000
"""Ticks a second of every ``pts``: the RTP clock of video, so no rounding on the way to a viewer."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What the packets after it hold. Sent at every (re)connect and change of format.

    ``codec`` is FFmpeg's name (``h264``, ``hevc``, ``mjpeg``, ``rawvideo``, …), ``extradata`` what its
    decoder wants before the first packet (for h264 and hevc: Annex B parameter sets, possibly empty),
    ``pixel_format`` FFmpeg's name, empty where unknown: ``rawvideo`` is decoded by it, and whether browsers can
    show the packets as they are depends on it; ``fps`` the declared rate in Hz or 0.0 where the source does not
    say, ``has_b_frames`` whether packets leave their presentation order, ``turns`` by how many quarters, 0 to 3,
    decoded pictures must be turned counter-clockwise to be upright, ``sample_aspect`` how wide a pixel of the
    coded picture is to be shown, by its height (SAR).
    """

    codec: str
    width: int
    height: int
    fps: float = 0.0
    extradata: bytes = b""
    pixel_format: str = ""
    has_b_frames: bool = False
    turns: int = 0
    sample_aspect: float = 1.0

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height in px of an upright picture; ``width`` and ``height`` are those of the coded one."""
        return (self.height, self.width) if self.turns % 2 else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Packet:
    """One access unit: all that one picture takes to decode, in decoding order.

    ``data`` is in Annex B form for h264 and hevc, and a key packet of theirs carries the parameter sets
    (H.265: VPS; SPS, PPS) that it takes to decode it: who joins there needs nothing else. ``pts`` is the
    camera's media time in 1/90,000 s, and never goes back from one packet to the next where the stream has no
    B-frames; it keeps rising across reconnects and restarts. ``torn``: the container knows that something is
    missing in it or soon behind it, maybe whole pictures; told to this process's decoder alone.
    """

    data: bytes
    pts: int
    is_key: bool
    torn: bool = False
