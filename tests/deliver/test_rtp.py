"""The packetiser against aiortc's own depacketiser, which shares no code with it."""

from __future__ import annotations

from aiortc.codecs.h264 import H264PayloadDescriptor
from aiortc.rtp import HeaderExtensionsMap, RtpPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.deliver.rtp import (
    DATAGRAM,
    FU_A,
    HEADER,
    NAL_AUD,
    NAL_FILLER,
    AccessUnit,
    Shape,
    payloads,
    profile_level_id,
    stamp,
    wire,
)
from touchline.types.nal import split_nals

START = b"\x00\x00\x00\x01"


def nal(kind: int, importance: int, body: bytes) -> bytes:
    """A NAL unit that holds no start code and ends as one does: with a stop bit."""
    while b"\x00\x00" in body:
        body = body.replace(b"\x00\x00", b"\x00\x03")
    return bytes([importance << 5 | kind]) + body + b"\x80"


KINDS = st.sampled_from([1, 2, 5, 6, 7, 8, NAL_AUD, NAL_FILLER, 19])
SIZES = st.one_of(st.integers(0, 8), st.integers(1100, 1300), st.integers(0, 60_000))
NALS = st.lists(
    st.builds(
        lambda kind, importance, size, seed: nal(
            kind, importance, bytes((seed + i * 7) & 0xFF for i in range(size))
        ),
        KINDS,
        st.integers(0, 3),
        SIZES,
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=12,
)


def kept(nals: list[bytes]) -> list[bytes]:
    return [n for n in nals if n[0] & 0x1F not in (NAL_AUD, NAL_FILLER)]


@settings(max_examples=60, deadline=None)
@given(NALS, st.integers(20, 1300))
def test_a_depacketiser_gives_back_the_nal_units(nals: list[bytes], limit: int) -> None:
    parts = payloads(nals, limit)
    assert all(2 <= len(p) <= limit for p in parts)
    stream = b"".join(H264PayloadDescriptor.parse(p)[1] for p in parts)
    assert list(split_nals(stream)) == kept(nals)


@settings(max_examples=60, deadline=None)
@given(NALS)
def test_fragments_have_one_start_and_one_end(nals: list[bytes]) -> None:
    starts = ends = 0
    for part in payloads(nals):
        if part[0] & 0x1F == FU_A:
            first, last = bool(part[1] & 0x80), bool(part[1] & 0x40)
            assert not (first and last)
            starts, ends = starts + first, ends + last
            assert 0 <= starts - ends <= 1
    assert starts == ends


@settings(max_examples=60, deadline=None)
@given(NALS, st.integers(0, 127), st.sampled_from([10, 16]), st.integers(0, 14), st.booleans(), st.data())
def test_a_wire_is_parsed_as_the_packets_it_holds(
    nals: list[bytes], payload_type: int, tag: int, extension: int, hurry: bool, data: st.DataObject
) -> None:
    parts = payloads(nals)
    made = wire(parts, Shape(payload_type, tag, extension), hurry=hurry)
    buffer = bytearray(made.block)
    ssrc, timestamp = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.integers(0, 2**32 - 1))
    assert made.octets == sum(map(len, parts))
    assert len(made.packets) == len(parts)
    for index, ((offset, size), part) in enumerate(zip(made.packets, parts, strict=True)):
        stamp(buffer, offset + 2, 65_500 + index & 0xFFFF, timestamp, ssrc)
        assert size + tag <= DATAGRAM
        packet = RtpPacket.parse(bytes(buffer[offset : offset + size]), HeaderExtensionsMap())
        assert packet.payload == part
        assert (packet.payload_type, packet.ssrc, packet.timestamp) == (payload_type, ssrc, timestamp)
        assert packet.sequence_number == 65_500 + index & 0xFFFF
        assert packet.marker == (index == len(parts) - 1)
        assert size - HEADER - len(part) == (8 if hurry and extension and index == 0 else 0)


@settings(max_examples=60, deadline=None)
@given(NALS, st.sampled_from([10, 16]))
def test_the_kernel_cuts_runs_into_exactly_the_packets(nals: list[bytes], tag: int) -> None:
    made = wire(payloads(nals), Shape(96, tag, 3), hurry=True)
    cuts = []
    for run in made.runs:
        assert run.count <= 64
        assert run.end - run.start <= 65_507
        found = [(at, min(at + run.segment, run.end)) for at in range(run.start, run.end, run.segment)]
        assert len(found) == run.count
        cuts += found
    assert cuts == [(offset, offset + size + tag) for offset, size in made.packets]


def test_fragments_that_come_out_even_are_no_different() -> None:
    for length in range(40, 300):
        unit = bytes([0x65]) + bytes(i % 250 + 1 for i in range(length - 1))
        parts = payloads([unit], 52)
        assert [bool(p[1] & 0x40) for p in parts if p[0] & 0x1F == FU_A][-1:] in ([], [True])
        assert list(split_nals(b"".join(H264PayloadDescriptor.parse(p)[1] for p in parts))) == [unit]


def test_an_aggregate_is_as_important_as_its_most_important_part() -> None:
    (part,) = payloads([nal(7, 1, b"a"), nal(8, 3, b"b"), nal(6, 0, b"c")])
    assert part[0] == 3 << 5 | 24


def test_a_huge_picture_goes_in_runs_the_kernel_takes() -> None:
    made = wire(payloads([nal(5, 3, bytes(range(1, 251)) * 1200)]), Shape(96, 16), hurry=True)
    assert len(made.runs) > 4
    assert all(run.count <= 64 and run.end - run.start <= 65_507 for run in made.runs)
    assert sum(run.count for run in made.runs) == len(made.packets)


def test_an_access_unit_is_packetised_once_per_shape() -> None:
    unit = AccessUnit(START + nal(5, 3, bytes(range(1, 200))), 0, True)
    assert unit.wire(Shape(96, 16)) is unit.wire(Shape(96, 16))
    assert unit.wire(Shape(97, 16)) is not unit.wire(Shape(96, 16))


SPS, PPS, IDR = nal(7, 3, b"\x64\x00\x1f\xac"), nal(8, 3, b"\xee"), nal(5, 3, b"picture")


def test_the_profile_is_read_from_the_sps() -> None:
    assert profile_level_id(START + PPS + START + SPS) == "64001f"
    assert profile_level_id(START + IDR) is None


def test_a_key_picture_is_to_be_held_thirty_milliseconds() -> None:
    made = wire(payloads([nal(5, 3, b"picture")]), Shape(96, 16, 3), hurry=True)
    offset, size = made.packets[0]
    first = RtpPacket.parse(made.block[offset : offset + size])
    assert first.extensions is not None
    header = made.block[offset + HEADER : offset + HEADER + 8]
    assert header[:5] == b"\xbe\xde\x00\x01\x32", "one extension, id 3, of three bytes"
    least, most = (int.from_bytes(header[5:], "big") >> shift & 0xFFF for shift in (12, 0))
    assert (least, most) == (3, 3), "in steps of 10 ms"
