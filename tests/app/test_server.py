"""The API over a wired box whose workers are not started: what it answers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from touchline.app.box import Box
from touchline.app.server import make_app
from touchline.app.settings import CameraSettings, ServerSettings, Venue
from touchline.app.wire import make_box
from touchline.types import MEDIA_CLOCK, CameraState, Fact, fact_id
from touchline.types.factjson import FactJson


def venue(host: str = "127.0.0.1") -> Venue:
    cameras = [
        CameraSettings(id="north", name="North <b>", source="test:"),
        CameraSettings(id="south", source="test:"),
    ]
    return Venue(server=ServerSettings(host=host), cameras=cameras)


@pytest.fixture
def box() -> Box:
    return make_box(venue())


@pytest.fixture
def client(box: Box) -> Iterator[TestClient]:
    with TestClient(make_app(box), base_url="http://127.0.0.1:8080") as made:
        yield made


def add(box: Box, camera: str, kind: str, seconds: float) -> str:
    identity = fact_id(1_700_000_000_000 + int(seconds * 1000))
    box.facts.add(FactJson.of(Fact(identity, camera, kind, int(seconds * MEDIA_CLOCK), {"n": 1})))
    return identity


def test_cameras_have_every_promised_field(client: TestClient) -> None:
    answer = client.get("/api/v1/cameras").json()
    assert answer["unguarded"] is False
    north = answer["cameras"][0]
    assert set(north) >= {
        *("id", "state", "error", "fps_in", "fps_analysed", "packets_dropped"),
        *("viewers", "latency_ms", "shed", "codec"),
    }
    assert (north["id"], north["name"], north["state"]) == ("north", "North <b>", "connecting")


def test_facts_since_an_id_or_a_media_time(box: Box, client: TestClient) -> None:
    ids = [add(box, camera, "tracks", at) for at, camera in enumerate(["north", "south", "north", "north"])]

    def get(query: str) -> list[str]:
        return [fact["id"] for fact in client.get(f"/api/v1/facts?{query}").json()["facts"]]

    assert get("") == ids
    assert get("camera=north") == [ids[0], ids[2], ids[3]]
    assert get(f"since={ids[1]}") == ids[2:]
    assert get("since=1.5") == ids[2:]
    assert get(f"camera=north&since={ids[0]}&limit=1") == [ids[2]]
    assert get(f"since={fact_id(1)}") == ids, "an id that is gone already: all that came after it"
    assert get("kind=track_started") == []


def test_facts_come_in_pages_of_a_thousand(box: Box, client: TestClient) -> None:
    ids = [add(box, "north", "tracks", at / 25) for at in range(2500)]
    found: list[str] = []
    sizes: list[int] = []
    while not sizes or sizes[-1] == 1000:
        since = f"&since={found[-1]}" if found else ""
        answer = client.get(f"/api/v1/facts?camera=north{since}")
        assert int(answer.headers["content-length"]) == len(answer.content)
        page = answer.json()["facts"]
        sizes.append(len(page))
        found += [fact["id"] for fact in page]
    assert sizes == [1000, 1000, 500]
    assert found == ids
    assert client.get("/api/v1/facts?limit=1001").status_code == 422


def test_a_cursor_that_is_none_is_told_so(client: TestClient) -> None:
    answer = client.get("/api/v1/facts?since=yesterday")
    assert answer.status_code == 400
    assert "neither a fact's id nor a media time" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/facts?camera=west", 404),
        ("get", "/api/v1/facts?limit=0", 422),
        ("get", "/watch/west", 404),
        ("get", "/web/../server.py", 404),
        ("get", "/web/%2e%2e/server.py", 404),
        ("delete", "/whep/north/none", 404),
        ("delete", "/whep/west/none", 404),
        ("get", "/whep/north", 405),
    ],
)
def test_what_is_not_there_is_refused(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"v=0", "text/plain", 415),
        (b"", "application/sdp", 406),
        (b"garbage", "application/sdp", 406),
        (b"\xff\xfe", "application/sdp", 400),
        (b"v=0\r\n" * 20_000, "application/sdp", 413),
    ],
    ids=["type", "empty", "garbage", "not utf-8", "huge"],
)
def test_whep_refuses_what_is_no_offer(client: TestClient, body: bytes, content_type: str, status: int) -> None:
    answer = client.post("/whep/north", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


def test_health_names_who_is_ill(box: Box, client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    box.statuses["south"].state = CameraState.FAILED
    ill = client.get("/healthz")
    assert ill.status_code == 503
    assert ill.json()["cameras"] == {"north": "connecting", "south": "failed"}


def test_metrics_are_prometheus_text(box: Box, client: TestClient) -> None:
    box.statuses["north"].fps_in = 25.0
    box.streams["north"].facts_unsent = 3
    box.facts.lost_by_listeners = 2
    text = client.get("/metrics").text
    assert 'touchline_camera_facts_unsent_total{camera="north"} 3.0' in text
    assert "touchline_stream_facts_dropped_total 2.0" in text
    assert 'touchline_camera_fps_in{camera="north"} 25.0' in text
    assert 'touchline_camera_state{camera="north",state="connecting"} 1.0' in text


def test_documentation_lists_the_api(client: TestClient) -> None:
    assert client.get("/docs").status_code == 200
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/v1/cameras", "/api/v1/facts", "/api/v1/facts/stream", "/whep/{camera}", "/healthz"} <= set(paths)


def test_a_page_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/api/v1/cameras")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


def test_only_loopback_names_unless_opened_to_the_network(client: TestClient) -> None:
    assert client.get("/api/v1/cameras", headers={"Host": "evil.example"}).status_code == 400
    opened = make_box(venue("0.0.0.0"))
    with TestClient(make_app(opened), base_url="http://venue.example") as other:
        assert other.get("/api/v1/cameras").json()["unguarded"] is True


def test_turn_passwords_stay_out_of_repr_and_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURN_PASSWORD", "s3cret")
    webrtc = venue().webrtc.model_copy(
        update={"turn": "turn:t.example:3478", "turn_username": "u", "turn_credential": "${TURN_PASSWORD}"}
    )
    box = make_box(venue().model_copy(update={"webrtc": webrtc}))
    with TestClient(make_app(box), base_url="http://localhost") as client:
        assert client.get("/api/v1/ice").json()["iceServers"][0]["credential"] == "s3cret"
        assert "s3cret" not in json.dumps(client.get("/api/v1/cameras").json())
    assert "s3cret" not in repr(box.sessions.ice)
