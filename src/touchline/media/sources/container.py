"""An open FFmpeg container → stream descriptions and samples. Shared by all that PyAV reads."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from fractions import Fraction
from typing import cast

import av
import av.error
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from touchline.media import faults
from touchline.media.annexb import AnnexB, VideoCodec, is_picture, nal_type, split_nals
from touchline.media.sources.location import Location
from touchline.media.sps import is_b_slice, read_sps
from touchline.media.timeline import Sample
from touchline.types import MEDIA_CLOCK, StreamInfo

MAX_FPS = 400.0
"""A declared rate above it is a time base that somebody took for one."""
MAX_WITHOUT_KEY = 900
"""Pictures to wait for a key picture: more than any camera's set-up leaves between two."""


def read_container(container: InputContainer, location: Location) -> Generator[StreamInfo | Sample]:
    """All of ``container``'s best video stream, from its first key packet on."""
    stream = _choose(container, location)
    format_ = _Format(stream, location)
    time_base = stream.time_base or Fraction(1, MEDIA_CLOCK)
    scale_up, scale_down = time_base.numerator * MEDIA_CLOCK, time_base.denominator
    started = False
    skipped = 0
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            is_key = bool(packet.is_keyframe)
            if not started and not is_key:
                skipped += 1
                if skipped > MAX_WITHOUT_KEY:
                    raise faults.no_key(location)
                continue
            if is_key and packet.has_sidedata("new_extradata"):
                format_.update_extradata(bytes(packet.get_sidedata("new_extradata")))
            data = format_.data(bytes(packet), is_key=is_key)
            pts = None if packet.pts is None else packet.pts * scale_up // scale_down
            dts = None if packet.dts is None else packet.dts * scale_up // scale_down
            changed = format_.look(data, pts, is_key=is_key)
            if changed or not started:
                yield format_.info
            started = True
            yield Sample(data, pts, dts, is_key)
    except av.error.FFmpegError as error:
        raise faults.fault(location, error, opened=True) from None


def _choose(container: InputContainer, location: Location) -> VideoStream:
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not pictures:
        raise faults.no_video(location)
    best = container.streams.best("video")
    stream = cast("VideoStream", best) if best in pictures else pictures[0]
    if cast("object", stream.codec_context) is None:
        raise faults.unknown_codec(location, stream.codec_tag.strip("\0") or "unknown")
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    return stream


class _Format:
    """Keeps the stream's `StreamInfo` true: sizes change, and B-frames may show late."""

    def __init__(self, stream: VideoStream, location: Location) -> None:
        context = stream.codec_context
        codec = context.codec.canonical_name
        if codec == "none":
            raise faults.unknown_codec(location, "unknown")
        extradata = context.extradata or b""
        self._form: AnnexB | None = None
        self._codec: VideoCodec = "hevc" if codec == "hevc" else "h264"
        if codec in ("h264", "hevc"):
            self._form = AnnexB(self._codec, extradata)
            extradata = self._form.parameter_sets
        self._sps = b""
        self._settled = False
        self._highest: int | None = None
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.info = StreamInfo(
            codec=codec,
            width=context.width,
            height=context.height,
            fps=rate if rate < MAX_FPS else 0.0,
            extradata=extradata,
            pixel_format=context.pix_fmt or "",
            has_b_frames=bool(context.has_b_frames),
        )
        self._take_sps()

    def update_extradata(self, extradata: bytes) -> None:
        if self._form:
            self._form.update_extradata(extradata)
        else:
            self.info = replace(self.info, extradata=extradata)

    def data(self, data: bytes, *, is_key: bool) -> bytes:
        return self._form.packet(data, is_key=is_key) if self._form else data

    def look(self, data: bytes, pts: int | None, *, is_key: bool) -> bool:
        """Learn from a packet. True if ``info`` is another now."""
        former = self.info
        if is_key:
            self._take_sps()
        if not self.info.has_b_frames and not self._settled:
            back = pts is not None and self._highest is not None and pts < self._highest
            bidirectional = self._form and self._codec == "h264" and not is_key and _has_b_slice(data)
            if back or bidirectional:
                self.info = replace(self.info, has_b_frames=True)
        # Only a step of less than a second is reordering; more is a source that started anew.
        if pts is not None and (self._highest is None or pts > self._highest or pts < self._highest - MEDIA_CLOCK):
            self._highest = pts
        return self.info is not former

    def _take_sps(self) -> None:
        if not self._form or self._form.sps == self._sps:
            return
        self._sps = self._form.sps
        said = read_sps(self._codec, self._sps)
        if said is None:
            return
        self._settled = said.reorders is not None
        reorders = self.info.has_b_frames if said.reorders is None else said.reorders
        info = replace(
            self.info,
            width=said.width,
            height=said.height,
            pixel_format=self._full_range(said.pixel_format),
            has_b_frames=reorders,
        )
        if info != self.info:
            self.info = replace(info, extradata=self._form.parameter_sets)

    def _full_range(self, name: str) -> str:
        """FFmpeg calls 8-bit full-range formats yuvj…; the set's range flag is left to the decoder."""
        return self.info.pixel_format if self.info.pixel_format.replace("yuvj", "yuv") == name else name


def _has_b_slice(data: bytes) -> bool:
    for nal in split_nals(data[:4096]):
        if is_picture("h264", nal_type("h264", nal)):
            return is_b_slice(nal)
    return False
