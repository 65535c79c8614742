"""The little RTCP a sender of video needs (RFC 3550, RFC 4585, RFC 5104). Pure: time is passed in."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_SR, _RR, _SDES, _BYE, _RTPFB, _PSFB = 200, 201, 202, 203, 205, 206
_NACK, _PLI, _FIR = 1, 1, 4

NTP_EPOCH = 2_208_988_800
"""Seconds from NTP's epoch (1900) to Unix's (1970)."""


def sender_report(ssrc: int, unix: float, timestamp: int, packets: int, octets: int, cname: bytes) -> bytes:
    """A compound of SR and SDES: RTP ``timestamp`` was at ``unix`` s; ``packets`` and payload ``octets`` so
    far."""
    ntp = int((unix + NTP_EPOCH) * 2**32)
    report = struct.pack(
        ">BBHIQIII",
        0x80,
        _SR,
        6,
        ssrc,
        ntp & 0xFFFF_FFFF_FFFF_FFFF,
        timestamp & 0xFFFF_FFFF,
        packets & 0xFFFF_FFFF,
        octets & 0xFFFF_FFFF,
    )
    chunk = struct.pack(">IBB", ssrc, 1, len(cname)) + cname
    chunk += bytes(4 - len(chunk) % 4)
    return report + struct.pack(">BBH", 0x81, _SDES, len(chunk) // 4) + chunk


def bye(ssrc: int) -> bytes:
    """An empty receiver report (a compound starts with a report) and a BYE."""
    return struct.pack(">BBHI", 0x80, _RR, 1, ssrc) + struct.pack(">BBHI", 0x81, _BYE, 1, ssrc)


@dataclass(slots=True)
class Feedback:
    """What a compound packet asks of the sender with one SSRC.

    ``lost``: sequence numbers to send again. ``wants_key``: a picture cannot be decoded. ``fraction_lost``: 0–1 of
    the packets since the receiver's last report, or None without a report. ``last_report`` and ``delay``: the
    middle 32 bits of the NTP time of the sender report last received and 1/65,536 s since then.
    """

    lost: list[int]
    wants_key: bool = False
    fraction_lost: float | None = None
    last_report: int = 0
    delay: int = 0


def parse(data: bytes, ssrc: int) -> Feedback:
    """Feedback for ``ssrc``. Stops at the first malformed part; what came before it counts."""
    feedback = Feedback([])
    position = 0
    while position + 8 <= len(data):
        first, kind, words = struct.unpack_from(">BBH", data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            break
        count = first & 0x1F
        if kind in (_SR, _RR):
            _reports(data, position + (28 if kind == _SR else 8), end, count, ssrc, feedback)
        elif kind in (_RTPFB, _PSFB) and end >= position + 12:
            (media,) = struct.unpack_from(">I", data, position + 8)
            if kind == _RTPFB and count == _NACK and media == ssrc:
                for offset in range(position + 12, end - 3, 4):
                    base, mask = struct.unpack_from(">HH", data, offset)
                    feedback.lost.append(base)
                    feedback.lost += [(base + i + 1) & 0xFFFF for i in range(16) if mask >> i & 1]
            elif kind == _PSFB and count == _PLI and media == ssrc:
                feedback.wants_key = True
            elif kind == _PSFB and count == _FIR:
                # FIR names its targets in entries of eight bytes; the header's media SSRC is 0.
                targets = [struct.unpack_from(">I", data, o)[0] for o in range(position + 12, end - 7, 8)]
                feedback.wants_key |= ssrc in targets
        position = end
    return feedback


def _reports(data: bytes, start: int, end: int, count: int, ssrc: int, feedback: Feedback) -> None:
    for offset in range(start, min(start + 24 * count, end - 23), 24):
        source, fraction = struct.unpack_from(">IB", data, offset)
        if source == ssrc:
            feedback.fraction_lost = fraction / 256
            feedback.last_report, feedback.delay = struct.unpack_from(">II", data, offset + 16)
