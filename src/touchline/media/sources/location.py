"""A source as the user writes it: what kind it is, and how to show it without its secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from touchline.types import SourceError

HIDDEN = "***"

# Up to the last @, for passwords are pasted unquoted and may hold a /, a ? or a blank.
# A slash too few makes a file of an address, and its password no less of a secret.
_USERINFO = re.compile(r"(?i)(://|\b(?:https?|rtsps?|rtmps?|srt):/{0,2})[^\n]*@")
# Signed addresses of web servers call their secrets what they like, and what is none tells little.
_QUERY = re.compile(r"(?i)(?<=[?&])([^=&#\s]+)=([^&#\s]*)")
_SIGNED = re.compile(r"(?i)\b(?:https?|rtmps?):/{0,2}[^?#\s]*\?[^#\s]*")
# The last part of an RTMP address is the key to publish under that name, or to watch it.
_STREAM_KEY = re.compile(r"(?i)\b(rtmps?:/{0,2}[^/?#\s]+/(?:[^?#\s]*/)?)[^/?#\s]+")
_SECRET = re.compile(
    r"(?i)\b([\w.-]*(?:pass|pwd|token|secret|key|sig|auth|user|login|credential|streamid)[\w.-]*)=([^&/?#\s;]*)"
)


class Kind(Enum):
    """The ways in."""

    DEVICE = "device"
    FILE = "file"
    RTSP = "rtsp"
    RTMP = "rtmp"
    HLS = "hls"
    SRT = "srt"
    TEST = "test"


_SCHEMES = {
    "rtsp": Kind.RTSP,
    "rtsps": Kind.RTSP,
    "rtmp": Kind.RTMP,
    "rtmps": Kind.RTMP,
    "http": Kind.HLS,
    "https": Kind.HLS,
    "srt": Kind.SRT,
    "test": Kind.TEST,
}


def redact(source: str) -> str:
    """``source`` with user, password, RTMP stream key and secret-looking parameters replaced by ``***``; of
    addresses of web and RTMP servers all parameters are."""
    shown = _USERINFO.sub(rf"\1{HIDDEN}@", source)
    shown = _SIGNED.sub(lambda found: _QUERY.sub(rf"\1={HIDDEN}", found[0]), shown)
    return _SECRET.sub(rf"\1={HIDDEN}", _STREAM_KEY.sub(rf"\1{HIDDEN}", shown))


@dataclass(frozen=True, slots=True)
class Location:
    """A source's ``kind`` and its ``address``: a URL, or the path of a file or device. ``shown`` is fit for
    logs and error texts."""

    kind: Kind
    address: str
    shown: str

    @classmethod
    def parse(cls, source: str) -> Location:
        """Read ``source``. Raises `SourceError` for what no way in can take."""
        shown = redact(source)
        if not source.strip():
            raise SourceError("(empty)", "no source is given", "name a file, a device or a URL", retry=False)
        if "\n" in source or "\r" in source or "\0" in source:
            raise SourceError(shown.split()[0], "holds a line break", "write it on one line", retry=False)
        if source.isdecimal():
            return cls(Kind.DEVICE, f"/dev/video{source}", f"/dev/video{source}")
        if re.fullmatch(r"/dev/video\d+", source):
            return cls(Kind.DEVICE, source, shown)
        if source.startswith("file:"):
            return cls(Kind.FILE, source.removeprefix("file:"), shown)
        scheme, colon, _ = source.partition(":")
        if colon and scheme.lower() in _SCHEMES and (scheme == "test" or "://" in source):
            kind = _SCHEMES[scheme.lower()]
            if kind is not Kind.TEST and not _host(source):
                raise SourceError(shown, "names no host", f"write it as {scheme}://HOST[:PORT]/PATH", retry=False)
            return cls(kind, source, shown)
        if "://" in source:
            raise SourceError(
                shown,
                f"{scheme}:// is not a kind of source",
                "give rtsp://, rtmp://, srt://, http(s)://….m3u8, a file, a camera's number or test:",
                retry=False,
            )
        return cls(Kind.FILE, source, shown)

    @property
    def meant(self) -> str:
        """What the path of a file was perhaps meant to be, as ``rtsp:/host`` and ``TEST:``, fit for error texts;
        else empty."""
        scheme, colon, rest = self.shown.partition(":")
        scheme = scheme.lower()
        if not colon or scheme not in _SCHEMES:
            return ""
        return f"test:{rest}" if scheme == "test" else f"{scheme}://{rest.lstrip('/')}"

    @property
    def scheme(self) -> str:
        """What stands before ``://`` in a URL, else empty."""
        return self.address.partition("://")[0].lower() if "://" in self.address else ""

    @property
    def host(self) -> str:
        """The host's name of a URL, else empty."""
        return _host(self.address)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
