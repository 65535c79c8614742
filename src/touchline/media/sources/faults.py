"""What can be wrong with a source → one line that names it, what is wrong and what to do."""

from __future__ import annotations

import errno
import socket

import av.error

from touchline.media.sources.location import Kind, Location
from touchline.types import SourceError

_NETWORK = frozenset({Kind.RTSP, Kind.RTMP, Kind.HLS, Kind.SRT})


def no_video(location: Location) -> SourceError:
    """It can be read, but holds no moving pictures."""
    return SourceError(
        location.shown,
        "has no video",
        "give a source with a video track" if location.kind is Kind.FILE else "switch its video on",
        retry=location.kind is not Kind.FILE,
    )


def single_picture(location: Location) -> SourceError:
    """It is a photograph or a drawing."""
    return SourceError(location.shown, "is a single picture", "give a video", retry=False)


def unknown_codec(location: Location) -> SourceError:
    """Its video is of a kind that this build of FFmpeg cannot decode."""
    return SourceError(
        location.shown,
        "its video is in a codec that cannot be decoded here",
        "set the source to H.264 or convert the file",
        retry=False,
    )


def no_key(location: Location) -> SourceError:
    """Pictures come, but none that decoding can start from."""
    if location.kind is Kind.FILE:
        return SourceError(
            location.shown, "has no key picture to begin with", "copy or convert it again", retry=False
        )
    return SourceError(
        location.shown, "sends no key pictures", "set the camera's key-picture interval (GOP) to 1 or 2 s"
    )


def refused_login(location: Location, *, given: bool) -> SourceError:
    """The server wants a login, and got none or, with ``given``, another."""
    what = "user or password is wrong (401)" if given else "wants a user and password (401)"
    remedy = f"put the right ones into the URL: {location.scheme}://USER:PASSWORD@HOST/…"
    return SourceError(location.shown, what, remedy, retry=False)


def forbidden(location: Location) -> SourceError:
    """The server knows us and refuses."""
    return SourceError(
        location.shown, "the server refuses access (403)", "ask for the right to read it", retry=False
    )


def no_stream(location: Location) -> SourceError:
    """The server has nothing under this name, maybe not yet."""
    return SourceError(location.shown, "the server has no such stream (404)", "check the path after the host")


def server_error(location: Location, status: str | int) -> SourceError:
    """The server answers with another ``status`` than those above."""
    return SourceError(location.shown, f"the server answers with an error ({status})", "look at the server")


def unknown_host(location: Location) -> SourceError:
    """No address is known for its name."""
    return SourceError(location.shown, "its host name is not known", "check the name and this machine's DNS")


def not_listening(location: Location) -> SourceError:
    """Its machine is there, and refuses the connection."""
    return SourceError(
        location.shown, "nothing listens there (connection refused)", "check that it is on, and its port"
    )


def no_answer(location: Location) -> SourceError:
    """Nothing came back in time."""
    return SourceError(location.shown, "no answer in time", "check that it is on and reachable from here")


def no_file(location: Location) -> SourceError:
    """Its path leads nowhere."""
    remedy = f"did you mean {location.meant}?" if location.meant else "check the path"
    return SourceError(location.shown, "there is no such file", remedy, retry=False)


def directory(location: Location) -> SourceError:
    """Its path leads to a directory."""
    return SourceError(location.shown, "is a directory", "name a file in it", retry=False)


def unreadable(location: Location) -> SourceError:
    """The file is another user's."""
    return SourceError(location.shown, "may not be read", "give this user the right to read it", retry=False)


def too_slow(location: Location, seconds: float) -> SourceError:
    """It did not give a picture in time."""
    return SourceError(location.shown, f"gave no picture in {seconds:.0f} s", "check that it is on and reachable")


def frozen(location: Location, seconds: float) -> SourceError:
    """It gave pictures and stopped."""
    return SourceError(
        location.shown, f"nothing has come for {seconds:.0f} s", "connecting again; check it and its network"
    )


def other_codec(location: Location, former: str) -> SourceError:
    """It changed its codec, which FFmpeg's readers take no notice of."""
    remedy = "convert it to one codec" if location.kind is Kind.FILE else "connecting again; let it keep its codec"
    return SourceError(location.shown, f"is no longer {former} from here on", remedy)


def undecodable(location: Location) -> SourceError:
    """Packets come, but none gives a picture."""
    return SourceError(
        location.shown,
        "cannot be decoded: packets come and no picture does",
        "connecting again; look whether it is damaged on its way (cable, Wi-Fi, file) or changed its codec",
    )


def broken(location: Location, error: Exception) -> SourceError:
    """Reading it fell over something that nobody foresaw."""
    return SourceError(
        location.shown,
        f"sends what cannot be read ({type(error).__name__})",
        "trying again; please report what stands in the output above",
    )


def ended(location: Location) -> SourceError:
    """A stream that should not end did."""
    return SourceError(location.shown, "the server ended the stream", "connecting again; check the sender")


def finished(location: Location) -> SourceError:
    """A recording was played to its end."""
    return SourceError(location.shown, "the recording has ended", "--loop plays it again and again")


def fault(location: Location, error: av.error.FFmpegError, *, opened: bool) -> SourceError:
    """The `SourceError` for what FFmpeg raised while opening ``location``, or reading it once ``opened``.

    FFmpeg's own text is never passed on whole: it holds the URL with its password.
    """

    def told(what: str, remedy: str, *, retry: bool = True) -> SourceError:
        return SourceError(location.shown, what, remedy, retry=retry)

    network = location.kind in _NETWORK
    match error:
        case av.error.HTTPUnauthorizedError():
            return refused_login(location, given="***@" in location.shown)
        case av.error.HTTPForbiddenError():
            return forbidden(location)
        case av.error.HTTPNotFoundError():
            return no_stream(location)
        case av.error.HTTPError():
            return server_error(location, str(error.strerror))
        case av.error.ConnectionRefusedError():
            return not_listening(location)
        case av.error.TimeoutError() | av.error.ExitError():
            return no_answer(location)
        case av.error.FileNotFoundError() if location.kind is Kind.DEVICE:
            return told("there is no such camera", "plug it in; `ls /dev/video*` lists those there are")
        case av.error.FileNotFoundError():
            return no_file(location)
        case av.error.IsADirectoryError():
            return directory(location)
        case av.error.PermissionError() if location.kind is Kind.DEVICE:
            return told("may not be opened", "add this user to the group video", retry=False)
        case av.error.PermissionError():
            return unreadable(location)
        case _ if error.errno == errno.EBUSY:
            return told("is in use", "close the program that has it open")
        case av.error.InvalidDataError() if network:
            return told("sends what is not a video stream", "check the URL")
        case av.error.InvalidDataError() if opened:
            return told("is damaged from here on", "copy or convert it again", retry=False)
        case av.error.InvalidDataError():
            remedy = "give a video file that ffplay can play"
            return told("is not a video, or cut short or damaged", remedy, retry=False)
        case av.error.EOFError() if not network:
            return told("is empty or cut short", "copy it again", retry=False)
        case av.error.EOFError() | av.error.ConnectionResetError() | av.error.BrokenPipeError():
            return told("the server has closed the connection", "check the path and the server")
        case av.error.ProtocolNotFoundError() | av.error.DemuxerNotFoundError():
            return told("this build of FFmpeg cannot read it", "give another kind of source", retry=False)
        case _ if network and not opened and not _resolves(location.host):
            return unknown_host(location)
        case _:
            return told(f"cannot be read ({error.strerror})", "check that it is on and reachable")


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True
