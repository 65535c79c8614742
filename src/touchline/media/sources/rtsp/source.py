"""One RTSP session, from the first request to the last picture."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Generator
from dataclasses import replace

from touchline.media.sources import faults
from touchline.media.sources.ffmpeg import FFmpegSource
from touchline.media.sources.format import Format
from touchline.media.sources.location import Location
from touchline.media.sources.rtsp.address import Address
from touchline.media.sources.rtsp.connection import Answer, Closed, Confused, Connection
from touchline.media.sources.rtsp.depacketise import Depacketiser
from touchline.media.sources.rtsp.number import whole_number
from touchline.media.sources.rtsp.sdp import VideoTrack, read_video_track
from touchline.media.sources.source import MAX_WITHOUT_KEY, Traits
from touchline.media.timeline import Sample
from touchline.types import MEDIA_CLOCK, SourceError, StreamInfo

SILENT_S = 6.0
"""The reader's own limit; `Capture` gives up on a silent source before it."""


class _Unspoken(Exception):
    """Something that FFmpeg has to do: UDP, or a codec that we do not take apart."""


class _KeepAlive:
    """Says something every ``seconds``, so that the server does not take us for gone."""

    def __init__(self, connection: Connection, method: str, url: str, seconds: float) -> None:
        self._connection, self._method, self._url, self._seconds = connection, method, url, seconds
        self._last = time.monotonic()

    def look(self) -> None:
        """Called with each packet."""
        if time.monotonic() - self._last > self._seconds:
            self._last = time.monotonic()
            self._connection.send(self._method, self._url)


class RtspSource:
    """Speaks RTSP with interleaved media; ``#transport=udp`` in the URL, a server without TCP and codecs
    other than H.264 and H.265 are left to FFmpeg. ``#verify=no`` takes any certificate of an rtsps:// server."""

    traits = Traits()

    def __init__(self, location: Location) -> None:
        self._location = location
        self._connection: Connection | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        """Break off whatever waits."""
        self._interrupted = True
        if self._connection:
            self._connection.interrupt()

    def read(self) -> Generator[StreamInfo | Sample]:
        """See `Source.read`."""
        location = self._location
        try:
            address = Address.parse(location.address)
        except ValueError:
            raise SourceError(location.shown, "is no RTSP URL", "check its port", retry=False) from None
        try:
            if "transport=udp" in address.options:
                raise _Unspoken
            yield from self._session(address)
        except _Unspoken:
            udp = "#transport=udp" if "transport=udp" in address.options else ""
            theirs = replace(location, address=address.quoted + udp)
            yield from FFmpegSource(theirs).read()
        except Closed:
            raise faults.ended(location) from None
        except Confused:
            raise SourceError(location.shown, "does not speak RTSP", "check the port") from None
        except ssl.SSLCertVerificationError:
            raise SourceError(
                location.shown,
                "its certificate cannot be checked",
                "add #verify=no to the URL to take any",
                retry=False,
            ) from None
        except ssl.SSLError:
            raise SourceError(
                location.shown, "does not speak TLS with us", "check the port, or try rtsp://"
            ) from None
        except OSError as error:
            raise _from_socket(location, error) from None

    def _session(self, address: Address) -> Generator[StreamInfo | Sample]:
        connection = Connection(address)
        self._connection = connection
        if self._interrupted:
            return
        try:
            connection.connect()
            options = connection.request("OPTIONS", address.url)
            self._check(options, may_fail=True)
            # What keeps a session alive; some cameras take the one and not the other.
            ping = "GET_PARAMETER" if "GET_PARAMETER" in options.header("public").upper() else "OPTIONS"
            track, base = self._describe(connection, address)
            channel, keep_alive_s = self._set_up(connection, base, track)
            connection.control = base
            keep_alive = _KeepAlive(connection, ping, base, keep_alive_s / 2)
            yield from self._pictures(connection, track, channel, keep_alive)
        finally:
            connection.close()

    def _describe(self, connection: Connection, address: Address) -> tuple[VideoTrack, str]:
        answer = connection.request("DESCRIBE", address.url, {"Accept": "application/sdp"})
        self._check(answer)
        session, track = read_video_track(answer.body)
        if track is None:
            raise faults.no_video(self._location)
        if track.codec is None:
            raise _Unspoken
        base = answer.header("content-base") or answer.header("content-location") or address.url
        return track, session if "://" in session else base

    def _set_up(self, connection: Connection, base: str, track: VideoTrack) -> tuple[int, float]:
        """The media's channel, and the seconds after which the server wants to hear from us."""
        url = _join(base, track.control)
        answer = connection.request("SETUP", url, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})
        if answer.status == 461:
            raise _Unspoken
        self._check(answer)
        transport = answer.header("transport").replace(" ", "")
        channel = transport.partition("interleaved=")[2].partition("-")[0].partition(";")[0]
        session, _, rest = answer.header("session").partition(";")
        connection.session = session.strip()
        seconds = rest.replace(" ", "").partition("timeout=")[2].partition(";")[0]
        self._check(connection.request("PLAY", base, {"Range": "npt=0.000-"}))
        return whole_number(channel) or 0, float(whole_number(seconds) or 60)

    def _pictures(
        self, connection: Connection, track: VideoTrack, channel: int, keep_alive: _KeepAlive
    ) -> Generator[StreamInfo | Sample]:
        codec = track.codec or "h264"
        declared = StreamInfo(codec, 0, 0, fps=track.fps, extradata=track.parameter_sets)
        format_ = Format(declared)
        depacketiser = Depacketiser(codec, track.payload_type)
        started, skipped = False, 0
        while not self._interrupted:
            source, packet = connection.media(SILENT_S)
            keep_alive.look()
            if source != channel:
                continue
            for unit in depacketiser.push(packet):
                if not started and not unit.is_key:
                    skipped += 1
                    if skipped > MAX_WITHOUT_KEY:
                        raise faults.no_key(self._location)
                    continue
                pts = unit.timestamp * MEDIA_CLOCK // track.clock
                data, changed = format_.packet(unit.data, pts, is_key=unit.is_key)
                if not format_.info.width:
                    # A key picture without parameter sets, here or in the description: nothing can be shown yet.
                    continue
                if changed or not started:
                    yield format_.info
                started = True
                yield Sample(data, pts, None, unit.is_key)

    def _check(self, answer: Answer, *, may_fail: bool = False) -> None:
        location, status = self._location, answer.status
        match status:
            case 401:
                raise faults.refused_login(location, given=bool(Address.parse(location.address).user))
            case 403:
                raise faults.forbidden(location)
            case 404 if not may_fail:
                raise faults.no_stream(location)
            case _ if status >= 400 and not may_fail:
                raise faults.server_error(location, status)
            case _ if 300 <= status < 400:
                raise SourceError(
                    location.shown, "the server sends us elsewhere", "give the URL it points to", retry=False
                )
            case _:
                return


def _join(base: str, control: str) -> str:
    if "://" in control:
        return control
    return base if control in ("", "*") else f"{base.rstrip('/')}/{control}"


def _from_socket(location: Location, error: OSError) -> SourceError:
    match error:
        case socket.gaierror():
            return faults.unknown_host(location)
        case ConnectionRefusedError():
            return faults.not_listening(location)
        case TimeoutError():
            return faults.no_answer(location)
        case _:
            what = f"cannot be reached ({error.strerror or 'connection lost'})"
            return SourceError(location.shown, what, "check the network")
