"""Frames → H.264 that every browser plays: x264 without B-frames, tuned for no delay."""

from __future__ import annotations

from fractions import Fraction

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from touchline.media.annexb import AnnexB
from touchline.media.picture import picture_of
from touchline.types import MEDIA_CLOCK, Frame, Packet, StreamInfo

BITS_PER_PIXEL = 0.09
"""2.5 Mb/s at 1280×720 and 30 Hz."""
LEAST_BITRATE = 200_000
PRESET = "superfast"

_BT709, _BT601 = 1, 6
_LIMITED, _FULL = 1, 2
_FINEST_ASPECT = 1000
"""Denominator: the stream has 16 bits for it."""


class Encoder:
    """x264 in Constrained Baseline, the one profile that every browser must take.

    A key picture comes at least every ``gop_seconds`` of media time.

    ``width`` and ``height`` in px are those of the first frame; one of another size, SAR or colour coding makes
    a new encoder and another ``info``, which the caller sends on ahead of the returned packets. Odd sizes are
    padded by repeating the last row or column. ``fps`` in Hz, 0 where unknown, only steers the rate
    control; frames keep their own ``pts``. ``bitrate`` in bit/s, None for one that fits the size.
    """

    def __init__(
        self,
        width: int,
        height: int,
        fps: float,
        *,
        bitrate: int | None = None,
        gop_seconds: float = 1.0,
    ) -> None:
        self._fps = fps if fps > 0 else 25.0
        self._bitrate = bitrate
        self._gop = round(gop_seconds * MEDIA_CLOCK)
        self._last_pts = -(1 << 62)
        self._make(width, height, full_range=False, bt709=True, sample_aspect=1.0)

    @property
    def info(self) -> StreamInfo:
        """What the packets returned last hold."""
        return self._info

    def encode(self, frame: Frame, force_key: bool = False) -> list[Packet]:
        """The packets of ``frame``: one, unless x264 refuses. ``force_key`` makes it a key picture.

        ``frame.pts`` should rise from call to call; one that does not is moved just behind the last.
        """
        shape = (frame.width, frame.height, frame.full_range, frame.bt709, frame.sample_aspect)
        if shape != self._shape:
            self._make(
                frame.width,
                frame.height,
                full_range=frame.full_range,
                bt709=frame.bt709,
                sample_aspect=frame.sample_aspect,
            )
        picture = picture_of(frame, even=True)
        picture.pts = self._last_pts = max(frame.pts, self._last_pts + 1)
        picture.time_base = Fraction(1, MEDIA_CLOCK)
        due = self._last_key is None or frame.pts - self._last_key >= self._gop
        picture.pict_type = PictureType.I if force_key or due else PictureType.NONE
        packets: list[Packet] = []
        for packet in self._context.encode(picture):
            is_key = bool(packet.is_keyframe)
            pts = frame.pts if packet.pts is None else packet.pts
            if is_key:
                self._last_key = pts
            packets.append(Packet(self._form.packet(bytes(packet), is_key=is_key), pts, is_key))
        return packets

    def _make(self, width: int, height: int, *, full_range: bool, bt709: bool, sample_aspect: float) -> None:
        even_width, even_height = width + width % 2, height + height % 2
        fitting = round(even_width * even_height * self._fps * BITS_PER_PIXEL)
        bitrate = self._bitrate or max(LEAST_BITRATE, fitting)
        context: VideoCodecContext = av.CodecContext.create("libx264", "w")
        context.width, context.height = even_width, even_height
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, MEDIA_CLOCK)
        context.framerate = Fraction(self._fps).limit_denominator(1001)
        context.bit_rate = bitrate
        context.max_b_frames = 0
        context.thread_count = 1
        context.color_range = _FULL if full_range else _LIMITED
        context.sample_aspect_ratio = Fraction(sample_aspect).limit_denominator(_FINEST_ASPECT)
        context.colorspace = _BT709 if bt709 else _BT601
        context.color_primaries = context.colorspace
        context.color_trc = context.colorspace
        # For `info`; `AnnexB` puts them into each key packet as well.
        context.flags |= Flags.global_header
        context.options = {
            "preset": PRESET,
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            # Half a second at the limit: a key picture may be large, but not swamp a link.
            "maxrate": str(bitrate),
            "bufsize": str(bitrate // 2),
            # Key pictures are asked for by time, above: frames may be skipped when the box is busy.
            "g": "100000",
            "sc_threshold": "0",
            "x264-params": "keyint=infinite",
        }
        context.open()
        self._context = context
        self._shape = (width, height, full_range, bt709, sample_aspect)
        self._last_key: int | None = None
        self._form = AnnexB("h264", context.extradata or b"")
        self._info = StreamInfo(
            codec="h264",
            width=even_width,
            height=even_height,
            fps=self._fps,
            extradata=self._form.parameter_sets,
            pixel_format="yuv420p",
            sample_aspect=sample_aspect,
        )
