"""The wiring of sensor nodes: which settings cannot be, and that no fault of ours ends a link."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.story.broker import broker, event
from touchline.app.box import Box
from touchline.app.hearing import Hear, make_hearing
from touchline.app.server import make_app
from touchline.app.settings import Venue
from touchline.app.wire import make_box
from touchline.story.retry import Backoff
from touchline.types import ConfigError, LinkState

CAMERAS = [{"id": "north", "source": "test:"}, {"id": "south", "source": "test:"}]
NODES = [{"id": "mic", "camera": "north", "kind": "sound"}, {"id": "wrist", "kind": "motion"}]
WAIT_S = 30


def venue(**sensors: Any) -> Venue:
    return Venue.model_validate({"cameras": CAMERAS, "sensors": {"broker": "mqtt://127.0.0.1", **sensors}})


@pytest.fixture
def box() -> Box:
    return make_box(venue(nodes=NODES))


def test_a_node_of_a_camera_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="camera 'west', which there is not; name one of north, south"):
        make_box(venue(nodes=[{"id": "mic", "camera": "west"}]))


@pytest.mark.parametrize("changes", [{"ca": "/nowhere.pem", "broker": "mqtts://b"}, {"broker": "mqtt://b:99999"}])
def test_a_broker_that_cannot_be_is_told_before_anything_starts(box: Box, changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"name a (PEM file|port)"):
        make_hearing(venue(**changes), box)


def test_each_link_is_told_of_before_it_is_up(box: Box) -> None:
    serial = {"id": "line", "serial": "/dev/ttyNODE"}
    hearing = make_hearing(venue(nodes=[*NODES, serial], password="secret", user="u"), box)
    assert len(hearing) == 2
    with TestClient(make_app(box), base_url="http://127.0.0.1:8080") as client:
        told = client.get("/api/v1/sensors").json()
    assert [(link["name"], link["state"]) for link in told["links"]] == [
        ("mqtt://127.0.0.1", "connecting"),
        ("/dev/ttyNODE", "connecting"),
    ]
    assert "secret" not in json.dumps(told)


def break_once(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message is what hearing falls over; the next is not."""
    take = box.sensors.take

    def broken(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(box.sensors, "take", take)
        raise KeyError("a fault of ours")

    monkeypatch.setattr(box.sensors, "take", broken)


async def until(good: Callable[[], bool]) -> None:
    while not good():
        await asyncio.sleep(0.02)


async def told_and_heard_again(box: Box, hear: Hear, send: Callable[[int], None]) -> None:
    """``send`` sends the message of that number to ``box``'s one link."""
    (link,) = box.links
    hearing = asyncio.create_task(hear())
    await until(lambda: link.state is LinkState.UP)
    await asyncio.to_thread(send, 0)
    await until(lambda: link.state is LinkState.DOWN)
    assert "a fault of this box's own (KeyError); hearing it again" in (link.error or "")
    await until(lambda: link.state is LinkState.UP)
    assert (link.error, link.reconnects) == (None, 1)
    await asyncio.to_thread(send, 1)
    await until(lambda: box.nodes()[0].facts == 1)
    hearing.cancel()
    await asyncio.wait([hearing])


def test_a_fault_of_ours_on_a_line_is_told_and_the_line_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    node, line = pty.openpty()
    settings = venue(broker=None, nodes=[{"id": "line", "serial": os.ttyname(line)}])
    box = make_box(settings)
    break_once(box, monkeypatch)
    (hear,) = make_hearing(settings, box)

    def send(seq: int) -> None:
        os.write(node, event(seq, 1.0 + seq) + b"\n")

    asyncio.run(asyncio.wait_for(told_and_heard_again(box, hear, send), WAIT_S))
    os.close(node)
    os.close(line)


def test_a_fault_of_ours_at_the_broker_is_told_and_the_broker_heard_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broker(tmp_path) as made:
        settings = venue(broker=f"mqtt://127.0.0.1:{made.port}", nodes=NODES)
        box = make_box(settings)
        break_once(box, monkeypatch)
        (hear,) = make_hearing(settings, box)

        def send(seq: int) -> None:
            made.publish(("mic", event(seq, 1.0 + seq)))

        asyncio.run(asyncio.wait_for(told_and_heard_again(box, hear, send), WAIT_S))


def test_a_fault_of_ours_that_stays_is_tried_less_and_less_often(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    wait_s = Backoff.wait_s

    def told(backoff: Backoff) -> float:
        waited.append(wait_s(backoff))
        return 0.0

    async def broken(*_: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(Backoff, "wait_s", told)
    monkeypatch.setattr("touchline.story.mqtt.listen", broken)
    (hear,) = make_hearing(venue(nodes=NODES), box)

    async def tried() -> None:
        hearing = asyncio.create_task(hear())
        await until(lambda: len(waited) >= 4)
        hearing.cancel()
        await asyncio.wait([hearing])

    asyncio.run(asyncio.wait_for(tried(), WAIT_S))
    assert waited[0] < waited[1] < waited[2] < waited[3]
