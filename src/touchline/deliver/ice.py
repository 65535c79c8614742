"""Where a viewer's media may come from: this box's addresses, STUN and TURN servers."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiortc import RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri

from touchline.types.errors import ConfigError


@dataclass(frozen=True, slots=True)
class IceSettings:
    """Where a viewer's media may come from.

    ``addresses``: local addresses to offer, or none for all of this box's. ``stun``: ``stun:host:port`` URLs.
    ``turn``: (``turn:host:port?transport=udp``, tcp, or ``turns:``; user name; credential) of each relay. This box
    uses the first of either, a browser gets all.
    """

    addresses: tuple[str, ...] = ("127.0.0.1",)
    stun: tuple[str, ...] = ()
    turn: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for url in (*self.stun, *(turn[0] for turn in self.turn)):
            try:
                parse_stun_turn_uri(url)
            except ValueError:
                # A name and password have no place in such a URL, yet somebody may have put them there.
                shown = "***@" + url.rpartition("@")[2] if "@" in url else url
                raise ConfigError(f"{shown}: not a STUN or TURN URL; write turn:host:3478?transport=udp") from None

    @classmethod
    def for_host(cls, host: str) -> IceSettings:
        """What fits a server that listens on ``host``: loopback, one address, or (``0.0.0.0``, ``::``) all."""
        if host in ("localhost", "127.0.0.1"):
            return cls()
        return cls(addresses=() if host in ("0.0.0.0", "::", "") else (host,))  # noqa: S104

    def for_browser(self) -> list[dict[str, str]]:
        """``RTCConfiguration.iceServers`` for a viewer's page."""
        servers = [{"urls": url} for url in self.stun]
        return servers + [{"urls": url, "username": name, "credential": word} for url, name, word in self.turn]

    def servers(self) -> list[RTCIceServer]:
        """The same for this side."""
        found = [RTCIceServer(urls=url) for url in self.stun]
        return found + [RTCIceServer(urls=url, username=name, credential=word) for url, name, word in self.turn]
