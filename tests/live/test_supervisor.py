"""The supervisor with real workers: what one camera does is no other's concern."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import Counter

import pytest

from touchline.live.job import CameraJob
from touchline.live.link import Message, Report
from touchline.live.supervisor import Supervisor
from touchline.types import Packet


def job(name: str) -> CameraJob:
    return CameraJob(id=name, source="test:?width=640&height=360", epoch=time.monotonic())


async def run(supervisor: Supervisor, seen: Counter[str], enough: Counter[str]) -> None:
    running = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(60):
            while not (running.done() or seen >= enough):
                await asyncio.sleep(0.05)
        assert not running.done()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def test_a_fault_in_taking_one_camera_s_word_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    seen: Counter[str] = Counter()
    restarts: list[str] = []

    def on_message(camera: str, message: Message) -> None:
        if isinstance(message, Report) and "restarts" in message.fields:
            restarts.append(camera)
        if isinstance(message, Packet):
            seen[camera] += 1
            if camera == "ill":
                raise ValueError("a fault of the box's own")

    with caplog.at_level(logging.ERROR):
        supervisor = Supervisor({name: job(name) for name in ("ill", "well")}, on_message, os.environ)
        asyncio.run(run(supervisor, seen, Counter(ill=30, well=30)))
    assert restarts == []
    assert "ill: a message could not be passed on" in caplog.text
