"""An RTSP URL taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """``url`` is what requests name: without login and fragment. ``options`` are our own, from behind the #."""

    url: str
    host: str
    port: int
    user: str
    password: str
    is_tls: bool
    options: frozenset[str]

    @property
    def quoted(self) -> str:
        """The URL with the login, for FFmpeg, which wants it percent-quoted."""
        if not self.user and not self.password:
            return self.url
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{rest}"

    @classmethod
    def parse(cls, source: str) -> Address:
        """Read ``rtsp[s]://[user:password@]host[:port]/path[#option[&option]]``.

        User and password may be percent-quoted, or pasted as they are. Raises `ValueError`.
        """
        source, _, fragment = source.partition("#") if "@" not in source.partition("#")[2] else (source, "", "")
        scheme, _, rest = source.partition("://")
        login, rest = _split_login(rest)
        scheme = scheme.lower()
        parts = urlsplit(f"{scheme}://{rest}")
        user, _, password = login.partition(":")
        return cls(
            url=f"{scheme}://{rest}",
            host=parts.hostname or "",
            port=parts.port or (322 if scheme == "rtsps" else 554),
            user=unquote(user),
            password=unquote(password),
            is_tls=scheme == "rtsps",
            options=frozenset(fragment.split("&")) if fragment else frozenset(),
        )


def _split_login(rest: str) -> tuple[str, str]:
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        login, _, host = authority.rpartition("@")
        return login, host + slash + path
    _, colon, port = authority.partition(":")
    if "@" in path and colon and not port.isdecimal():
        # A password with a slash in it: what looks like the port is its beginning.
        login, _, host = rest.rpartition("@")
        return login, host
    return "", rest
