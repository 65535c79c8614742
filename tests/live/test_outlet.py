"""The worker's way out while the box does not read: bounded, and whole from key picture to key picture."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from touchline.live import outlet as outlets
from touchline.live.link import Message, Report, Unpacker, pack
from touchline.live.outlet import Outlet
from touchline.types import Fact, FactJson, Packet, StreamInfo

GOP, SIZE = 10, 20_000
MOST = 200_000
INFO = StreamInfo("h264", 64, 64)


def packet(number: int) -> Packet:
    return Packet(number.to_bytes(2, "big") * (SIZE // 2), number, number % GOP == 0)


def fact(number: int) -> Fact:
    return Fact(str(number), "court", "tracks", number, {})


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, socket.socket]]:
    monkeypatch.setattr(outlets, "MAX_PENDING", MOST)
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.settimeout(30)
    with ours, theirs:
        yield ours, theirs


def read(line: socket.socket, unpacker: Unpacker, count: int, until: Message) -> list[Message]:
    """What comes, up to and with ``until`` for the ``count``-th time."""
    found: list[Message] = []
    while found.count(until) < count:
        data = line.recv(1 << 20)
        assert data, "it hung up"
        found += unpacker.feed(data)
    return found


def test_what_waits_is_bounded_and_what_comes_is_whole(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    out = Outlet(ours, threading.Event())
    unpacker = Unpacker()
    out.send(INFO)
    for number in range(10 * GOP):  # ten times what may wait, and the box reads nothing
        out.send(packet(number))
    assert out.packets_dropped > 0
    assert out.facts_dropped == 0
    out.send(fact(0))
    assert out.facts_dropped == 1, "facts go first"
    out.send(Report({"fps_in": 1.0}))  # there is another half a second later
    out.send(INFO)  # without which nothing after it can be read
    taken = read(theirs, unpacker, 2, INFO)
    assert sum(len(pack(message)) for message in taken) <= MOST + 2 * SIZE
    assert [message for message in taken if isinstance(message, FactJson | Report)] == []
    first = [message.pts for message in taken if isinstance(message, Packet)]
    assert first == list(range(len(first)))
    assert len(first) + out.packets_dropped == 10 * GOP

    # There is room again, but the middle of a group of pictures is of no use to anybody.
    out.drain(30)
    for number in range(10 * GOP + 3, 11 * GOP + 3):
        out.send(packet(number))
    out.send(fact(1))
    rest = read(theirs, unpacker, 1, FactJson.of(fact(1)))
    assert [message.pts for message in rest if isinstance(message, Packet)] == [11 * GOP + at for at in range(3)]
    assert len(first) + 3 + out.packets_dropped == 11 * GOP  # three were never sent, three came


def test_a_box_that_is_gone_stops_the_road(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    stop = threading.Event()
    out = Outlet(ours, stop)
    theirs.close()
    out.send(packet(0))
    assert stop.wait(30)
