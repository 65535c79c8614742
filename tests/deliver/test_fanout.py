"""Who gets what when a viewer is slow, late or gone."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from touchline.deliver.fanout import FACTS_KEPT, KEY_REQUEST_GAP, LATE_UNITS, CameraStream, Subscription
from touchline.types.fact import Fact
from touchline.types.factjson import FactJson
from touchline.types.packet import Packet, StreamInfo

START = b"\x00\x00\x00\x01"
INFO = StreamInfo("h264", 320, 240, 30.0, START + b"\x67\x64\x00\x1f" + START + b"\x68\xee")


def picture(pts: int, key: bool = False, size: int = 10) -> Packet:
    return Packet(START + bytes([0x65 if key else 0x41]) + b"\x01" * size, pts, key)


def fact(pts: int) -> Fact:
    return Fact(f"id-{pts}", "cam", "tracks", pts, {"type": "mine", "n": pts})


class Clock:
    """Time that stands still until told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Listener:
    """Takes everything at once, or nothing while it sleeps."""

    def __init__(self, stream: CameraStream) -> None:
        self.got: list[tuple[int, bool]] = []
        self.asleep = False
        self.stream = stream
        self.subscription: Subscription = stream.subscribe(self.ready)
        self.ready()

    def ready(self) -> None:
        if self.asleep or not hasattr(self, "subscription"):
            return
        while (unit := self.subscription.take()) is not None:
            self.got.append((unit.pts, unit.is_key))

    def wake(self) -> None:
        self.asleep = False
        self.ready()


def test_every_viewer_gets_every_picture_in_order() -> None:
    stream = CameraStream("cam")
    listeners = [Listener(stream) for _ in range(3)]
    for i in range(20):
        stream.publish(picture(i, key=i % 10 == 0))
    for listener in listeners:
        assert [pts for pts, _ in listener.got] == list(range(20))
    assert stream.viewers == 3
    assert stream.packets_dropped == 0


def test_who_joins_later_begins_with_the_last_key_picture() -> None:
    stream = CameraStream("cam")
    for i in range(25):
        stream.publish(picture(i, key=i % 10 == 0))
    late = Listener(stream)
    assert late.got == [(i, i == 20) for i in range(20, 25)]
    stream.publish(picture(25))
    assert late.got[-1] == (25, False)


def test_a_viewer_before_any_key_picture_waits_for_one() -> None:
    stream = CameraStream("cam")
    asked: list[int] = []
    stream.request_key = lambda: asked.append(1)
    listener = Listener(stream)
    assert asked == [1]
    stream.publish(picture(0))
    stream.publish(picture(1, key=True))
    assert listener.got == [(1, True)]


def test_a_slow_viewer_loses_whole_groups_and_blocks_nobody() -> None:
    stream = CameraStream("cam", gop_units=20)
    quick, slow = Listener(stream), Listener(stream)
    stream.publish(picture(0, key=True))
    slow.asleep = True
    for i in range(1, 200):
        stream.publish(picture(i, key=i % 50 == 0))
        assert slow.subscription.backlog <= 20 + LATE_UNITS
    assert [pts for pts, _ in quick.got] == list(range(200))
    assert quick.subscription.dropped == 0
    assert slow.subscription.dropped == stream.packets_dropped > 0
    slow.wake()
    for i in range(200, 260):
        stream.publish(picture(i, key=i % 50 == 0))
    gaps = [b for a, b in pairwise(slow.got) if b[0] != a[0] + 1]
    assert gaps
    assert all(key for _, key in gaps)
    assert slow.got[-1] == (259, False)
    assert len(slow.got) + slow.subscription.dropped == 260


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), max_size=200))
def test_a_viewer_never_gets_a_picture_it_cannot_decode(steps: list[tuple[bool, bool, int]]) -> None:
    stream = CameraStream("cam", gop_units=5, gop_bytes=200)
    listener = Listener(stream)
    for pts, (key, asleep, size) in enumerate(steps):
        if asleep:
            listener.asleep = True
        else:
            listener.wake()
        stream.publish(picture(pts, key, size=10 + 60 * size))
    listener.wake()
    before = None
    for pts, key in listener.got:
        assert key or before == pts - 1
        before = pts
    assert len(listener.got) + listener.subscription.dropped == len(steps)
    assert stream.packets_dropped == listener.subscription.dropped


def test_key_pictures_are_asked_for_at_a_bounded_rate() -> None:
    clock = Clock()
    stream = CameraStream("cam", clock=clock)
    asked: list[float] = []
    stream.request_key = lambda: asked.append(clock.now)
    for _ in range(100):
        stream.ask_for_key()
        clock.now += KEY_REQUEST_GAP / 10
    assert len(asked) == 10


def test_a_group_of_pictures_too_long_is_not_cached() -> None:
    for bounds in ({"gop_units": 10}, {"gop_bytes": 150}):
        stream = CameraStream("cam", **bounds)
        for i in range(30):
            stream.publish(picture(i, key=i == 0))
        assert Listener(stream).got == []
        stream.publish(picture(30, key=True))
        assert Listener(stream).got == [(30, True)]


def test_a_new_format_empties_the_cache_and_the_same_does_not() -> None:
    stream = CameraStream("cam")
    stream.publish_info(INFO)
    stream.publish(picture(0, key=True))
    stream.publish_info(StreamInfo("h264", 320, 240, 30.0, INFO.extradata))
    assert Listener(stream).got == [(0, True)]
    stream.publish_info(StreamInfo("h264", 640, 480, 30.0, INFO.extradata))
    assert Listener(stream).got == []


def test_skipping_what_was_cached_is_no_loss_and_skipping_more_is() -> None:
    stream = CameraStream("cam")
    for i in range(40):
        stream.publish(picture(i, key=i == 0))
    late = stream.subscribe(lambda: None)
    for _ in range(10):
        late.take()
    for i in range(40, 45):
        stream.publish(picture(i))
    stream.publish(picture(45, key=True))
    assert [unit.pts for unit in iter(late.take, None)] == [45]
    assert late.dropped == stream.packets_dropped == 5
    for i in range(46, 91):
        stream.publish(picture(i))
    stream.publish(picture(91, key=True))
    assert late.dropped == 5 + 45


def test_facts_are_told_once_to_each_and_kept_for_who_joins() -> None:
    stream = CameraStream("cam")
    listener = Listener(stream)
    stream.publish(picture(0, key=True))
    for pts in (0, 3000, 6000):
        stream.publish_fact(FactJson.of(fact(pts)))
    stream.publish(picture(3000, key=True))
    first = listener.subscription.take_fact()
    assert first is not None
    body = json.loads(first.data)
    assert body["type"] == "fact"
    assert (body["pts"], body["kind"], body["n"], body["id"]) == (0, "tracks", 0, "id-0")
    late = stream.subscribe(lambda: None)
    told = [m.pts for m in iter(late.take_fact, None)]
    assert told == [3000, 6000]


def test_facts_are_bounded() -> None:
    stream = CameraStream("cam")
    subscription = stream.subscribe(lambda: None)
    for pts in range(FACTS_KEPT + 10):
        stream.publish_fact(FactJson.of(fact(pts)))
    assert stream.facts_unsent == 0, "who has no channel for facts loses none"
    told = [m.pts for m in iter(subscription.take_fact, None)]
    assert told == list(range(10, FACTS_KEPT + 10))
    for pts in range(FACTS_KEPT + 7):
        stream.publish_fact(FactJson.of(fact(pts)))
    assert stream.facts_unsent == 7


def test_leaving_twice_is_no_fault() -> None:
    stream = CameraStream("cam")
    listener = Listener(stream)
    stream.unsubscribe(listener.subscription)
    stream.unsubscribe(listener.subscription)
    stream.publish(picture(0, key=True))
    assert listener.got == []
    assert stream.viewers == 0
