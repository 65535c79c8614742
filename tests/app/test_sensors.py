"""Sensor nodes in the box: whom their facts reach, and what is told of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.e2e.box import command, running
from tests.story.broker import event
from touchline.app.box import Box
from touchline.app.server import make_app
from touchline.app.settings import Venue
from touchline.app.wire import make_box
from touchline.types.factjson import FactJson

CAMERAS = [{"id": "north", "source": "test:"}, {"id": "south", "source": "test:"}]
NODES = [{"id": "mic", "camera": "north", "kind": "sound"}, {"id": "wrist", "kind": "motion"}]


def venue(**sensors: Any) -> Venue:
    return Venue.model_validate({"cameras": CAMERAS, "sensors": {"broker": "mqtt://127.0.0.1", **sensors}})


@pytest.fixture
def box() -> Box:
    return make_box(venue(nodes=NODES))


def test_facts_reach_the_viewers_of_the_node_s_camera_and_the_api(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[tuple[str, str]] = []
    for camera, stream in box.streams.items():

        def publish(fact: FactJson, camera: str = camera) -> None:
            reached.append((camera, fact.camera))

        monkeypatch.setattr(stream, "publish_fact", publish)
    box.hear_node("mic", event(0, 1.0, level_db=-3.5))
    box.hear_node("wrist", event(0, 1.0, kind="fall"))
    box.hear_node("mic", b"garbage")
    box.hear_node("stranger", event(0, 1.0))
    assert reached == [("north", "north"), ("north", "*"), ("south", "*")]
    with TestClient(make_app(box), base_url="http://127.0.0.1:8080") as client:
        facts = client.get("/api/v1/facts?kind=whistle").json()["facts"]
        assert [(fact["camera"], fact["node"], fact["level_db"]) for fact in facts] == [("north", "mic", -3.5)]
        (fall,) = client.get("/api/v1/facts?camera=*").json()["facts"]
        assert fall["kind"] == "fall"
        assert 0 <= fall["media_time"] <= box.media_time()
        told = client.get("/api/v1/sensors").json()
        assert [node["facts"] for node in told["nodes"]] == [1, 1]
        assert told["nodes"][0]["refused"] == {"json": 1}
        (whistle,) = facts
        last = {"kind": "whistle", "score": 0.8, "media_time": pytest.approx(whistle["media_time"], abs=0.001)}
        assert told["nodes"][0]["last"] == last
        assert (told["unknown"], told["unknown_last"]) == (1, "stranger")
        metrics = client.get("/metrics").text
        assert 'touchline_sensor_facts_total{node="mic"} 1.0' in metrics
        assert 'touchline_sensor_refused_total{node="mic",reason="json"} 1.0' in metrics
        assert 'touchline_sensor_ahead_total{node="mic"} 0.0' in metrics
        assert "touchline_sensor_unknown_total 1.0" in metrics


def test_a_node_can_never_pass_for_the_box(box: Box) -> None:
    box.hear_node("mic", event(0, 1.0, kind="tracks"))
    box.hear_node("mic", event(1, 1.0, type="info"))
    assert len(box.facts) == 0


def test_without_the_extra_a_broker_names_it_and_a_box_without_sensors_starts(tmp_path: Path) -> None:
    (tmp_path / "aiomqtt.py").write_text("raise ModuleNotFoundError('no aiomqtt', name='aiomqtt')\n")
    (tmp_path / "venue.toml").write_text(
        '[sensors]\nbroker = "mqtt://127.0.0.1"\n[[cameras]]\nid = "north"\nsource = "test:"\n'
    )
    path = ":".join([str(tmp_path), *filter(None, sys.path)])
    config = str(tmp_path / "venue.toml")
    done = command("live", "--config", config, "--port", "0", "--duration", "1", PYTHONPATH=path)
    assert done.returncode == 2
    assert "pip install -e '.[sensors]'" in done.stderr
    assert "Traceback" not in done.stderr
    with running(tmp_path, "live", "test:", PYTHONPATH=path) as plain:
        plain.wait("cam1", lambda camera: camera["state"] == "live")
        assert plain.end() == 130
    assert "sensors" not in plain.log.read_text()
