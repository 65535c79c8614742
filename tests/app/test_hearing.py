"""The wiring of sensor nodes: which settings cannot be, and what is told where a fault of ours ends a link."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.story.broker import broker, event
from touchline.app.box import Box
from touchline.app.hearing import make_hearing
from touchline.app.server import make_app
from touchline.app.settings import Venue
from touchline.app.wire import make_box
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


def break_down(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(*_: Any, **__: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(box.sensors, "take", take)


def test_a_fault_of_ours_on_a_line_stands_in_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    node, line = pty.openpty()
    settings = venue(broker=None, nodes=[{"id": "line", "serial": os.ttyname(line)}])
    box = make_box(settings)
    break_down(box, monkeypatch)
    (hear,) = make_hearing(settings, box)

    async def heard() -> None:
        hearing = asyncio.create_task(hear())
        while box.links[0].state is not LinkState.UP:
            await asyncio.sleep(0.02)
        os.write(node, event(0, 1.0) + b"\n")
        await hearing

    asyncio.run(asyncio.wait_for(heard(), WAIT_S))
    assert box.links[0].state is LinkState.DOWN
    assert "is heard no longer (KeyError); start the box again" in (box.links[0].error or "")
    os.close(node)
    os.close(line)


def test_a_fault_of_ours_at_the_broker_stands_in_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broker(tmp_path) as made:
        settings = venue(broker=f"mqtt://127.0.0.1:{made.port}", nodes=NODES)
        box = make_box(settings)
        break_down(box, monkeypatch)
        (hear,) = make_hearing(settings, box)

        async def heard() -> None:
            hearing = asyncio.create_task(hear())
            while box.links[0].state is not LinkState.UP:
                await asyncio.sleep(0.02)
            await asyncio.to_thread(made.publish, ("mic", event(0, 1.0)))
            await hearing

        asyncio.run(asyncio.wait_for(heard(), WAIT_S))
    assert box.links[0].state is LinkState.DOWN
    assert "is heard no longer (KeyError); start the box again" in (box.links[0].error or "")
