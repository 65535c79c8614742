"""The box's state: what it makes of what workers say."""

from __future__ import annotations

import ast
import logging
from pathlib import Path

import pytest

import touchline
from touchline.app.box import Box
from touchline.app.metrics import render
from touchline.app.settings import CameraSettings, Venue
from touchline.app.wire import make_box
from touchline.live.link import Command, Report
from touchline.types import MEDIA_CLOCK, CameraState, Fact, FactJson, Packet, StreamInfo, fact_id


@pytest.fixture
def box() -> Box:
    return make_box(Venue(cameras=[CameraSettings(id="north", source="test:")]))


def test_packets_facts_and_format_reach_stream_and_log(box: Box) -> None:
    heard = box.streams["north"].subscribe(lambda: None)
    assert box.cameras()[0].picture_age_ms is None
    box.hear("north", StreamInfo("h264", 320, 240))
    box.hear("north", Packet(b"\0\0\0\1\x65\1", round(box.media_time() * MEDIA_CLOCK), True))
    box.hear("north", FactJson.of(Fact(fact_id(1), "north", "tracks", 0, {"n": 7})))
    assert box.streams["north"].info == StreamInfo("h264", 320, 240)
    assert heard.take() is not None
    assert heard.take_fact() is not None
    assert b'"n":7' in box.facts.since(None, None, (), 10)[0].data
    [status] = box.cameras()
    assert status.latency_ms is not None
    assert -5 < status.latency_ms < 5000
    assert status.picture_age_ms is not None
    assert 0 <= status.picture_age_ms < 5000
    assert status.viewers == 1


def test_a_worker_may_say_how_its_camera_is_and_nothing_else(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        said = {"state": "failed", "error": "no route", "fps_in": 3.5, "restarts": 2}
        box.hear("north", Report({**said, "id": "other", "viewers": 99, "packets_dropped": 99, "nonsense": 1}))
        box.hear("north", Report(said))
        box.hear("north", Command("start"))
    [status] = box.cameras()
    assert (status.id, status.viewers, status.packets_dropped) == ("north", 0, 0)
    assert (status.state, status.error, status.fps_in, status.restarts) == (CameraState.FAILED, "no route", 3.5, 2)
    assert [record.getMessage() for record in caplog.records] == [
        "north: failed: no route",
        "north: its worker sent a command: ignored",
    ]


def test_when_a_camera_is_tried_again_is_told_and_logged(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    refused = {"state": "failed", "error": "rtsp://h/: refused; check its port"}
    with caplog.at_level(logging.INFO):
        box.hear("north", Report({**refused, "retry_at": box.media_time() + 29.5}))
        [status] = box.cameras()
        assert status.next_try_ms is not None
        assert 20_000 < status.next_try_ms <= 29_500
        box.hear("north", Report({"retry_at": box.media_time() - 1}))
        assert box.cameras()[0].next_try_ms == 0, "it tries"
        box.hear("north", Report({"retry_at": None}))
        assert box.cameras()[0].next_try_ms is None
        box.hear("north", Report({"state": "stale", "error": "it ended", "retry_at": box.media_time() - 1}))
        box.hear("north", Report({"state": "live", "error": None}))
        assert box.cameras()[0].next_try_ms is None
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "north: failed: rtsp://h/: refused; check its port; next try in 30 s"
    assert said[1] == "north: stale: it ended; trying again now"


def test_a_camera_without_pictures_has_no_latency_and_metrics_tell_every_loss(box: Box) -> None:
    box.hear("north", Report({"state": "live", "line_dropped": 3, "decode_errors": 5, "pictures_late": 4}))
    box.hear("north", Packet(b"\0\0\0\1\x65\1", round(box.media_time() * MEDIA_CLOCK), True))
    assert box.cameras()[0].latency_ms is not None
    told = render(box.cameras()).decode()
    assert 'touchline_camera_line_dropped_total{camera="north"} 3.0' in told
    assert 'touchline_camera_decode_errors_total{camera="north"} 5.0' in told
    assert 'touchline_camera_pictures_late_total{camera="north"} 4.0' in told
    assert 'touchline_camera_source_dropped_total{camera="north"} 0.0' in told
    box.hear("north", Report({"state": "stale", "error": "gone"}))
    assert box.cameras()[0].latency_ms is None


def test_nothing_is_given_up_for_a_camera_that_sends_nothing(box: Box) -> None:
    shed = {"shed": ["analysis rate: 2.5 of 5 Hz"]}
    for state in ("stale", "failed", "connecting"):
        box.hear("north", Report({"state": "live", **shed}))
        assert box.cameras()[0].shed == shed["shed"]
        box.hear("north", Report({"state": state, **shed}))
        assert box.cameras()[0].shed == [], "its worker goes on saying so until the next picture"


def test_the_shape_of_pixels_is_that_of_what_viewers_get(box: Box) -> None:
    assert box.cameras()[0].sample_aspect == 1
    box.hear("north", StreamInfo("h264", 720, 576, sample_aspect=16 / 11))
    box.hear("north", Report({"sample_aspect": 3.0}))
    assert box.cameras()[0].sample_aspect == 16 / 11


def test_the_user_s_q_ends_the_box(box: Box) -> None:
    assert not box.stopping.is_set()
    box.hear("north", Report({"quit": True}))
    assert box.stopping.is_set()
    assert box.exit_status == 0


def test_knowledge_goes_one_way() -> None:
    """`wire` joins box and server; neither knows it."""
    folder = Path(touchline.__file__).parent / "app"
    imports = {
        name: {
            node.module or ""
            for node in ast.walk(ast.parse((folder / f"{name}.py").read_text()))
            if isinstance(node, ast.ImportFrom)
        }
        for name in ("box", "server", "metrics", "settings")
    }
    assert not any("touchline.app.wire" in found for found in imports.values())
    assert "touchline.app.server" not in imports["box"]
    assert not any(module.startswith("touchline.deliver") for module in imports["settings"])


def test_a_camera_whose_workers_end_one_after_another_is_ill_also_between_two(box: Box) -> None:
    box.hear("north", Report({"state": "connecting"}))
    assert box.ill() == [], "it is coming up"
    box.hear("north", Report({"state": "connecting", "restarts": 1}))
    assert box.ill() == ["north"]
    box.hear("north", Report({"state": "live"}))
    assert box.ill() == [], "an accident"
    for restarts in (2, 3):
        box.hear("north", Report({"state": "connecting", "restarts": restarts}))
        box.hear("north", Report({"state": "live"}))
    assert box.ill() == ["north"]
    box.epoch -= 301
    assert box.ill() == [], "it has been well for five minutes"
    box.hear("north", Report({"state": "stale"}))
    assert box.ill() == ["north"]
