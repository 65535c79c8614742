"""From handing a packet to the server until a browser can read its pixels, and from a click to the first picture.

    .venv/bin/python -m bench.latency [--rounds 3] [--seconds 8] [--box]

A headless Chromium plays 720p30 from our sender and from aiortc's own, in turn, both passing the same H.264
through; each picture carries its number as a bar code, which the page reads back from a canvas in
requestVideoFrameCallback.
``--box`` measures a whole ``touchline live test:`` instead, analysis included, from the time its pictures bear.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
import urllib.request
from typing import Any

from bench import from_setup
from bench.fanout import FPS, AiortcServer
from tests.deliver.clips import encode, endless
from touchline.deliver import webrtc
from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.rtp import Shape
from touchline.deliver.webrtc import WhepSessions
from touchline.types import MEDIA_CLOCK
from touchline.types.packet import Packet

with from_setup():
    from tests.deliver.browser import viewer_page

SETTLE = 1.5
"""Seconds after the first picture until pictures count: joining is a figure of its own."""


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


class Source:
    """The same packets to both senders, and when each was handed over."""

    def __init__(self) -> None:
        self.info, self.packets = encode(1280, 720, 240, FPS, gop=60, bit_rate=2_200_000)
        self.stream = CameraStream("bench")
        self.stream.publish_info(self.info)
        self.theirs = AiortcServer()
        self.sent: dict[int, float] = {}

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for packet in endless(self.packets, FPS):
            self.sent[packet.pts] = time.time() * 1000
            self.stream.publish(packet)
            self.theirs.publish(Packet(packet.data, packet.pts, packet.is_key))
            due += 1 / FPS
            await asyncio.sleep(max(0.0, due - loop.time()))


async def watch(whep: Any, seconds: float) -> dict[str, Any]:
    """What a fresh browser saw."""
    async with viewer_page(whep) as page:
        await page.evaluate("window.readBarcode = true; start()")
        state: dict[str, Any] = {}
        for _ in range(100):
            await asyncio.sleep(0.1)
            state = await page.evaluate("state")
            if state["frames"]:
                break
        await asyncio.sleep(SETTLE + seconds)
        return await page.evaluate("state")


def figures(state: dict[str, Any], sent_at: Any) -> tuple[list[float], list[float], float]:
    """Milliseconds to the callback and to the pixels of every settled picture, and from the click to the first."""
    frames = state["frames"]
    if not frames:
        return [], [], float("nan")
    begin = frames[0]["at"] + SETTLE * 1000
    callbacks, pixels = [], []
    for frame in frames:
        sent = sent_at(frame)
        if frame["at"] >= begin and sent is not None:
            callbacks.append(frame["called"] - sent)
            pixels.append(frame["read"] - sent)
    return callbacks, pixels, frames[0]["read"] - state["started"]


async def senders(rounds: int, seconds: float) -> list[dict[str, Any]]:
    source = Source()
    task = asyncio.create_task(source.run())
    plain = webrtc.Shape
    found: dict[str, list[tuple[list[float], list[float], float]]] = {}

    async def once(name: str) -> None:
        sessions = WhepSessions({"bench": source.stream}, IceSettings())

        async def whep(offer: str) -> str:
            if name == "aiortc":
                return await source.theirs.open(offer)
            return (await sessions.open("bench", offer))[1]

        if name == "touchline, no playout delay":
            webrtc.Shape = lambda kind, tag, _: Shape(kind, tag, 0)  # type: ignore[assignment]
        try:
            state = await watch(whep, seconds)
        finally:
            webrtc.Shape = plain
        offset = state["hello"]["rtp_offset"] if state["hello"] else None
        count = len(source.packets)

        def sent_at(frame: dict[str, Any]) -> float | None:
            if offset is not None:
                return source.sent.get((frame["rtp"] - offset) % 2**32)
            # aiortc keeps its offset to itself: the newest packet that bears this number.
            numbers = [pts for pts in source.sent if pts // (MEDIA_CLOCK // FPS) % count == frame["code"][0]]
            before = [source.sent[pts] for pts in numbers if source.sent[pts] < frame["read"]]
            return max(before, default=None)

        if offset is not None:
            wrong = sum(
                (frame["rtp"] - offset) % 2**32 // (MEDIA_CLOCK // FPS) % count != frame["code"][0]
                for frame in state["frames"]
            )
            print(f"{name}: {wrong} of {len(state['frames'])} pictures were not what their time stamp says")
        found.setdefault(name, []).append(figures(state, sent_at))
        await sessions.close_all()
        await source.theirs.close()

    for _ in range(rounds):
        for name in ("touchline", "touchline, no playout delay", "aiortc"):
            await asyncio.sleep(0.37)  # join anywhere in the group of pictures
            await once(name)
    task.cancel()
    return [row(name, results) for name, results in found.items()]


async def box(rounds: int, seconds: float, arguments: list[str]) -> list[dict[str, Any]]:
    """A whole box, as a user starts it."""
    command = (sys.executable, "-m", "touchline", "live", *arguments, "--port", "0")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    assert process.stdout is not None
    url = None
    while url is None:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        if not line:
            raise SystemExit("the box ended before it said where it listens")
        url = match[0] if (match := re.search(r"http://[^\s]+", line)) else None
    base = url.rstrip("/")
    drain = asyncio.create_task(process.stdout.read())

    def call(path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(base + path, body, {"Content-Type": "application/sdp"})
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.read()

    async def whep(offer: str) -> str:
        return (await asyncio.to_thread(call, f"/whep/{camera['id']}", offer.encode())).decode()

    results = []
    try:
        camera: dict[str, Any] = {}
        for _ in range(300):
            camera = json.loads(await asyncio.to_thread(call, "/api/v1/cameras"))["cameras"][0]
            if camera["state"] == "live" and camera["fps_analysed"] > 0:
                break
            await asyncio.sleep(0.2)
        for _ in range(rounds):
            state = await watch(whep, seconds)

            def sent_at(frame: dict[str, Any]) -> float | None:
                ago = (round(frame["read"]) - frame["code"][1]) % 2**32
                return frame["read"] - ago if ago < 60_000 else None

            results.append(figures(state, sent_at))
        camera = json.loads(await asyncio.to_thread(call, "/api/v1/cameras"))["cameras"][0]
        print({key: camera[key] for key in ("fps_in", "fps_analysed", "fps_detected", "shed", "latency_ms")})
    finally:
        process.send_signal(2)
        await asyncio.wait_for(process.wait(), 20)
        await drain
    return [row("touchline live " + " ".join(arguments), results)]


def row(name: str, results: list[tuple[list[float], list[float], float]]) -> dict[str, Any]:
    callbacks = [value for result in results for value in result[0]]
    pixels = [value for result in results for value in result[1]]
    joins = [result[2] for result in results]
    return {
        "sender": name,
        "frames": len(pixels),
        "callback_p50_ms": round(percentile(callbacks, 0.5), 1),
        "callback_p95_ms": round(percentile(callbacks, 0.95), 1),
        "pixel_p50_ms": round(percentile(pixels, 0.5), 1),
        "pixel_p95_ms": round(percentile(pixels, 0.95), 1),
        "first_picture_ms": round(statistics.median(joins)),
        "first_picture_max_ms": round(max(joins)),
    }


def show(rows: list[dict[str, Any]]) -> None:
    print("ms: packet to callback p50/p95, to pixels p50/p95, click to first picture median/max")
    for r in rows:
        callback = f"{r['callback_p50_ms']:>6}/{r['callback_p95_ms']:<6}"
        pixel = f"{r['pixel_p50_ms']:>6}/{r['pixel_p95_ms']:<6}"
        print(f"{r['sender']:<30} {callback} {pixel} {r['first_picture_ms']:>5}/{r['first_picture_max_ms']:<5}")
    print(json.dumps({"bench": "latency", "fps": FPS, "rows": rows}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--box", nargs="*", metavar="ARG", help="measure `touchline live ARG…` (default: test:)")
    given = parser.parse_args()
    if given.box is None:
        show(asyncio.run(senders(given.rounds, given.seconds)))
    else:
        show(asyncio.run(box(given.rounds, given.seconds, given.box or ["test:"])))
