"""H.264 and H.265 in Annex B form: start codes instead of lengths, parameter sets in every key packet.

Containers store the two codecs in either of two forms (ISO/IEC 14496-15 lengths with an avcC or hvcC
record, or ITU-T H.264/H.265 Annex B). Everything behind capture sees the second alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from touchline.types import split_nals

VideoCodec = Literal["h264", "hevc"]

START = b"\x00\x00\x00\x01"

# In the order in which each leans on those before it; SPS; delimiter.
_H264_SETS, _H264_SPS, _H264_AUD = (7, 8), 7, 9
_HEVC_SETS, _HEVC_SPS, _HEVC_AUD = (32, 33, 34), 33, 35

# Whole delimiters, up to the next unit's start code (H.264 7.3.2.4, H.265 7.3.2.5).
_H264_DELIMITER = re.compile(rb"\x09[\x10\x30\x50\x70\x90\xb0\xd0\xf0]\x00\x00\x00?\x01")
_H265_DELIMITER = re.compile(rb"\x46\x01[\x10\x30\x50]\x00\x00\x00?\x01")


def nal_type(codec: VideoCodec, nal: bytes) -> int:
    """The type field of a unit without its start code (H.264 7.3.1, H.265 7.3.1.2); -1 if it is empty."""
    if not nal:
        return -1
    return nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F


def is_picture(codec: VideoCodec, kind: int) -> bool:
    """Whether units of type ``kind`` hold part of a picture."""
    return 1 <= kind <= 5 if codec == "h264" else 0 <= kind <= 31


def join_nals(nals: list[bytes]) -> bytes:
    """An Annex B byte string of ``nals``."""
    return b"".join(START + nal for nal in nals)


class AnnexB:
    """Rewrites one stream's packets; fed in order.

    Of each kind of parameter set (H.265: VPS; SPS, PPS) the newest are kept: those of the last container's record
    or key packet that held any of that kind.
    """

    def __init__(self, codec: VideoCodec, extradata: bytes) -> None:
        self._codec: VideoCodec = codec
        if codec == "h264":
            self._kinds, self._sps, self._aud = _H264_SETS, _H264_SPS, _H264_AUD
        else:
            self._kinds, self._sps, self._aud = _HEVC_SETS, _HEVC_SPS, _HEVC_AUD
        self._sets: dict[int, list[bytes]] = {}
        self._length_size = 0
        self.update_extradata(extradata)

    @property
    def parameter_sets(self) -> bytes:
        """The newest of each kind in Annex B form; empty until known."""
        return join_nals([nal for kind in self._kinds for nal in self._sets.get(kind, [])])

    @property
    def sps(self) -> bytes:
        """The first of the newest SPS, without a start code; empty until known."""
        return self._sets.get(self._sps, [b""])[0]

    def update_extradata(self, extradata: bytes) -> None:
        """Take a container's new parameter sets, in either form."""
        if extradata[:3] == b"\x00\x00\x01" or extradata[:4] == START:
            self._length_size = 0
            self._remember(split_nals(extradata))
        elif self._codec == "h264" and len(extradata) > 6:
            self._length_size = (extradata[4] & 3) + 1
            self._remember(_avcc_sets(extradata))
        elif self._codec == "hevc" and len(extradata) > 22:
            self._length_size = (extradata[21] & 3) + 1
            self._remember(_hvcc_sets(extradata))

    def packet(self, data: bytes, *, is_key: bool) -> bytes:
        """``data`` in Annex B form; a key packet that lacks a kind of parameter set is given the newest of it."""
        if self._length_size:
            nals = self._by_length(data)
            if not is_key:
                return join_nals(nals)
        elif is_key:
            nals = list(split_nals(data))
        else:
            return data
        its_kinds = self._remember(nals)
        if self._sets.keys() <= its_kinds:
            return join_nals(nals) if self._length_size else data
        # The access unit delimiter stays first (H.264 7.4.1.2.3, H.265 7.4.2.4.4), and all sets are put in order,
        # for decoders read one by those that it leans on.
        head = 1 if nals and nal_type(self._codec, nals[0]) == self._aud else 0
        rest = [nal for nal in nals[head:] if nal_type(self._codec, nal) not in self._kinds]
        return join_nals(nals[:head]) + self.parameter_sets + join_nals(rest)

    def _by_length(self, data: bytes) -> list[bytes]:
        nals: list[bytes] = []
        at, size = 0, self._length_size
        while at + size < len(data):
            length = int.from_bytes(data[at : at + size], "big")
            at += size
            if length:
                nals.append(data[at : at + length])
            at += length
        return nals

    def _remember(self, nals: Iterable[bytes]) -> set[int]:
        """Keep the parameter sets among ``nals``; their kinds."""
        found: dict[int, list[bytes]] = {}
        for nal in nals:
            kind = nal_type(self._codec, nal)
            if kind in self._kinds:
                found.setdefault(kind, []).append(nal)
        self._sets |= found
        return set(found)


def _avcc_sets(record: bytes) -> list[bytes]:
    """The parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    sets: list[bytes] = []
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(record):
            break
        count = record[at] & mask
        at += 1
        for _ in range(count):
            length = int.from_bytes(record[at : at + 2], "big")
            sets.append(record[at + 2 : at + 2 + length])
            at += 2 + length
    return sets


def _hvcc_sets(record: bytes) -> list[bytes]:
    """The parameter sets of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1)."""
    sets: list[bytes] = []
    at = 23
    for _ in range(record[22]):
        count = int.from_bytes(record[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            length = int.from_bytes(record[at : at + 2], "big")
            sets.append(record[at + 2 : at + 2 + length])
            at += 2 + length
    return sets


def is_foreign(codec: VideoCodec, unit: bytes, *, is_key: bool) -> bool:
    """Whether an Annex B access unit of an MPEG transport stream cannot be ``codec``'s.

    By its delimiter, with which it begins there (H.222.0, 2.14 and 2.17); a key one also by the header of its
    first unit (H.264 and H.265, 7.3.1). Of others no more is asked, for one damaged bit is no other codec.
    """
    at = unit.find(b"\0\0\1") + 3
    if not 3 <= at <= 4 or len(unit) < at + 2:
        return False
    if not is_key:
        return (_H265_DELIMITER if codec == "h264" else _H264_DELIMITER).match(unit, at) is not None
    first, second = unit[at], unit[at + 1]
    if codec == "h264":
        return first > 0x7F or (first in (0x40, 0x46) and second == 1)  # H.265's VPS and delimiter
    return first > 0x7F or bool(first & 1) or second > 7 or second == 0  # no layer but the first is ever sent
