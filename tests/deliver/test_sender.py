"""The sender on its own: what it does when the network will not take more, and what it owes to RTCP."""

from __future__ import annotations

import asyncio

from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpRtpfbPacket, RtcpSrPacket

from tests.deliver.peers import until
from touchline.deliver.fanout import CameraStream
from touchline.deliver.rtp import Shape, Wire
from touchline.deliver.sender import BURST_BYTES, HISTORY_PACKETS, RESEND_PACKETS, ViewerSender
from touchline.types.fact import Fact
from touchline.types.factjson import FactJson
from touchline.types.packet import Packet

START = b"\x00\x00\x00\x01"


def picture(pts: int, key: bool = False, size: int = 3000) -> Packet:
    return Packet(START + bytes([0x65 if key else 0x41]) + b"\x01" * size, pts, key)


class Wires:
    """A network that writes down what it is given, and can be full."""

    def __init__(self) -> None:
        self.full = False
        self.order: list[str] = []
        self.pictures: list[tuple[int, int, int]] = []
        self.again: list[int] = []
        self.rtcp: list[bytes] = []

    def send(self, wire: Wire, sequence: int, timestamp: int, ssrc: int) -> bool:
        self.order.append("picture")
        self.pictures.append((sequence, len(wire.packets), timestamp))
        return not self.full

    def send_again(self, wire: Wire, index: int, sequence: int, timestamp: int, ssrc: int) -> bool:
        self.again.append(sequence)
        return True

    def send_rtcp(self, data: bytes) -> bool:
        self.rtcp.append(data)
        return True

    def send_message(self, parts: list[tuple[int, bytes, int]]) -> bool:
        self.order.append("fact")
        return not self.full


def viewer(stream: CameraStream) -> tuple[ViewerSender, Wires]:
    wires = Wires()
    return ViewerSender(wires, stream, Shape(96, 16), "me"), wires


def test_facts_go_before_their_pictures_and_wait_for_their_channel() -> None:
    async def run() -> None:
        stream = CameraStream("cam")
        sender, wires = viewer(stream)
        sender.start()
        stream.publish_fact(FactJson.of(Fact("a", "cam", "tracks", 0, {})))
        stream.publish(picture(0, key=True))
        assert wires.order == ["picture"]
        sender.facts_open = True
        sender.flush()
        stream.publish_fact(FactJson.of(Fact("b", "cam", "tracks", 3000, {})))
        stream.publish(picture(3000))
        assert wires.order == ["picture", "fact", "fact", "picture"]

    asyncio.run(run())


def test_numbers_run_on_and_time_stamps_are_shifted() -> None:
    async def run() -> None:
        stream = CameraStream("cam")
        sender, wires = viewer(stream)
        sender.start()
        for i in range(40):
            stream.publish(picture(2**32 - 30_000 + i * 3000, key=i == 0))
        expected = wires.pictures[0][0]
        for i, (sequence, count, timestamp) in enumerate(wires.pictures):
            assert sequence == expected
            assert timestamp == (2**32 - 30_000 + i * 3000 + sender.rtp_offset) % 2**32
            expected = (expected + count) % 2**16

    asyncio.run(run())


def test_a_full_network_delays_and_never_piles_up() -> None:
    async def run() -> None:
        stream = CameraStream("cam", gop_units=20)
        sender, wires = viewer(stream)
        sender.start()
        wires.full = True
        for i in range(300):
            stream.publish(picture(i, key=i % 50 == 0))
        assert len(wires.pictures) < 5
        assert sender.dropped > 200
        wires.full = False
        await until(lambda: sender.backlog == 0)
        before = len(wires.pictures)
        stream.publish(picture(300, key=True))
        await until(lambda: len(wires.pictures) == before + 1)
        sender.stop()

    asyncio.run(run())


def test_a_backlog_is_sent_in_portions() -> None:
    async def run() -> None:
        stream = CameraStream("cam")
        for i in range(100):
            stream.publish(picture(i, key=i == 0))
        sender, wires = viewer(stream)
        sender.start()
        assert 1 < len(wires.pictures) <= BURST_BYTES // 3000 + 1
        await until(lambda: len(wires.pictures) == 100)
        sender.stop()
        sender.stop()
        assert [type(p) for p in RtcpPacket.parse(wires.rtcp[-1])][-1] is RtcpByePacket
        assert len(wires.rtcp) == 1
        stream.publish(picture(100))
        assert len(wires.pictures) == 100

    asyncio.run(run())


def test_what_is_asked_for_again_is_bounded_in_age_and_number() -> None:
    async def run() -> None:
        stream = CameraStream("cam")
        sender, wires = viewer(stream)
        sender.start()
        for i in range(1000):
            stream.publish(picture(i, key=i == 0))
        last = wires.pictures[-1][0]
        nack = bytes(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=sender.ssrc, lost=[last - 1, last]))
        sender.on_rtcp(nack)
        assert wires.again == [last - 1, last]
        old = (last - HISTORY_PACKETS - 10) & 0xFFFF
        sender.on_rtcp(bytes(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=sender.ssrc, lost=[old])))
        assert len(wires.again) == 2
        for _ in range(300):
            sender.on_rtcp(nack)
        assert len(wires.again) < 3 * RESEND_PACKETS

    asyncio.run(run())


def test_reports_map_media_time_to_wall_time() -> None:
    async def run() -> None:
        stream = CameraStream("cam")
        sender, wires = viewer(stream)
        sender.start()
        sender.report()
        assert wires.rtcp == []
        stream.publish(picture(9000, key=True))
        sender.report()
        report = RtcpPacket.parse(wires.rtcp[0])[0]
        assert isinstance(report, RtcpSrPacket)
        assert report.ssrc == sender.ssrc
        assert report.sender_info.rtp_timestamp == (9000 + sender.rtp_offset) % 2**32
        assert report.sender_info.packet_count == wires.pictures[0][1]
        assert 3000 < report.sender_info.octet_count < 3100

    asyncio.run(run())
