"""Files, V4L2 cameras, RTSP, RTMP and HLS, read by FFmpeg's libraries."""

from __future__ import annotations

import stat
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urldefrag

import av
import av.error
from av.container import InputContainer

from touchline.media.sources import faults
from touchline.media.sources.container import read_container
from touchline.media.sources.location import Kind, Location
from touchline.media.sources.source import Traits
from touchline.media.timeline import Sample
from touchline.types import SourceError, StreamInfo

_TRAITS = {
    Kind.FILE: Traits(paced=True, ends=True, max_packets=32),
    Kind.DEVICE: Traits(exclusive=True),
    Kind.RTSP: Traits(),
    Kind.RTMP: Traits(),
    # A segment comes at once and then nothing for its length.
    Kind.HLS: Traits(paced=True, open_s=30, give_up_s=20, late_s=0.1, max_packets=1500),
}

_PROBE = {"analyzeduration": "1000000", "probesize": "1000000"}
"""µs and bytes to look at before the first packet; FFmpeg's 5 s would be 5 s of waiting."""


class FFmpegSource:
    """A file, device or URL."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self.traits = _TRAITS[location.kind]

    def interrupt(self) -> None:
        """Nothing to do: FFmpeg's own time-outs end a blocked call."""

    def read(self) -> Generator[StreamInfo | Sample]:
        """See `Source.read`."""
        with self._open() as container:
            yield from read_container(container, self._location)

    def _open(self) -> InputContainer:
        location = self._location
        address, format_, options = location.address, None, dict(_PROBE)
        timeout = (10.0, 5.0)
        match location.kind:
            case Kind.FILE:
                _check_file(location)
                # Or a path such as `concat:x` would be taken for one of FFmpeg's own protocols.
                address = f"file:{Path(address).absolute()}"
                options = {}
            case Kind.DEVICE:
                format_, options = "v4l2", {}
            case Kind.RTSP:
                address, wanted = urldefrag(address)
                options |= {"max_delay": "200000"}
                options |= {"rtsp_transport": "udp"} if wanted == "transport=udp" else {"rtsp_flags": "prefer_tcp"}
                timeout = (5.0, 5.0)
            case Kind.RTMP:
                options |= {"rtmp_live": "live", "rtmp_buffer": "0"}
            case Kind.HLS:
                options |= {"live_start_index": "-1", "http_persistent": "1"}
                timeout = (15.0, 20.0)
            case Kind.SRT | Kind.TEST:
                raise AssertionError(f"{location.kind} is not read here")
        try:
            if location.kind is Kind.DEVICE:
                return _open_device(address)
            return av.open(
                address, "r", format=format_, options=options, timeout=timeout, metadata_errors="replace"
            )
        except av.error.FFmpegError as error:
            raise faults.fault(location, error, opened=False) from None


def _open_device(address: str) -> InputContainer:
    """A camera's compressed 720p where it has it (USB carries no more at 30 Hz), else what it has."""
    wanted = {"input_format": "mjpeg", "video_size": "1280x720", "framerate": "30"}
    try:
        return av.open(address, "r", format="v4l2", options=wanted, timeout=(10.0, 5.0))
    except av.error.FFmpegError:
        return av.open(address, "r", format="v4l2", timeout=(10.0, 5.0))


def _check_file(location: Location) -> None:
    """What FFmpeg would say less well."""
    try:
        status = Path(location.address).stat()
    except FileNotFoundError:
        raise faults.no_file(location) from None
    except PermissionError:
        raise faults.unreadable(location) from None
    except OSError as error:
        what, remedy = f"cannot be read ({error.strerror})", "check the path"
    else:
        if stat.S_ISDIR(status.st_mode):
            raise faults.directory(location)
        if not stat.S_ISREG(status.st_mode):
            what, remedy = "is not a file", "name a video file"
        elif not status.st_size:
            what, remedy = "is empty", "copy it again"
        else:
            return
    raise SourceError(location.shown, what, remedy, retry=False)
