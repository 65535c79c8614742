"""RTP payloads → access units: H.264 (RFC 6184) and H.265 (RFC 7798). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.media.annexb import VideoCodec, is_picture, join_nals, nal_type

MAX_UNIT = 16 * 1024 * 1024
"""Bytes of one picture, beyond which a sender has lost its mind."""


@dataclass(frozen=True, slots=True)
class StampedUnit:
    """``data``: Annex B. ``timestamp``: RTP ticks, unwrapped to 64 bits."""

    data: bytes
    timestamp: int
    is_key: bool


class Depacketiser:
    """Fed RTP packets in order of arrival, over a transport that keeps their order.

    A picture ends with the marker. Senders that set it on each slice are found out by the second slice of
    a picture, and from then on a picture ends where the time stamp changes. A picture with a gap in its
    sequence numbers is dropped and counted in ``damaged``.
    """

    def __init__(self, codec: VideoCodec, payload_type: int) -> None:
        self.damaged = 0
        self._codec: VideoCodec = codec
        self._payload_type = payload_type
        self._nals: list[bytes] = []
        self._fragment: bytearray | None = None
        self._size = 0
        self._broken = False
        self._sequence: int | None = None
        self._timestamp: int | None = None
        self._given: int | None = None
        self._trusts_marker = True

    def push(self, packet: bytes) -> list[StampedUnit]:
        """The access units that ``packet`` (RTP, RFC 3550 5.1) completes, mostly none or one."""
        header = _header(packet)
        if header is None or header.payload_type != self._payload_type:
            return []
        done: list[StampedUnit] = []
        gap = self._sequence is not None and header.sequence != (self._sequence + 1) & 0xFFFF
        if gap:
            self._broken = True
            self._fragment = None
        self._sequence = header.sequence
        timestamp = self._unwrap(header.timestamp)
        if self._timestamp is not None and timestamp != self._timestamp:
            done += self._finish()
            # What is missing may be the end of that picture or the start of this one.
            self._broken = gap
        if timestamp == self._given:
            self._trusts_marker = False
        self._timestamp = timestamp
        self._take(header.payload)
        if self._size > MAX_UNIT:
            self._nals, self._fragment, self._size, self._broken = [], None, 0, True
        if header.marker and self._trusts_marker:
            done += self._finish()
        return done

    def _finish(self) -> list[StampedUnit]:
        nals, broken = self._nals, self._broken or self._fragment is not None
        self._nals, self._fragment, self._size, self._broken = [], None, 0, False
        kinds = [nal_type(self._codec, nal) for nal in nals]
        if not any(is_picture(self._codec, kind) for kind in kinds):
            # Parameter sets sent on their own belong to the next picture.
            self._nals = nals if not broken else []
            return []
        if broken or self._timestamp is None:
            self.damaged += 1
            return []
        self._given = self._timestamp
        is_key = any(_starts_decoding(self._codec, kind, nal) for kind, nal in zip(kinds, nals, strict=True))
        return [StampedUnit(join_nals(nals), self._timestamp, is_key)]

    def _unwrap(self, timestamp: int) -> int:
        if self._timestamp is None:
            return timestamp
        step = (timestamp - self._timestamp) & 0xFFFF_FFFF
        return self._timestamp + (step - (1 << 32) if step >= 1 << 31 else step)

    def _take(self, payload: bytes) -> None:
        if self._codec == "h264":
            self._take_h264(payload)
        else:
            self._take_hevc(payload)

    def _take_h264(self, payload: bytes) -> None:
        if not payload:
            return
        kind = payload[0] & 0x1F
        if 1 <= kind <= 23:
            self._add(payload)
        elif kind == 24:  # STAP-A
            self._add_many(payload, 1)
        elif kind == 28 and len(payload) > 2:  # FU-A
            head = bytes([payload[0] & 0xE0 | payload[1] & 0x1F])
            self._add_fragment(payload[1], head, payload[2:])

    def _take_hevc(self, payload: bytes) -> None:
        if len(payload) < 3:
            return
        kind = payload[0] >> 1 & 0x3F
        if kind < 48:
            self._add(payload)
        elif kind == 48:  # aggregation packet
            self._add_many(payload, 2)
        elif kind == 49:  # fragmentation unit
            head = bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]])
            self._add_fragment(payload[2], head, payload[3:])

    def _add(self, nal: bytes) -> None:
        self._nals.append(nal)
        self._size += len(nal)

    def _add_many(self, payload: bytes, at: int) -> None:
        while at + 2 < len(payload):
            length = int.from_bytes(payload[at : at + 2], "big")
            nal = payload[at + 2 : at + 2 + length]
            if len(nal) < length:
                self._broken = True
            elif nal:
                self._add(nal)
            at += 2 + length

    def _add_fragment(self, flags: int, head: bytes, rest: bytes) -> None:
        if flags & 0x80:
            self._fragment = bytearray(head)
        if self._fragment is None:
            self._broken = True
            return
        self._fragment += rest
        self._size += len(rest)
        if flags & 0x40:
            self._nals.append(bytes(self._fragment))
            self._fragment = None


def _starts_decoding(codec: VideoCodec, kind: int, nal: bytes) -> bool:
    """IDR pictures, and H.264's recovery points (a message of type 6, H.264 D.1), with which encoders that
    refresh by and by mark where to join."""
    if codec == "hevc":
        return 16 <= kind <= 21
    return kind == 5 or (kind == 6 and len(nal) > 1 and nal[1] == 6)


@dataclass(frozen=True, slots=True)
class _Header:
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes


def _header(packet: bytes) -> _Header | None:
    if len(packet) < 12 or packet[0] >> 6 != 2:
        return None
    start = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if len(packet) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    if end < start:
        return None
    return _Header(
        marker=packet[1] & 0x80 != 0,
        payload_type=packet[1] & 0x7F,
        sequence=int.from_bytes(packet[2:4], "big"),
        timestamp=int.from_bytes(packet[4:8], "big"),
        payload=packet[start:end],
    )
