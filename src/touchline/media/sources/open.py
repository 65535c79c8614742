"""One match on the kind of source."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from touchline.media.sources.ffmpeg import FFmpegSource
from touchline.media.sources.location import Kind, Location
from touchline.media.sources.loop import LoopSource
from touchline.media.sources.rtsp import RtspSource
from touchline.media.sources.source import Source
from touchline.media.sources.srt import SrtSource


def open_source(
    location: Location, *, loop: bool, realtime: bool, clock: Callable[[], float], stop: Event
) -> Source:
    """The reader for ``location``, not yet connected."""
    match location.kind:
        case Kind.TEST:
            # Here, so that who only wants to know a source's kind does not load OpenCV.
            from touchline.media.sources.pattern import PatternSource

            return PatternSource(location, realtime=realtime, clock=clock, stop=stop)
        case Kind.SRT:
            return SrtSource(location)
        case Kind.RTSP:
            return RtspSource(location)
        case Kind.FILE if loop:
            return LoopSource(location, realtime=realtime, clock=clock)
        case Kind.DEVICE | Kind.FILE | Kind.RTMP | Kind.HLS:
            return FFmpegSource(location)
