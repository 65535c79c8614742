"""What /openapi.json promises, held against what the real server answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from tests.app.page_box import PageBox
from tests.deliver.offers import CHROMIUM
from touchline.app import schema, server
from touchline.deliver import factlog
from touchline.story.sensors import Node, Sensors
from touchline.types import CameraState, Fact, LinkStatus, Packet, StreamInfo, fact_id
from touchline.types.factjson import FactJson

SDP = {"Content-Type": "application/sdp"}
TRICKLE = {"Content-Type": "application/trickle-ice-sdpfrag"}
DATA: dict[str, dict[str, Any]] = {
    "tracks": {
        "width": 640,
        "height": 360,
        "tracks": [{"id": 1, "label": "player", "box": [1.0, 2, 3, 4], "score": 0.5, "detected": True}],
    },
    "track_started": {"track": 1, "label": "player"},
    "track_ended": {"track": 1, "label": "player", "seconds": 1.5},
    "whistle": {"node": "mic", "sensor": "sound", "seq": 3, "score": 0.75, "level_db": -3.5},
}


@pytest.fixture
def box() -> Iterator[PageBox]:
    made = PageBox({"north": "North", "south": "South"})
    yield made
    made.stop()


@pytest.fixture
def described(box: PageBox) -> dict[str, Any]:
    return json.loads(ask(box, "GET", "/openapi.json")[2])


def ask(
    box: PageBox, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, bytes]:
    """Status, headers and body; of an event stream its first bytes."""
    request = urllib.request.Request(box.url + path, body, headers or {}, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        whole = "event-stream" not in (answer.headers["content-type"] or "")
        return int(answer.status or 0), answer.headers, answer.read() if whole else answer.read(1)


def add_facts(box: PageBox) -> None:
    def add() -> None:
        for kind, data in DATA.items():
            box.box.facts.add(FactJson.of(Fact(fact_id(1), "north", kind, 9000, data)))

    box.call(add)


def hear_node(box: PageBox) -> None:
    def hear() -> None:
        box.box.sensors = Sensors([Node("mic", "sound")])
        box.box.links.append(LinkStatus("mqtt://10.0.0.5"))
        box.box.hear_node("mic", b'{"seq":1,"t_ms":5,"kind":"whistle","score":1}')
        box.box.hear_node("mic", b"nonsense")

    box.call(hear)


def test_every_answer_is_of_the_type_that_is_documented(
    box: PageBox, described: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_facts(box)
    seen: set[tuple[str, str, str]] = set()

    def check(
        method: str,
        path: str,
        at: str,
        status: int,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[Any, bytes]:
        given, told, said = ask(box, method, at, body, headers)
        assert given == status, (method, at, said)
        promised = described["paths"][path][method.lower()]["responses"][str(status)]
        kind = (told["content-type"] or "").split(";")[0]
        assert kind in promised.get("content", {"": None}), (method, at, status)
        for name in promised.get("headers", {}):
            assert told[name]
        seen.add((method.lower(), path, str(status)))
        return told, said

    whep, session = "/whep/{camera}", "/whep/{camera}/{session}"
    offer = CHROMIUM.replace("\n", "\r\n").encode()
    mine = check("POST", whep, "/whep/north", 201, offer, SDP)[0]["Location"]
    for method, path, at, headers in [("POST", whep, "/whep/north", SDP), ("PATCH", session, mine, TRICKLE)]:
        check(method, path, at, 415, b"x", {"Content-Type": "text/plain"})
        check(method, path, at, 413, b"x" * 70_000, headers)
        check(method, path, at, 400, b"\xff", headers)
        check(method, path, at.replace("north", "west"), 404, offer, headers)
        with monkeypatch.context() as patch:
            patch.setattr(server, "BODY_S", 0.1)
            check(method, path, at, 408, b"", headers | {"Content-Length": "9"})
    check("POST", whep, "/whep/north", 406, b"garbage", SDP)
    other = b"a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\nm=video 9 X 0\r\na=mid:0\r\n"
    check("PATCH", session, mine, 422, other, TRICKLE)
    check("PATCH", session, mine, 204, other.replace(b"other", b"VgVu"), TRICKLE)
    check("DELETE", session, mine, 200)
    check("DELETE", session, mine, 404)
    object.__setattr__(box.box.sessions.limits, "viewers", 0)
    check("POST", whep, "/whep/north", 503, offer, SDP)
    box.call(lambda: box.box.hear("south", StreamInfo("hevc", 640, 360, 25.0, b"")))
    check("POST", whep, "/whep/south", 409, offer, SDP)

    check("GET", "/api/v1/ice", "/api/v1/ice", 200)
    check("GET", "/api/v1/cameras", "/api/v1/cameras", 200)
    check("GET", "/api/v1/sensors", "/api/v1/sensors", 200)
    facts, stream = "/api/v1/facts", "/api/v1/facts/stream"
    for query, status in (("", 200), ("?since=x", 400), ("?camera=west", 404), ("?limit=0", 422)):
        check("GET", facts, facts + query, status)
    last = fact_id(1)
    check("GET", stream, stream, 200, headers={"Last-Event-ID": last})
    check("GET", stream, stream + "?camera=west", 404)
    check("GET", stream, stream, 400, headers={"Last-Event-ID": "x"})
    monkeypatch.setattr(factlog, "LISTENERS", 0)
    check("GET", stream, stream, 503)
    check("GET", "/healthz", "/healthz", 200)
    box.set("north", CameraState.FAILED)
    check("GET", "/healthz", "/healthz", 503)
    check("GET", "/metrics", "/metrics", 200)

    promised = {
        (method, path, status)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
    }
    unseen = {(method, path, status) for method, path, status in promised - seen}
    # FastAPI's own for parameters that are any text and so never wrong.
    assert {status for _, _, status in unseen} <= {"422"}, unseen


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/api/v1/cameras", schema.Cameras),
        ("/api/v1/facts", schema.Facts),
        ("/api/v1/sensors", schema.Sensors),
        ("/api/v1/ice", schema.IceServers),
        ("/healthz", schema.Health),
    ],
)
def test_answers_have_the_fields_that_are_documented(box: PageBox, path: str, model: type[BaseModel]) -> None:
    add_facts(box)
    hear_node(box)
    box.call(lambda: box.box.hear("north", Packet(b"", 9000, True)))
    model.model_validate_json(ask(box, "GET", path)[2], strict=False)


DESCRIBED = (
    *("CameraStatus", "TracksFact", "TrackStarted", "TrackEnded", "Track", "Cameras", "Problem"),
    *("SensorFact", "Sensors", "NodeStatus", "LinkStatus"),
)


def test_fields_and_bodies_are_explained(described: dict[str, Any]) -> None:
    models = described["components"]["schemas"]
    for name in DESCRIBED:
        for field, said in models[name]["properties"].items():
            assert said.get("description"), f"{name}.{field}"
    offer = described["paths"]["/whep/{camera}"]["post"]["requestBody"]["content"]
    assert list(offer) == ["application/sdp"]
