"""H.264 access units → RTP packets (RFC 3550, RFC 6184). Pure: no socket, no clock, no randomness.

An access unit is packetised once per camera into a `Wire`: all its packets one after the other in one block of
bytes, each with room behind it for the SRTP tag. A viewer copies the block and fills in what is its own (sequence
number, time stamp, SSRC); nothing else is done per viewer. Packets of equal size lie together in a `Run`, so that
the kernel can cut one `sendmsg` into datagrams (UDP_SEGMENT).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from touchline.types.nal import split_nals

NAL_SPS = 7
NAL_AUD = 9
NAL_FILLER = 12
STAP_A = 24
FU_A = 28

DATAGRAM = 1200
"""Largest UDP payload in bytes: fits every path that carries IPv6's 1,280."""

HEADER = 12
PLAYOUT_DELAY_MS = 30
"""From arrival to showing, in steps of 10: as long as a picture's boxes need to be there, and no longer."""

PLAYOUT_DELAY_URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
_EXTENSION = 8
_MAX_TAG = 16
_LIMIT = DATAGRAM - HEADER - _EXTENSION - _MAX_TAG

_RUN_PACKETS = 50  # the kernel cuts at most 64 segments and 65,507 bytes

_VARYING = struct.Struct(">HII")


def profile_level_id(annex_b: bytes) -> str | None:
    """Profile, constraints and level of the first SPS as RFC 6184 writes them (``64001f``), or None."""
    for nal in split_nals(annex_b):
        if nal[0] & 0x1F == NAL_SPS and len(nal) >= 4:
            return nal[1:4].hex()
    return None


def payloads(nals: Iterable[bytes], limit: int = _LIMIT) -> list[bytes]:
    """RTP payloads of at most ``limit`` bytes: small NAL units together (STAP-A), large ones in parts (FU-A).

    Access unit delimiters and filler data are left out: RTP's marker bit and SRTP's tag do their work.
    """
    out: list[bytes] = []
    small: list[bytes] = []
    size = 1

    def flush() -> None:
        nonlocal size
        if len(small) == 1:
            out.append(small[0])
        elif small:
            # F bit: set when any is; NRI: the highest (RFC 6184, 5.7).
            head = max(n[0] & 0x60 for n in small) | max(n[0] & 0x80 for n in small) | STAP_A
            out.append(bytes([head]) + b"".join(len(n).to_bytes(2, "big") + n for n in small))
        small.clear()
        size = 1

    for nal in nals:
        if nal[0] & 0x1F in (NAL_AUD, NAL_FILLER):
            continue
        if len(nal) > limit:
            flush()
            out.extend(_fragments(nal, limit))
            continue
        if size + 2 + len(nal) > limit:
            flush()
        small.append(nal)
        size += 2 + len(nal)
    flush()
    return out


def _fragments(nal: bytes, limit: int) -> list[bytes]:
    indicator = nal[0] & 0xE0 | FU_A
    kind = nal[0] & 0x1F
    step = limit - 2
    parts: list[bytes] = []
    for start in range(1, len(nal), step):
        flags = (0x80 if start == 1 else 0) | (0x40 if start + step >= len(nal) else 0)
        parts.append(bytes([indicator, flags | kind]) + nal[start : start + step])
    return parts


class Shape(NamedTuple):
    """What of a packet depends on the viewer's negotiation, and is shared by nearly all viewers.

    ``payload_type``: 0–127. ``tag``: bytes SRTP adds to a packet. ``playout_delay``: the negotiated id (1–14) of
    the playout delay extension, or 0 for none.
    """

    payload_type: int
    tag: int
    playout_delay: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Packets of one size that follow each other in a wire; the last may be shorter.

    ``start``, ``end``: bytes in the protected wire. ``segment``: protected bytes of each but the last. ``count``:
    packets.
    """

    start: int
    end: int
    segment: int
    count: int


@dataclass(frozen=True, slots=True)
class Wire:
    """One access unit's packets, ready but for sequence number, time stamp, SSRC and SRTP.

    ``block``: every packet followed by ``tag`` bytes of room. ``packets``: (offset, bytes without tag) of each.
    ``octets``: payload bytes, as sender reports count them.
    """

    block: bytes
    packets: tuple[tuple[int, int], ...]
    runs: tuple[Run, ...]
    octets: int


def wire(parts: list[bytes], shape: Shape, *, hurry: bool) -> Wire:
    """Lay out the payloads of one access unit.

    ``hurry`` puts the playout delay extension (`PLAYOUT_DELAY_MS`, no less and no more) on the first packet; a
    receiver keeps to it until told otherwise, so key pictures are enough.
    """
    block = bytearray()
    packets: list[tuple[int, int]] = []
    runs: list[Run] = []
    room = bytes(shape.tag)
    last = len(parts) - 1
    run_start = segment = count = 0
    open_run = False
    for index, part in enumerate(parts):
        extended = bool(hurry and index == 0 and shape.playout_delay)
        first, second = 0x90 if extended else 0x80, shape.payload_type | (0x80 if index == last else 0)
        head = bytes([first, second]) + bytes(10)
        if extended:
            # One-byte header (RFC 8285), min and max delay of 12 bits each.
            delay = PLAYOUT_DELAY_MS // 10
            limits = (delay << 12 | delay).to_bytes(3, "big")
            head += b"\xbe\xde\x00\x01" + bytes([shape.playout_delay << 4 | 2]) + limits
        offset = len(block)
        packets.append((offset, len(head) + len(part)))
        block += head + part + room
        size = len(block) - offset
        if open_run and (size > segment or count == _RUN_PACKETS):
            runs.append(Run(run_start, offset, segment, count))
            open_run = False
        if not open_run:
            run_start, segment, count, open_run = offset, size, 0, True
        count += 1
        if size < segment:
            runs.append(Run(run_start, len(block), segment, count))
            open_run = False
    if open_run:
        runs.append(Run(run_start, len(block), segment, count))
    return Wire(bytes(block), tuple(packets), tuple(runs), sum(map(len, parts)))


stamp = _VARYING.pack_into
"""``stamp(buffer, packet offset + 2, sequence, time stamp, ssrc)`` writes what is a viewer's own (16, 32, 32
bits)."""


@dataclass(slots=True)
class AccessUnit:
    """One picture on its way to viewers: packetised at first need, once for all viewers of one shape."""

    data: bytes
    pts: int
    is_key: bool
    _parts: list[bytes] | None = field(default=None, repr=False)
    _wires: dict[Shape, Wire] = field(default_factory=dict[Shape, Wire], repr=False)

    def wire(self, shape: Shape) -> Wire:
        """This picture's packets for viewers of ``shape``."""
        found = self._wires.get(shape)
        if found is None:
            if self._parts is None:
                self._parts = payloads(split_nals(self.data))
            found = self._wires[shape] = wire(self._parts, shape, hurry=self.is_key)
        return found
