"""Our RTCP against aiortc's."""

from __future__ import annotations

from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
)
from hypothesis import given
from hypothesis import strategies as st

from touchline.deliver import rtcp

WORDS = st.integers(0, 2**32 - 1)


@given(WORDS, st.floats(0, 2e9), WORDS, st.integers(0, 2**40), st.integers(0, 2**40), st.binary(max_size=40))
def test_a_sender_report_says_what_was_put_in(
    ssrc: int, unix: float, timestamp: int, packets: int, octets: int, cname: bytes
) -> None:
    report, description = RtcpPacket.parse(rtcp.sender_report(ssrc, unix, timestamp, packets, octets, cname))
    assert isinstance(report, RtcpSrPacket)
    assert isinstance(description, RtcpSdesPacket)
    info = report.sender_info
    assert (report.ssrc, info.rtp_timestamp) == (ssrc, timestamp)
    assert (info.packet_count, info.octet_count) == (packets % 2**32, octets % 2**32)
    assert abs(info.ntp_timestamp / 2**32 - rtcp.NTP_EPOCH - unix) % 2**32 < 1e-3
    assert description.chunks[0].items == [(1, cname)]


def test_a_goodbye_names_the_source() -> None:
    _, bye = RtcpPacket.parse(rtcp.bye(77))
    assert isinstance(bye, RtcpByePacket)
    assert bye.sources == [77]


@given(st.lists(st.integers(0, 2**16 - 1), unique=True, max_size=60).map(sorted))
def test_every_lost_packet_is_heard_of(lost: list[int]) -> None:
    data = bytes(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=42, lost=lost))
    assert sorted(rtcp.parse(data, 42).lost) == lost
    assert rtcp.parse(data, 43).lost == []


def test_both_ways_to_ask_for_a_key_picture() -> None:
    report = bytes(RtcpRrPacket(1, [RtcpReceiverInfo(42, 64, 9, 1000, 5, 0xAABB, 655)]))
    pli = bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=42))
    fir = bytes(RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=(42).to_bytes(4, "big") + bytes(4)))
    feedback = rtcp.parse(report + pli, 42)
    assert feedback.wants_key
    assert (feedback.fraction_lost, feedback.last_report, feedback.delay) == (0.25, 0xAABB, 655)
    assert rtcp.parse(fir, 42).wants_key
    assert not rtcp.parse(report + pli + fir, 41).wants_key


@given(st.binary(max_size=300), st.integers(0, 3))
def test_garbage_is_no_trouble(data: bytes, ssrc: int) -> None:
    head = bytes([0x81, 205 + ssrc % 2, 0, len(data) // 4])
    rtcp.parse(data, ssrc)
    rtcp.parse(head + data, ssrc)
