"""An open FFmpeg container → stream descriptions and samples. Shared by all that PyAV reads."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from fractions import Fraction
from typing import cast

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from touchline.media.annexb import is_foreign
from touchline.media.sources import faults
from touchline.media.sources.aspect import plausible
from touchline.media.sources.format import Format
from touchline.media.sources.location import Kind, Location
from touchline.media.sources.source import MAX_WITHOUT_KEY
from touchline.media.timeline import Sample
from touchline.types import MEDIA_CLOCK, StreamInfo

MAX_FPS = 400.0
"""A declared rate above it is a time base that somebody took for one."""


def read_container(container: InputContainer, location: Location) -> Generator[StreamInfo | Sample]:
    """All of ``container``'s best video stream, from its first key packet on."""
    if container.format.name == "image2" or container.format.name.endswith("_pipe"):  # FFmpeg's names for pictures
        raise faults.single_picture(location)
    stream = _choose(container, location)
    own_aspect = stream.sample_aspect_ratio != stream.codec_context.sample_aspect_ratio
    format_ = Format(_declared(stream, location), own_aspect=own_aspect)
    time_base = stream.time_base or Fraction(1, MEDIA_CLOCK)
    scale_up, scale_down = time_base.numerator * MEDIA_CLOCK, time_base.denominator
    may_change = container.format.name == "mpegts"  # whose units are in Annex B form
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
            if not started and location.kind is Kind.FILE:
                format_.info = replace(format_.info, turns=_turns(stream, packet))
            if is_key and packet.has_sidedata("new_extradata"):
                format_.update_extradata(bytes(packet.get_sidedata("new_extradata")))
            pts = None if packet.pts is None else packet.pts * scale_up // scale_down
            dts = None if packet.dts is None else packet.dts * scale_up // scale_down
            unit, codec = bytes(packet), format_.info.codec
            if may_change and (codec == "h264" or codec == "hevc") and is_foreign(codec, unit, is_key=is_key):
                raise faults.other_codec(location, codec)
            data, changed = format_.packet(unit, pts, is_key=is_key)
            if changed or not started:
                yield format_.info
            started = True
            yield Sample(data, pts, dts, is_key, torn=packet.is_corrupt)
        if skipped and not started:
            raise faults.no_key(location)
        if not started and location.kind is Kind.FILE:
            raise faults.no_video(location)
    except av.error.FFmpegError as error:
        raise faults.fault(location, error, opened=True) from None


def _choose(container: InputContainer, location: Location) -> VideoStream:
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not pictures:
        raise faults.no_video(location)
    best = container.streams.best("video")
    stream = cast("VideoStream", best) if best in pictures else pictures[0]
    if cast("object", stream.codec_context) is None:
        raise faults.unknown_codec(location)
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    return stream


def _turns(stream: VideoStream, key: Packet[VideoStream]) -> int:
    """Quarters by which the file's display matrix turns its pictures. The decoder alone tells it, with a picture.

    A mirrored or oblique matrix is taken for the nearest turn.
    """
    try:
        pictures = [*stream.codec_context.decode(key), *stream.codec_context.decode(None)]
    except av.error.FFmpegError:
        return 0  # who plays it will be told that it is damaged
    return round(pictures[0].rotation / 90) % 4 if pictures else 0


def _declared(stream: VideoStream, location: Location) -> StreamInfo:
    context = stream.codec_context
    codec = context.codec.canonical_name
    if codec == "none":
        raise faults.unknown_codec(location)
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    return StreamInfo(
        codec=codec,
        width=context.width,
        height=context.height,
        fps=rate if rate < MAX_FPS else 0.0,
        extradata=context.extradata or b"",
        pixel_format=context.pix_fmt or "",
        has_b_frames=bool(context.has_b_frames),
        sample_aspect=plausible(stream.sample_aspect_ratio),
    )
