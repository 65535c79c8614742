"""What viewers cost: server CPU for 1 and for many WHEP viewers of one 720p30 camera, beside aiortc's own sender.

    .venv/bin/python -m bench.fanout [--viewers 50] [--rounds 3] [--seconds 6]

The server is a process of its own; the viewers live in another, do ICE, DTLS and SCTP in earnest and then only
count what arrives. Every round runs every arm once, so that a drift of the machine meets all of them. Both senders
pass the same H.264 packets through, nothing is encoded while measuring. With facts: 30 messages a second of about
900 bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtcconfiguration import RTCBundlePolicy

from tests.deliver.clips import encode, endless
from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.webrtc import WhepSessions
from touchline.types import MEDIA_CLOCK
from touchline.types.fact import Fact, JsonValue, fact_id
from touchline.types.factjson import FactJson
from touchline.types.packet import Packet

FPS = 30
TRACKS: list[JsonValue] = [
    {"id": i, "box": [100.5 + i, 200.25, 140.5 + i, 320.75], "score": 0.91, "label": "player", "detected": True}
    for i in range(9)
]


class Passthrough(MediaStreamTrack):
    """aiortc's way to send packets that are encoded already."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[av.Packet] = asyncio.Queue(30)

    async def recv(self) -> av.Packet:
        return await self.queue.get()


class AiortcServer:
    """Viewers served by aiortc alone."""

    def __init__(self) -> None:
        self.viewers: list[tuple[RTCPeerConnection, Passthrough, list[Any]]] = []

    async def open(self, offer: str) -> str:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        track = Passthrough()
        channels: list[Any] = []
        pc.on("datachannel", channels.append)
        pc.addTrack(track)
        codecs = [c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType == "video/H264"]
        pc.getTransceivers()[0].setCodecPreferences(codecs)
        await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        self.viewers.append((pc, track, channels))
        return pc.localDescription.sdp

    def publish(self, packet: Packet) -> None:
        shared = av.Packet(packet.data)
        shared.pts, shared.time_base = packet.pts, Fraction(1, MEDIA_CLOCK)
        for _, track, _ in self.viewers:
            if not track.queue.full():
                track.queue.put_nowait(shared)

    def publish_fact(self, text: str) -> None:
        for _, _, channels in self.viewers:
            if channels and channels[0].readyState == "open" and channels[0].bufferedAmount < 65536:
                channels[0].send(text)

    async def close(self) -> None:
        viewers, self.viewers = self.viewers, []
        await asyncio.gather(*(pc.close() for pc, _, _ in viewers))


async def lines() -> AsyncIterator[dict[str, Any]]:
    """Commands, one JSON object a line."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def say(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


async def server() -> None:
    """The process whose CPU time is measured."""
    info, packets = encode(1280, 720, 120, FPS, gop=60, bit_rate=2_600_000)
    stream = CameraStream("bench")
    stream.publish_info(info)
    ours = WhepSessions({"bench": stream}, IceSettings())
    theirs = AiortcServer()
    state = {"arm": "", "facts": False}

    async def publish() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for packet in endless(packets, FPS):
            fact = Fact(fact_id(0), "bench", "tracks", packet.pts, {"tracks": TRACKS})
            if state["arm"] == "touchline":
                if state["facts"]:
                    stream.publish_fact(FactJson.of(fact))
                stream.publish(packet)
            else:
                if state["facts"]:
                    body = {**fact.to_json(), "type": "fact", "pts": fact.pts}
                    theirs.publish_fact(json.dumps(body, separators=(",", ":")))
                theirs.publish(packet)
            due += 1 / FPS
            await asyncio.sleep(max(0.0, due - loop.time()))

    task = asyncio.create_task(publish())
    say(bit_rate=sum(len(p.data) for p in packets) * 8 * FPS / len(packets))
    async for command in lines():
        if "arm" in command:
            state.update(command)
            say(ok=True)
        elif "offer" in command:
            if state["arm"] == "touchline":
                say(answer=(await ours.open("bench", command["offer"]))[1])
            else:
                say(answer=await theirs.open(command["offer"]))
        elif "cpu" in command:
            say(cpu=time.process_time(), wall=time.monotonic())
        elif "close" in command:
            await ours.close_all()
            await theirs.close()
            say(ok=True)
    task.cancel()


class Viewer:
    """A real peer up to the point where media arrives; then a counter."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTransceiver("video", direction="recvonly")
        self.channel = self.pc.createDataChannel("facts", ordered=False, maxRetransmits=0)
        self.channel.on("message", self._message)
        self.packets = self.lost = self.facts = 0
        self._next: int | None = None
        connection = self.pc.getTransceivers()[0].receiver.transport.transport._connection
        self._queue = connection.data_received
        connection.data_received = self._received

    def _message(self, _: object) -> None:
        self.facts += 1

    def _received(self, data: bytes, component: int) -> None:
        if data[0] < 128 or 64 <= data[1] & 0x7F < 96:
            self._queue(data, component)
            return
        sequence = data[2] << 8 | data[3]
        if self._next is not None:
            self.lost += (sequence - self._next) & 0xFFFF if sequence != self._next else 0
        self._next = (sequence + 1) & 0xFFFF
        self.packets += 1

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp


async def clients() -> None:
    """The viewers' process."""
    viewers: list[Viewer] = []
    async for command in lines():
        if "offer" in command:
            viewers.append(Viewer())
            say(offer=await viewers[-1].offer())
        elif "answer" in command:
            await viewers[-1].pc.setRemoteDescription(RTCSessionDescription(command["answer"], "answer"))
            say(ok=True)
        elif "count" in command:
            say(
                packets=[v.packets for v in viewers],
                lost=sum(v.lost for v in viewers),
                facts=sum(v.facts for v in viewers),
                open=sum(v.channel.readyState == "open" for v in viewers),
            )
        elif "close" in command:
            await asyncio.gather(*(v.pc.close() for v in viewers))
            viewers.clear()
            say(ok=True)


class Role:
    """One of the two processes, spoken to in turn."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, name: str) -> Role:
        pipe = asyncio.subprocess.PIPE
        arguments = (sys.executable, "-m", "bench.fanout", "--role", name)
        return cls(await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe, limit=1 << 20))

    async def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        if command:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self.heard()

    async def heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 120)
        return json.loads(line)

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 10)
        if self._process.returncode is None:
            self._process.kill()


async def measure(
    box: Role, people: Role, arm: str, viewers: int, facts: bool, seconds: float
) -> dict[str, float]:
    """One arm: connect all viewers, let it settle, measure, disconnect."""
    await box.ask(arm=arm, facts=facts)
    for _ in range(viewers):
        offer = (await people.ask(offer=True))["offer"]
        await people.ask(answer=(await box.ask(offer=offer))["answer"])
    for _ in range(100):
        await asyncio.sleep(0.2)
        before = await people.ask(count=True)
        if min(before["packets"]) > 0 and (not facts or before["open"] == viewers):
            break
    await asyncio.sleep(2.0)
    before, start = await people.ask(count=True), await box.ask(cpu=True)
    await asyncio.sleep(seconds)
    after, end = await people.ask(count=True), await box.ask(cpu=True)
    wall = end["wall"] - start["wall"]
    await people.ask(close=True)
    await box.ask(close=True)
    return {
        "cpu": 100 * (end["cpu"] - start["cpu"]) / wall,
        "packets": (sum(after["packets"]) - sum(before["packets"])) / wall,
        "lost": after["lost"] - before["lost"],
        "facts": (after["facts"] - before["facts"]) / wall / viewers,
    }


async def main(viewers: int, rounds: int, seconds: float) -> None:
    box, people = await Role.start("server"), await Role.start("clients")
    try:
        bit_rate = (await box.heard())["bit_rate"]
        senders = ("touchline", "aiortc")
        arms = [(sender, n, facts) for facts in (False, True) for n in (1, viewers) for sender in senders]
        results: dict[tuple[str, int, bool], list[dict[str, float]]] = {arm: [] for arm in arms}
        for _ in range(rounds):
            for arm in arms:
                results[arm].append(await measure(box, people, *arm, seconds))
    finally:
        await people.stop()
        await box.stop()
    rows = [
        {
            "sender": arm,
            "viewers": n,
            "facts": facts,
            "cpu_percent": round(statistics.median(r["cpu"] for r in found), 1),
            "cpu_range": [round(min(r["cpu"] for r in found), 1), round(max(r["cpu"] for r in found), 1)],
            "packets_per_s": round(statistics.median(r["packets"] for r in found)),
            # Where the machine is too busy for a sender to keep up, this is the figure that still compares.
            "us_per_packet": round(statistics.median(1e4 * r["cpu"] / max(1, r["packets"]) for r in found), 1),
            "packets_lost": int(sum(r["lost"] for r in found)),
            "facts_per_s_and_viewer": round(statistics.median(r["facts"] for r in found), 1),
        }
        for (arm, n, facts), found in results.items()
    ]
    print(f"720p{FPS}, {bit_rate / 1e6:.1f} Mb/s, CPU: % of one core, median of {rounds} rounds of {seconds:g} s")
    print("sender     viewers facts   CPU %      range  packets/s  µs/packet  lost  facts/s")
    for r in rows:
        facts, spread = "yes" if r["facts"] else "no", "–".join(map(str, r["cpu_range"]))
        cpu = f"{r['cpu_percent']:>7} {spread:>10}"
        seen = f"{r['packets_per_s']:>10} {r['us_per_packet']:>10} {r['packets_lost']:>5}"
        seen += f" {r['facts_per_s_and_viewer']:>8}"
        print(f"{r['sender']:<10} {r['viewers']:>7} {facts:>5} {cpu} {seen}")
    print(json.dumps({"bench": "fanout", "bit_rate": round(bit_rate), "fps": FPS, "rows": rows}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--role", choices=("server", "clients"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "server":
        asyncio.run(server())
    elif given.role == "clients":
        asyncio.run(clients())
    else:
        asyncio.run(main(given.viewers, given.rounds, given.seconds))
