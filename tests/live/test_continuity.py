"""What of a camera goes on over the lives of its workers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from touchline.app.metrics import COUNTERS
from touchline.live.continuity import AT_REST, COUNTED, Continuity
from touchline.live.job import CameraJob
from touchline.live.link import LinkError, Message, Report
from touchline.types import Fact, FactJson, JsonValue, fact_id

JOB = CameraJob("cam", "test:")


def fact(kind: str, pts: int, **data: JsonValue) -> FactJson:
    return FactJson.of(Fact("x", "cam", kind, pts, data))


def test_track_numbers_go_on_and_open_tracks_are_ended() -> None:
    continuity = Continuity()
    assert continuity.brief(JOB) == JOB
    for said in (
        fact("track_started", 0, track=1, label="player"),
        fact("track_started", 9_000, track=4, label="ball"),
        fact("track_ended", 18_000, track=1, label="player", seconds=0.2),
        fact("tracks", 90_000, tracks=[]),
    ):
        assert continuity.take(said) is said
    assert continuity.brief(JOB).first_track == 5
    ended, rest = continuity.end("cam", 1_700_000_000_000)
    assert isinstance(ended, FactJson)
    assert (ended.camera, ended.kind, ended.pts) == ("cam", "track_ended", 90_000)
    said = json.loads(ended.data)
    assert {"track": 4, "label": "ball", "seconds": 0.9}.items() <= said.items()
    assert said["id"] == ended.id != fact_id(1_700_000_000_000)
    assert ended.id[:8] == fact_id(1_700_000_000_000)[:8], "of the time that was passed in"
    assert rest == Report(AT_REST)
    assert continuity.end("cam", 0) == [Report(AT_REST)]
    assert continuity.brief(JOB).first_track == 5


def test_counts_go_on() -> None:
    continuity = Continuity()

    def told(**fields: Any) -> dict[str, Any]:
        report = continuity.take(Report(fields))
        assert isinstance(report, Report)
        return report.fields

    assert told(line_dropped=3, fps_in=25.0) == {"line_dropped": 3, "fps_in": 25.0}
    assert told(line_dropped=5, reconnects=1) == {"line_dropped": 5, "reconnects": 1}
    continuity.end("cam", 0)
    assert told(line_dropped=0, decode_errors=2) == {"line_dropped": 5, "decode_errors": 2}
    assert told(line_dropped=2, reconnects=0) == {"line_dropped": 7, "reconnects": 1}
    continuity.end("cam", 0)
    continuity.end("cam", 0)
    assert told(line_dropped=1, reconnects=2) == {"line_dropped": 8, "reconnects": 3}
    assert told(decode_errors=1) == {"decode_errors": 3}


def test_every_counter_of_a_worker_s_goes_on() -> None:
    """What is forgotten here falls to 0 when a worker is replaced, and nobody says so."""
    of_the_box = {"packets_dropped", "facts_unsent", "restarts"}
    assert set(COUNTED) == set(COUNTERS) - of_the_box


@pytest.mark.parametrize("data", ["{", "", "[]", "1", '"x"', "null"])
def test_a_fact_that_must_be_read_and_cannot_breaks_the_line(data: str) -> None:
    with pytest.raises(LinkError, match="unreadable fact"):
        Continuity().take(FactJson("x", "cam", "track_started", 0, data))


def test_times_and_numbers_never_go_back() -> None:
    """Hindsight may tell of who came first last."""
    continuity = Continuity()
    for said in (
        fact("track_started", 0, track=7, label="player"),
        fact("track_started", 9_000, track=3, label="player"),
        fact("tracks", 90_000, tracks=[]),
        fact("tracks", 45_000, tracks=[]),
    ):
        continuity.take(said)
    assert continuity.brief(JOB).first_track == 8
    ended = continuity.end("cam", 0)[:-1]
    assert {one.pts for one in ended if isinstance(one, FactJson)} == {90_000}
    seconds = {said["track"]: said["seconds"] for said in map(_data, ended)}
    assert seconds == {7: 1.0, 3: 0.9}


def _data(message: Message) -> dict[str, Any]:
    assert isinstance(message, FactJson)
    return json.loads(message.data)
