"""Real viewers for the tests, on aiortc's own receiving side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcconfiguration import RTCBundlePolicy

from touchline.deliver.webrtc import WhepSessions


class Peer:
    """A viewer that decodes everything and keeps what it saw.

    ``frames``: pts on the camera's clock of each decoded picture. ``lose`` and ``lose_facts`` decide, by count of
    RTP packets and of DTLS records after the hello, which are lost on the way.
    """

    def __init__(
        self, lose: Callable[[int], bool] = lambda _: False, lose_facts: Callable[[int], bool] = lambda _: False
    ) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTransceiver("video", direction="recvonly")
        self.channel = self.pc.createDataChannel("facts", ordered=False, maxRetransmits=0)
        self.channel.on("message", self._message)
        self.pc.on("track", self._track)
        self._watching: list[asyncio.Task[None]] = []
        self.hello: dict[str, Any] = {}
        self.facts: list[dict[str, Any]] = []
        self.session = ""
        self.lost = 0
        self._lose = lose
        self._lose_facts = lose_facts
        self._records = 0
        self._packets = 0
        self._first = 0
        self._timestamps: list[int] = []
        connection = self.connection
        self._deliver = connection.data_received
        connection.data_received = self._received

    @property
    def connection(self) -> Any:
        return self.pc.getTransceivers()[0].receiver.transport.transport._connection

    @property
    def frames(self) -> list[int]:
        # aiortc counts from the first time stamp it got.
        shift = self._first - self.hello.get("rtp_offset", 0)
        return [(t + shift) % 2**32 for t in self._timestamps] if self.hello else []

    async def join(self, sessions: WhepSessions, camera: str = "cam") -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.session, answer = await sessions.open(camera, self.pc.localDescription.sdp)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def ask_for_key(self) -> None:
        receiver = self.pc.getTransceivers()[0].receiver
        (ssrc,) = list(receiver.transport._rtp_router.ssrc_table)
        await receiver._send_rtcp_pli(ssrc)

    def vanish(self) -> None:
        """Go without a word, as a laptop whose lid is shut."""
        for protocol in self.connection._protocols:
            protocol.transport.abort()

    async def leave(self) -> None:
        """Go in good order."""
        await self.pc.close()
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)

    def _track(self, track: Any) -> None:
        self._watching.append(asyncio.create_task(self._watch(track)))

    def _message(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "hello":
            self.hello = message
        else:
            self.facts.append(message)

    def _received(self, data: bytes, component: int) -> None:
        if data[0] >= 128 and not 64 <= data[1] & 0x7F < 96:
            self._packets += 1
            if self._packets == 1:
                self._first = int.from_bytes(data[4:8], "big")
            if self._lose(self._packets):
                self.lost += 1
                return
        elif 19 < data[0] < 64 and self.hello:
            self._records += 1
            if self._lose_facts(self._records):
                self.lost += 1
                return
        self._deliver(data, component)

    async def _watch(self, track: Any) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                self._timestamps.append(frame.pts)
        except MediaStreamError:
            return


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition; fails by `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


def open_sockets() -> int:
    """Sockets this process holds."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue
    return count


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[None]:
    """Fails unless, at the end, there are as many sockets and tasks as at the beginning."""
    sockets, tasks = open_sockets(), asyncio.all_tasks()
    yield
    try:
        await until(lambda: open_sockets() <= sockets and asyncio.all_tasks() <= tasks, 10)
    except TimeoutError:
        raise AssertionError(f"left: {open_sockets() - sockets} sockets, {asyncio.all_tasks() - tasks}") from None
