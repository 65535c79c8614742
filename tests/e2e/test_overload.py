"""A box overloaded on purpose: it gives up analysis, in its order and visibly, and never a picture for viewers."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcconfiguration import RTCBundlePolicy

from tests.e2e.box import Box, running
from tests.media.rtsp_server import RtspServer
from tests.needs import need_rtsp_server
from tests.slow_detector import write_flat, write_slow_detector

FPS = 10
VENUE = """
[analysis]
model = "{model}"
[[cameras]]
id = "plain"
source = "{plain}"
[[cameras]]
id = "own"
source = "{own}"
process = "{step}:process_frame"
"""


class Viewer:
    """A WHEP viewer that counts the RTP packets it gets, and those missing between them."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTransceiver("video", direction="recvonly")
        self.pictures: set[int] = set()
        self.missing = 0
        self._next: int | None = None
        connection: Any = self.pc.getTransceivers()[0].receiver.transport.transport._connection
        self._deliver = connection.data_received
        connection.data_received = self._received

    async def join(self, url: str) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        request = urllib.request.Request(
            url, self.pc.localDescription.sdp.encode(), {"Content-Type": "application/sdp"}
        )
        answer = await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=30).read().decode())
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def _received(self, data: bytes, component: int) -> None:
        if data[0] < 128 or 64 <= data[1] & 0x7F < 96:
            self._deliver(data, component)
            return
        sequence = int.from_bytes(data[2:4], "big")
        if self._next is not None:
            self.missing += (sequence - self._next) & 0xFFFF
        self._next = (sequence + 1) & 0xFFFF
        self.pictures.add(int.from_bytes(data[4:8], "big"))


async def until(good: Callable[[], bool], seconds: float, what: Callable[[], object]) -> None:
    """Asks ``good``, which asks the box, until it agrees."""
    try:
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(good):
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not in {seconds:.0f} s: {what()}") from None


def behind(box: Box, camera: str) -> float:
    """How long ago, in media seconds, the picture was taken whose tracks came last."""
    last = box.tracks(camera)[-1]["media_time"]
    return box.get("api/v1/cameras")["media_time"] - last


async def overload(box: Box, dark: RtspServer, bright: RtspServer) -> None:
    cameras = ("plain", "own")
    viewers = {camera: Viewer() for camera in cameras}
    shed: dict[str, list[list[str]]] = {camera: [] for camera in cameras}

    def sheds(of: Callable[[list[str]], bool]) -> Callable[[], bool]:
        def now() -> bool:
            for camera in cameras:
                shed[camera].append(box.camera(camera)["shed"])
            return all(of(said[-1]) for said in shed.values())

        return now

    def health() -> list[object]:
        return box.get("api/v1/cameras")["cameras"]

    await until(lambda: all(box.camera(camera)["state"] == "live" for camera in cameras), 60, health)
    for camera, viewer in viewers.items():
        await viewer.join(f"{box.url}whep/{camera}")
    joined = box.get("api/v1/cameras")["media_time"]

    await until(sheds(lambda said: any("analysis size" in word for word in said)), 180, health)
    for camera, viewer in viewers.items():
        first = next(said for said in shed[camera] if said)
        assert "analysis rate" in first[0], "the rate is given up first"
        before = len(viewer.pictures)
        await until(lambda viewer=viewer, before=before: len(viewer.pictures) > before + 3 * FPS, 60, health)
        now = box.camera(camera)
        assert viewer.missing == 0
        assert (now["packets_dropped"], now["line_dropped"], now["source_dropped"]) == (0, 0, 0)
        assert now["latency_ms"] < 2000
        analysed = sum(fact["media_time"] > joined for fact in box.tracks(camera))
        assert len(viewer.pictures) + now["pictures_late"] > analysed + FPS, "viewers do not wait for analysis"
        assert now["frames_skipped"] > 0
        assert behind(box, camera) < 20, "what is late is left out, not made up for"

    bright.stop()
    dark.port = bright.port
    dark.start()
    await until(sheds(lambda said: not said), 240, health)
    for camera, viewer in viewers.items():
        sizes = [sum("analysis size" in word for word in said) for said in shed[camera]]
        assert sizes[-1] == 0 < max(sizes)
        before = len(viewer.pictures)
        await until(lambda viewer=viewer, before=before: len(viewer.pictures) > before + FPS, 30, health)
        assert viewer.missing == 0
    await asyncio.gather(*(viewer.pc.close() for viewer in viewers.values()))


@pytest.mark.timeout(600)
def test_overload_costs_analysis_and_never_a_picture_and_ends_when_the_load_does(tmp_path: Path) -> None:
    need_rtsp_server()
    bright = write_flat(tmp_path / "bright.h264", 235, fps=FPS, frames=3 * FPS)
    dark = write_flat(tmp_path / "dark.h264", 16, fps=FPS, frames=3 * FPS)
    model = write_slow_detector(tmp_path / "slow.onnx", 2.0)
    step = tmp_path / "my.py"
    step.write_text("def process_frame(frame):\n    return frame[::2, ::2]\n")
    later = RtspServer({"plain": dark, "own": dark}, rate=FPS)
    with RtspServer({"plain": bright, "own": bright}, rate=FPS) as now:
        venue = tmp_path / "venue.toml"
        venue.write_text(VENUE.format(model=model, step=step, plain=now.url("plain"), own=now.url("own")))
        try:
            with running(tmp_path, "live", "--config", str(venue)) as box:
                asyncio.run(overload(box, later, now))
        finally:
            later.stop()
