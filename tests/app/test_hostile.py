"""Clients that mean ill, over real sockets: each is told so in one line or hung up on, and the others play on."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.app.page_box import PageBox
from tests.deliver.offers import CHROMIUM
from touchline.app import patience, server
from touchline.deliver.factlog import LISTENERS
from touchline.types import Fact, fact_id
from touchline.types.factjson import FactJson

WAIT_S = 60


@pytest.fixture
def box() -> Iterator[PageBox]:
    made = PageBox({"north": "North"})
    yield made
    made.stop()


def until(good: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not good():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def connect(box: PageBox, sent: bytes = b"", *, window: int = 0) -> socket.socket:
    line = socket.socket()
    line.settimeout(WAIT_S)
    if window:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    line.connect(("127.0.0.1", box.port))
    line.sendall(sent)
    return line


def read_all(line: socket.socket) -> bytes:
    """What comes until the other side hangs up, in whichever way."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := line.recv(65536):
            found += data
    return found


def ask(method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def well(box: PageBox) -> bool:
    with urllib.request.urlopen(box.url + "/api/v1/cameras", timeout=WAIT_S) as answer:
        return bool(json.load(answer)["cameras"])


SDP = "Content-Type: application/sdp"
FRAGMENT = "Content-Type: application/trickle-ice-sdpfrag"
REQUESTS = {
    "up and away": (ask("GET", "/web/../../../../etc/passwd"), (404,)),
    "up and away, in disguise": (ask("GET", "/web/%2e%2e%2f%2e%2e%2fserver.py"), (404,)),
    "backslashes": (ask("GET", "/web/..%5c..%5cserver.py"), (404,)),
    "a null byte": (ask("GET", "/web/%00"), (404,)),
    "a name without end": (ask("GET", "/web/" + "a" * 5000), (404,)),
    "not UTF-8": (ask("GET", "/watch/%ff%fe"), (404,)),
    "an emoji": (ask("GET", "/watch/%F0%9F%8E%A5"), (404,)),
    "right to left": (ask("GET", "/watch/%E2%80%AEgnp"), (404,)),
    "lines in a name": (ask("GET", "/watch/a%0d%0aSet-Cookie:%20x"), (404,)),
    "a long name": (ask("POST", "/whep/" + "n" * 9000, b"v=0", SDP), (404,)),
    "raw bytes in the target": (b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", (400,)),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200 + b"\r\n\r\n", (400,)),
    "another's host": (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", (400,)),
    "no host": (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", (400,)),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * 200_000, (400, 431)),
    "two lengths": (ask("POST", "/whep/north", b"v=0", SDP, "Content-Length: 9"), (400,)),
    "a negative length": (ask("POST", "/whep/north", b"", SDP, "Content-Length: -1"), (400,)),
    "a chunk beyond belief": (
        ask("POST", "/whep/north", b"", SDP, "Transfer-Encoding: chunked") + b"fffffffffffffffffffff\r\n",
        (400,),
    ),
    "chunks that are none": (
        ask("POST", "/whep/north", b"", SDP, "Transfer-Encoding: chunked") + b"zz\r\n\r\n",
        (400,),
    ),
    "an upgrade": (
        ask("GET", "/healthz", b"", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        (200,),
    ),
    "TRACE": (ask("TRACE", "/healthz"), (405,)),
    "no method": (ask("BREW", "/api/v1/facts"), (405,)),
    "JSON for SDP": (ask("POST", "/whep/north", b"[" * 30_000, "Content-Type: application/json"), (415,)),
    "deep JSON as SDP": (ask("POST", "/whep/north", b"[" * 60_000, SDP), (400, 406, 413)),
    "no type": (ask("POST", "/whep/north", CHROMIUM.encode()), (415,)),
    "SDP without end": (ask("POST", "/whep/north", b"a=x\r\n" * 40_000, SDP), (413,)),
    "SDP of one line": (ask("POST", "/whep/north", b"m=video 9 " + b"9 " * 30_000, SDP), (400, 406, 413)),
    "SDP that is no text": (ask("POST", "/whep/north", b"\xff\x00" * 100, SDP), (400,)),
    "a fragment for nobody": (ask("PATCH", "/whep/north/" + "x" * 3000, b"a=candidate:1", FRAGMENT), (404,)),
    "a cursor that is none": (ask("GET", "/api/v1/facts?since=%00%F0%9F"), (400,)),
    "a limit beyond belief": (ask("GET", "/api/v1/facts?limit=" + "9" * 6000), (422,)),
    "a limit of words": (ask("GET", "/api/v1/facts?limit=%0Aall"), (422,)),
    "kinds without end": (ask("GET", "/api/v1/facts?" + "kind=x&" * 2000), (200,)),
    "a last event from elsewhere": (ask("GET", "/api/v1/facts/stream", b"", "Last-Event-ID: \x7f; drop"), (400,)),
    "a range of a file": (ask("GET", "/web/app.js", b"", "Range: bytes=-1,0-,9-1"), (200, 206, 400, 416)),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_means_ill_is_answered_in_one_line(
    box: PageBox, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sent, statuses = REQUESTS[name]
    line = connect(box)
    with contextlib.suppress(ConnectionError):  # hung up on before it had said all
        line.sendall(sent)
    head, _, body = read_all(line).partition(b"\r\n\r\n")
    assert int(head.split()[1]) in statuses, head
    if b"chunked" in head.lower():
        body = body.split(b"\r\n")[1]  # there is but one
    if int(head.split()[1]) >= 400 and b"text/html" not in head:  # the page itself says it to people
        assert len(body) < 400
        assert b"\n" not in body.strip()
    assert b"Set-Cookie" not in head
    assert well(box)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_slow_heads_are_hung_up_on_while_others_are_answered(
    box: PageBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "REQUEST_S", 2.0)
    beginnings = [b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "]
    answered = ask("GET", "/healthz").replace(b"Connection: close\r\n", b"")
    lines = [connect(box, beginnings[number % 3]) for number in range(60)]
    later = connect(box, answered)
    assert later.recv(20).startswith(b"HTTP/1.1 200")
    later.sendall(b"GET / HTTP/1.1\r\n")  # the second request of a connection may be as slow
    assert well(box)
    for line in [*lines, later]:
        read_all(line)  # ends, for the box hangs up
    until(lambda: len(box.connections) == 0)


def test_a_slow_body_is_told_so(box: PageBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_S", 1.0)
    head = f"POST /whep/north HTTP/1.1\r\nHost: 127.0.0.1\r\n{SDP}\r\nContent-Length: 500\r\n\r\nv=0"
    lines = [connect(box, head.encode()) for _ in range(20)]
    gone = connect(box, head.encode())
    gone.close()
    assert well(box)
    for line in lines:
        assert line.recv(200).startswith(b"HTTP/1.1 408")
        line.close()


def fill(box: PageBox, count: int, size: int) -> None:
    text = "x" * size
    facts = [FactJson.of(Fact(fact_id(0), "north", "tracks", at, {"text": text})) for at in range(count)]

    def add() -> None:
        for fact in facts:
            box.box.facts.add(fact)

    box.call(add)


def test_listeners_that_never_read_are_bounded_and_hung_up_on(
    box: PageBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STUCK_S", 2.0)
    stream = ask("GET", "/api/v1/facts/stream")
    lines = [connect(box, stream, window=4096) for _ in range(LISTENERS)]
    until(lambda: box.box.facts.listeners == LISTENERS)
    refused = read_all(connect(box, stream))
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"listen to facts already" in refused
    end = time.monotonic() + WAIT_S
    while box.box.facts.listeners:
        fill(box, 100, 50_000)
        assert well(box)
        assert time.monotonic() < end, "it goes on feeding those who never read"
        time.sleep(0.1)
    until(lambda: len(box.connections) == 0)
    with urllib.request.urlopen(box.url + "/api/v1/facts/stream", timeout=WAIT_S) as listening:
        until(lambda: box.box.facts.listeners == 1)
        fill(box, 1, 3)
        assert listening.readline().startswith(b"id: ")
    for line in lines:
        line.close()


def test_answers_that_nobody_reads_do_not_pile_up(box: PageBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "STUCK_S", 2.0)
    fill(box, 600, 50_000)
    lines = [connect(box, ask("GET", "/api/v1/facts"), window=4096) for _ in range(10)]
    assert well(box)
    until(lambda: len(box.connections) == 0)
    for line in lines:
        line.close()


def test_offers_without_end_leave_the_box_answering(box: PageBox) -> None:
    """What becomes of the sessions is in tests/deliver/test_webrtc.py."""
    post = ask("POST", "/whep/north", CHROMIUM.encode(), SDP)
    statuses: list[int] = []
    for _ in range(300):
        answer = read_all(connect(box, post))
        head, _, body = answer.partition(b"\r\n\r\n")
        statuses.append(int(head.split()[1]))
        if statuses[-1] != 201:
            assert b"try again" in body
            assert len(body) < 200
    assert set(statuses) <= {201, 503}
    assert len(box.box.sessions) <= 200
    assert well(box)
