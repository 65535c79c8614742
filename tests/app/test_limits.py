"""What the settings and the box's state promise reaches jobs, viewers and the API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.deliver.offers import CHROMIUM
from touchline.app import server, wire
from touchline.app.box import Box
from touchline.app.cli import _serve  # pyright: ignore[reportPrivateUsage]
from touchline.app.server import make_app
from touchline.app.settings import AnalysisSettings, CameraSettings, ServerSettings, Venue, WebRtcSettings
from touchline.app.wire import make_box, make_job
from touchline.types import MEDIA_CLOCK, CameraState, Fact, Packet, fact_id
from touchline.types.factjson import FactJson

SDP = {"Content-Type": "application/sdp"}


def venue(**tables: object) -> Venue:
    cameras = [CameraSettings(id="north", source="test:"), CameraSettings(id="south", source="test:")]
    return Venue.model_validate({"cameras": cameras, **tables})


@pytest.fixture
def box() -> Box:
    return make_box(venue(webrtc=WebRtcSettings(max_viewers=2)))


@pytest.fixture
def client(box: Box) -> Iterator[TestClient]:
    with TestClient(make_app(box), base_url="http://127.0.0.1:8080") as made:
        yield made


def test_no_more_viewers_than_the_venue_allows(client: TestClient) -> None:
    answers = [client.post("/whep/north", content=CHROMIUM, headers=SDP) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 503]
    assert "all 2 viewers' places are taken" in answers[2].json()["detail"]
    for answer in answers[:2]:
        assert client.delete(answer.headers["location"]).status_code == 200


def test_what_viewers_lost_is_in_the_camera_s_health(box: Box, client: TestClient) -> None:
    box.streams["south"].packets_dropped = 7
    dropped = {
        camera["id"]: camera["packets_dropped"] for camera in client.get("/api/v1/cameras").json()["cameras"]
    }
    assert dropped == {"north": 0, "south": 7}


def test_latency_is_the_age_of_a_picture_in_milliseconds(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Box, "media_time", lambda _: 20.0)
    box.hear("north", Packet(b"x", round(19.75 * MEDIA_CLOCK), is_key=True))
    assert box.statuses["north"].latency_ms == 250.0
    box.hear("north", Packet(b"x", round(19.65 * MEDIA_CLOCK), is_key=True))
    assert box.statuses["north"].latency_ms == pytest.approx(255, abs=2), "smoothed"
    (north, _) = box.cameras()
    assert north.picture_age_ms == 350.0


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", [0, 1, 2, 3]),
        ("?camera=north", [0, 2]),
        ("?kind=tracks", [0, 1]),
        ("?camera=south&kind=track_started", [3]),
        ("?kind=tracks&kind=track_started", [0, 1, 2, 3]),
    ],
)
def test_an_event_stream_is_of_the_cameras_and_kinds_asked_for(
    box: Box, client: TestClient, query: str, wanted: list[int]
) -> None:
    first = FactJson.of(Fact(fact_id(1), "north", "before", 0, {}))
    box.facts.add(first)
    added = [("north", "tracks"), ("south", "tracks"), ("north", "track_started"), ("south", "track_started")]
    facts = [FactJson.of(Fact(fact_id(2 + at), *one, at, {})) for at, one in enumerate(added)]
    for fact in facts:
        box.facts.add(fact)
    portal = client.portal
    assert portal is not None

    async def read() -> list[str]:
        """As a browser that comes back: what it missed, and then the end."""
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/api/v1/facts/stream",
            "raw_path": b"/api/v1/facts/stream",
            "query_string": query[1:].encode(),
            "headers": [(b"host", b"127.0.0.1"), (b"last-event-id", first.id.encode())],
        }
        sent = bytearray()

        async def receive() -> dict[str, object]:
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            sent.extend(message.get("body", b""))  # type: ignore[arg-type]

        answering = asyncio.create_task(client.app(scope, receive, send))  # type: ignore[arg-type]
        async with asyncio.timeout(30):
            while not box.facts.listeners:
                await asyncio.sleep(0.01)
            box.facts.close()
            await answering
        return re.findall(r"id: (\S+)", sent.decode())

    assert portal.call(read) == [facts[at].id for at in wanted]


def test_a_body_may_be_so_large_and_no_larger(client: TestClient) -> None:
    answer = client.post("/whep/north", content=b"a=x\r\n" * 20_000, headers=SDP)
    assert answer.status_code == 413
    assert answer.json()["detail"] == f"the body is larger than {server.MAX_BODY} bytes"


def test_no_page_elsewhere_may_frame_this_one(client: TestClient) -> None:
    for path in ("/", "/api/v1/cameras", "/watch/north"):
        assert "frame-ancestors 'none'" in client.get(path).headers["content-security-policy"].split("; ")


@pytest.mark.parametrize(
    ("state", "status"), [("live", 200), ("connecting", 200), ("stale", 503), ("failed", 503)]
)
def test_health_by_state(box: Box, client: TestClient, state: str, status: int) -> None:
    box.statuses["north"].state = CameraState(state)
    answer = client.get("/healthz")
    assert answer.status_code == status
    assert answer.json()["ok"] is (status == 200)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_whoever_opens_the_box_to_the_network_is_told_that_nothing_guards_it(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(venue: Venue, *, ready: object, **_: object) -> int:
        assert callable(ready)
        ready("http://127.0.0.1:1/", make_box(venue))
        return 0

    monkeypatch.setattr(wire, "run", run)
    assert _serve(venue(server=ServerSettings(host=host)), None, None, None) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert ("nothing guards it yet" in said) == (host != "127.0.0.1")


def test_a_camera_s_own_settings_win_over_the_venue_s() -> None:
    analysis = AnalysisSettings(model="athlete", detect_hz=5.0, detect_width=640, device="cpu")
    own = CameraSettings(
        id="own", source="test:", model="mine.onnx", detect_hz=12.0, detect_width=320, device="cuda"
    )
    plain = CameraSettings(id="plain", source="test:")
    made = Venue(analysis=analysis, cameras=[own, plain])
    jobs = [make_job(camera, made, 0.0, display=False) for camera in made.cameras]
    assert [(job.model, job.detect_hz, job.detect_width, job.device) for job in jobs] == [
        ("mine.onnx", 12.0, 320, "cuda"),
        ("athlete", 5.0, 640, "cpu"),
    ]
    assert json.dumps([job.to_json() for job in jobs])
