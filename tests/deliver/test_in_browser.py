"""A real Chromium plays a stream, and knows for every picture which packet it was."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.deliver.browser import viewer_page
from tests.deliver.clips import encode, endless
from tests.deliver.peers import nothing_left_behind, until
from tests.needs import need
from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.webrtc import WhepLimits, WhepSessions
from touchline.types.fact import Fact
from touchline.types.factjson import FactJson

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def browser_installed() -> None:
    need("chromium")


FIRST = 5 * 10**9  # beyond 32 bits: time stamps wrap on the way


def test_pictures_are_known_by_their_time_stamps() -> None:
    async def run() -> None:
        info, packets = encode(640, 360, frames=120, gop=60, bit_rate=1_000_000)
        published: dict[int, int] = {}

        async def camera(stream: CameraStream) -> None:
            due = asyncio.get_running_loop().time()
            for index, packet in enumerate(endless(packets, start=FIRST)):
                stream.publish_fact(FactJson.of(Fact(f"f{index}", "cam", "tracks", packet.pts, {"n": index})))
                stream.publish(packet)
                published[packet.pts % 2**32] = index
                due += 1 / 30
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

        stream = CameraStream("cam")
        stream.publish_info(info)
        sessions = WhepSessions({"cam": stream}, IceSettings(), WhepLimits(silence=4))
        task = asyncio.create_task(camera(stream))

        async def whep(offer: str) -> str:
            return (await sessions.open("cam", offer))[1]

        # In the middle of a group of pictures, which the viewer must get all the same.
        await asyncio.sleep(1.0)
        async with viewer_page(whep) as page:
            await page.evaluate("start()")
            state: dict[str, Any] = {"frames": []}
            deadline = time.monotonic() + 40
            while len(state["frames"]) < 60 and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
                state = await page.evaluate("state")
            assert state["error"] is None
            assert state["connection"] == "connected"
            assert len(state["frames"]) >= 60
            offset = state["hello"]["rtp_offset"]
            seen = [(frame["rtp"] - offset) % 2**32 for frame in state["frames"]]
            assert all(pts in published for pts in seen)
            assert [published[p] for p in seen] == sorted({published[p] for p in seen})
            assert {frame["width"] for frame in state["frames"]} == {640}
            # Facts of the pictures, by the same time stamps.
            facts = {fact["pts"] % 2**32: fact["n"] for fact in state["facts"]}
            told = [facts.get(pts) == published[pts] for pts in seen]
            assert sum(told) >= 0.95 * len(told)
            # Generous: the figure itself is bench/latency.py's business.
            assert state["frames"][0]["at"] - state["started"] < 5000
            (stats,) = sessions.stats()
            assert stats.srtp == "SRTP_AEAD_AES_128_GCM"
            assert stats.dropped == 0
            # A tab that is closed is noticed.
            await page.close()
            await until(lambda: len(sessions) == 0)
        assert stream.viewers == 0
        task.cancel()

    async def alone() -> None:
        async with nothing_left_behind():
            await run()

    asyncio.run(alone())
