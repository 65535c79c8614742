"""A box that viewers reach through a relay (TURN) alone: the picture comes, the relay's password stays hidden."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCSessionDescription

from tests.deliver.clips import encode, endless, play
from tests.deliver.peers import Peer, nothing_left_behind, until
from tests.deliver.relay import USER, WORD, relay
from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.webrtc import WhepLimits, WhepSessions
from touchline.types import ConfigError


def test_pictures_and_facts_come_through_the_box_s_relay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run(url: str) -> None:
        info, packets = encode(320, 240, frames=60, gop=30)
        stream = CameraStream("cam")
        stream.publish_info(info)
        limits = WhepLimits(gather=10, ice=30, dtls=20)
        sessions = WhepSessions({"cam": stream}, IceSettings(turn=((url, USER, WORD),)), limits)
        task = asyncio.create_task(play(stream, endless(packets, start=10**10)))
        peer = Peer()
        try:
            await peer.pc.setLocalDescription(await peer.pc.createOffer())
            _, answer = await sessions.open("cam", peer.pc.localDescription.sdp)
            assert " typ relay " in answer
            assert WORD not in answer
            # As a viewer elsewhere has it: of the box's addresses only the relay's leads anywhere, both ways.
            relayed = {int(port) for port in re.findall(r" (\d+) typ relay ", answer)}
            only_from(peer.connection, relayed)
            elsewhere = re.sub(r"a=candidate:.* typ host.*\r\n", "", answer)
            await peer.pc.setRemoteDescription(RTCSessionDescription(elsewhere, "answer"))
            await until(lambda: len(peer.frames) > 30 and bool(peer.hello), 60)
            assert sessions.stats()[0].path.startswith("relay")
        finally:
            await peer.leave()
            await sessions.close_all()
            task.cancel()
            await asyncio.wait([task])

    async def cleanly(url: str) -> None:
        async with nothing_left_behind():
            await run(url)

    with relay(tmp_path) as url, caplog.at_level(logging.INFO):
        asyncio.run(cleanly(url))
    assert "relay →" in caplog.text
    assert WORD not in caplog.text


def only_from(connection: Any, ports: set[int]) -> None:
    """Let no check through but those that come from ``ports``, as a firewall between viewer and box would."""
    heard = connection.request_received

    def filtered(message: Any, addr: tuple[str, int], protocol: Any, *rest: Any) -> None:
        if addr[1] in ports:
            heard(message, addr, protocol, *rest)

    connection.request_received = filtered


def test_a_relay_that_refuses_is_said_to_and_the_direct_way_is_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(url: str) -> None:
        stream = CameraStream("cam")
        sessions = WhepSessions({"cam": stream}, IceSettings(turn=((url, USER, "wr0ng-word"),)))
        peer = Peer()
        await peer.join(sessions)
        await until(lambda: len(sessions.stats()) == 1, 60)
        await peer.leave()
        await sessions.close_all()

    with relay(tmp_path) as url, caplog.at_level(logging.INFO):
        asyncio.run(run(url))
    assert "no relay candidate: the STUN or TURN server did not answer" in caplog.text
    assert "wr0ng-word" not in caplog.text


def test_a_password_in_a_relay_s_url_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"^\*\*\*@turn\.example: not a STUN or TURN URL") as refused:
        IceSettings(turn=((f"turn://{USER}:{WORD}@turn.example", USER, WORD),))
    assert WORD not in str(refused.value)
    assert refused.value.__cause__ is None
