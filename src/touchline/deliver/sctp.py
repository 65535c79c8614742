"""One-way messages over an SCTP association (RFC 9260, RFC 3758, RFC 8831), without retransmission. Pure.

aiortc sets up the association and answers everything a viewer's browser may ask of it; this sends the facts.
aiortc spends about 0.3 ms on a message and its acknowledgement, for each viewer. Facts need none of what that
buys: they are unordered, never sent twice, and dropped when the viewer does not keep up.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from typing import Any, cast

import google_crc32c

FRAGMENT = 1100
"""Bytes of a message per packet: with SCTP's and DTLS's headers below 1,200."""

IN_FLIGHT = 64 * 1024
"""Unacknowledged bytes at which messages are dropped."""

MISSING_REPORTS = 3
"""A gap reported so often is a loss and no reordering (RFC 9260, 7.2.4)."""

STUCK = 1.0
"""Seconds without any acknowledgement until what is in flight is given up."""

_DATA, _SACK, _FORWARD_TSN = 0, 3, 192
_UNORDERED, _FIRST, _LAST = 4, 2, 1
_TEXT = 51
_PACKET = struct.Struct(">HHI")
_CHUNK = struct.Struct(">BBHIHHI")
_crc = cast(Any, google_crc32c).value
_extend = cast(Any, google_crc32c).extend


def fragments(message: bytes) -> list[tuple[int, bytes, int]]:
    """A message cut for the wire: (chunk flags, data padded to four bytes, length without padding) of each."""
    parts: list[tuple[int, bytes, int]] = []
    for start in range(0, len(message), FRAGMENT):
        data = message[start : start + FRAGMENT]
        flags = _UNORDERED
        flags |= _FIRST if start == 0 else 0
        flags |= _LAST if start + FRAGMENT >= len(message) else 0
        parts.append((flags, data + bytes(-len(data) % 4), len(data)))
    return parts


class MessageLane:
    """Outgoing side of one data channel. ``ports``: local, remote. ``tag``: the peer's verification tag.

    ``next_tsn`` is the association's next transmission sequence number; whoever else sends on it must keep it in
    step. ``now`` is any monotonic time in seconds. ``dropped`` counts messages given up before they were sent,
    ``abandoned`` packets given up after.
    """

    def __init__(self, ports: tuple[int, int], tag: int, stream: int, next_tsn: int) -> None:
        self.next_tsn = next_tsn
        self.dropped = 0
        self.abandoned = 0
        self._head = _PACKET.pack(ports[0], ports[1], tag)
        self._stream = stream
        self._flying: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._window = IN_FLIGHT
        self._missing = 0
        self._heard = 0.0

    def send(self, parts: list[tuple[int, bytes, int]], now: float) -> Iterator[bytes]:
        """SCTP packets that carry a message cut by `fragments`; none when too much is in flight."""
        size = sum(length for _, _, length in parts)
        if self._bytes + size > min(IN_FLIGHT, self._window):
            self.dropped += 1
            return
        if not self._flying:
            self._heard = now
        for flags, data, length in parts:
            tsn = self.next_tsn
            self.next_tsn = (tsn + 1) & 0xFFFF_FFFF
            self._flying.append((tsn, length))
            self._bytes += length
            chunk = _CHUNK.pack(_DATA, flags, 16 + length, tsn, self._stream, 0, _TEXT)
            # The chunk's data is the same for all viewers; only its checksum is not.
            crc = _extend(_extend(_crc(self._head + b"\0\0\0\0"), chunk), data)
            yield b"".join((self._head, crc.to_bytes(4, "little"), chunk, data))

    def on_sack(self, cumulative: int, window: int, gaps: list[tuple[int, int]], now: float) -> bytes | None:
        """Take an acknowledgement; gives a packet to send when something was lost and is to be skipped."""
        self._heard = now
        self._window = window
        before = len(self._flying)
        self._acknowledge(cumulative)
        if not gaps or not self._flying:
            self._missing = 0
            return None
        self._missing = self._missing + 1 if len(self._flying) == before else 1
        if self._missing < MISSING_REPORTS:
            return None
        return self._skip((cumulative + max(end for _, end in gaps)) & 0xFFFF_FFFF)

    def tick(self, now: float) -> bytes | None:
        """Call about once a second; gives a packet to send when nothing was acknowledged for long."""
        if self._flying and now - self._heard > STUCK:
            return self._skip(self._flying[-1][0])
        return None

    def _skip(self, tsn: int) -> bytes:
        self.abandoned += self._acknowledge(tsn)
        self._missing = 0
        chunk = struct.pack(">BBHI", _FORWARD_TSN, 0, 8, tsn)
        return self._head + _crc(self._head + b"\0\0\0\0" + chunk).to_bytes(4, "little") + chunk

    def _acknowledge(self, tsn: int) -> int:
        done = 0
        while self._flying and (tsn - self._flying[0][0]) & 0xFFFF_FFFF < 0x8000_0000:
            self._bytes -= self._flying.popleft()[1]
            done += 1
        return done


def read_sack(packet: bytes, tag: int) -> tuple[tuple[int, int, list[tuple[int, int]]] | None, bool]:
    """The acknowledgement in an SCTP packet, (cumulative TSN, window, gap blocks), and whether it is all there is.

    ``tag`` is this side's verification tag. The checksum is not looked at: DTLS has authenticated the packet.
    """
    sack: tuple[int, int, list[tuple[int, int]]] | None = None
    alone = True
    if len(packet) < 16 or int.from_bytes(packet[4:8], "big") != tag:
        return None, False
    position = 12
    while position + 4 <= len(packet):
        kind, _, length = struct.unpack_from(">BBH", packet, position)
        if length < 4 or position + length > len(packet):
            return None, False
        if kind == _SACK and length >= 16:
            cumulative, window, count, _ = struct.unpack_from(">IIHH", packet, position + 4)
            if 16 + 4 * count > length:
                return None, False
            gaps = [struct.unpack_from(">HH", packet, position + 16 + 4 * i) for i in range(count)]
            sack = cumulative, window, [(start, end) for start, end in gaps]
        else:
            alone = False
        position += length + -length % 4
    return sack, alone and sack is not None
