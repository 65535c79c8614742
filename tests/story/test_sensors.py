"""Messages and times in, facts on the box's clock and counts out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from touchline.story.node_clock import AGREEING
from touchline.story.sensors import BURST_S, SHUT_OUT_S, TURNS, TURNS_WITHIN_S, Node, Sensors
from touchline.types import ALL_CAMERAS, MEDIA_CLOCK, Fact, NodeStatus, Refusal


class Venue:
    """Two nodes; the microphone's clock reads 0 at media time 100 s, and its messages take 10 ms."""

    def __init__(self, **limits: float) -> None:
        self.sensors = Sensors([Node("mic", "sound", "north"), Node("wrist", "motion")], **limits)
        self.seq = 0

    def tell(
        self, t_s: float, *, node: str = "mic", late_s: float = 0.01, now: float | None = None, **fields: Any
    ) -> Fact | None:
        message = {"seq": self.seq, "t_ms": t_s * 1000, "kind": "whistle", "score": 0.5, **fields}
        self.seq += 1
        now = 100 + t_s + late_s if now is None else now
        return self.sensors.take(node, json.dumps(message).encode(), now, 1)

    def settle(self, t_s: float = 0.0, **fields: Any) -> None:
        """Enough heartbeats from ``t_s`` on for its clock to be known."""
        for index in range(AGREEING):
            self.tell(t_s + index / 2, kind="heartbeat", **fields)

    def status(self, now: float = 0.0) -> NodeStatus:
        return self.sensors.statuses(now)[0]


def placed(fact: Fact | None) -> float:
    assert fact is not None
    return fact.pts / MEDIA_CLOCK


def test_a_message_becomes_a_fact_of_its_node_s_camera() -> None:
    fact = Venue().tell(2.0, level_db=-3.5)
    assert fact is not None
    assert (fact.camera, fact.kind) == ("north", "whistle")
    assert fact.data == {"node": "mic", "sensor": "sound", "seq": 0, "score": 0.5, "level_db": -3.5}
    other = Venue().tell(2.0, node="wrist")
    assert other is not None
    assert other.camera == ALL_CAMERAS


def test_late_ones_are_placed_where_they_happened() -> None:
    venue = Venue()
    venue.settle()
    assert placed(venue.tell(2.0, late_s=20.0)) == pytest.approx(102.01, abs=1e-4)
    assert venue.status().delay_ms == pytest.approx(19_990)
    assert venue.tell(3.0, late_s=40.0) is None
    assert venue.status().refused == {Refusal.LATE: 1}
    assert "30 s at most" in (venue.status().reason or "")


def test_what_the_node_held_back_is_placed_right_from_the_first_message_on() -> None:
    assert placed(Venue().tell(2.0, sent_ms=9000, late_s=7.01)) == pytest.approx(102.01, abs=1e-4)


def test_nothing_is_placed_after_now_or_before_the_box_began() -> None:
    venue = Venue()
    venue.tell(1.0)
    assert placed(venue.tell(1.5, now=101.0)) == pytest.approx(101.0)
    early = Sensors([Node("mic", "sound")])
    assert early.take("mic", b'{"seq":1,"t_ms":1000,"sent_ms":9000,"kind":"a","score":0}', 2.0, 1) is None
    assert early.statuses(2.0)[0].refused == {Refusal.LATE: 1}


def test_doubled_ones_are_known_by_their_number() -> None:
    venue = Venue()
    assert venue.tell(1.0, seq=5)
    assert venue.tell(1.0, seq=5, late_s=3.0) is None
    assert venue.tell(0.5, seq=4, late_s=3.0), "another, overtaken"
    assert venue.tell(1.0, seq=5, node="wrist"), "numbers are each node's own"
    assert venue.status().refused == {Refusal.DOUBLED: 1}
    assert venue.status().restarts == 0


@pytest.mark.parametrize("boots", [(None, None), ("a", "b"), (1, 2)])
def test_a_node_that_restarts_gets_a_new_clock(boots: tuple[Any, Any]) -> None:
    venue = Venue()
    for index in range(3):
        venue.tell(50.0 + index, seq=index, **({"boot": boots[0]} if boots[0] else {}))
    again = {"boot": boots[1]} if boots[1] else {}
    assert placed(venue.tell(0.1, seq=0, now=200.0, **again)) == pytest.approx(200.0)
    assert placed(venue.tell(1.1, seq=1, now=201.5, **again)) == pytest.approx(201.5)
    assert venue.status().restarts == 1
    if boots[0]:
        assert venue.tell(53.0, seq=3, boot=boots[0], now=202.0) is None, "of before its restart"
        assert venue.status().refused == {Refusal.LATE: 1}
        assert venue.status().restarts == 1


@pytest.mark.parametrize("boot", [None, 7])
def test_a_clock_that_runs_over_is_followed_after_five_messages(boot: int | None) -> None:
    venue = Venue()
    same = {} if boot is None else {"boot": boot}
    venue.settle(4_294_960.0, **same)
    for index in range(AGREEING - 1):
        assert venue.tell(1.0 + index, now=4_295_070.0 + index, **same) is None
    assert placed(venue.tell(5.0, now=4_295_074.0, **same)) == pytest.approx(4_295_074.0)
    assert placed(venue.tell(6.0, now=4_295_075.5, **same)) == pytest.approx(4_295_075.0)
    assert (venue.status().restarts, venue.status().refused) == (1, {Refusal.LATE: AGREEING - 1})


def test_one_stamp_far_ahead_is_placed_when_it_came_and_counted_and_moves_nothing() -> None:
    venue = Venue()
    venue.settle()
    assert placed(venue.tell(28.0, now=103.0)) == pytest.approx(103.0)
    for second in range(4, 30):
        assert placed(venue.tell(float(second))) == pytest.approx(100.01 + second, abs=1e-4)
    assert (venue.status().ahead, venue.status().restarts) == (1, 0)


@pytest.mark.parametrize("boot", [None, 7])
def test_one_event_told_much_too_late_is_no_restart(boot: int | None) -> None:
    venue = Venue()
    same = {} if boot is None else {"boot": boot}
    venue.settle(98.0, **same)
    for second in range(101, 105):
        assert venue.tell(50.0, now=100.0 + second, **same) is None
        assert placed(venue.tell(float(second), **same)) == pytest.approx(100.01 + second, abs=1e-3)
    for _ in range(5):
        assert venue.tell(50.0, seq=AGREEING, now=305.0, **same) is None, "doubled, however often"
    assert venue.status().restarts == 0


@pytest.mark.parametrize("apart_s", [7.0, 10_800.0])
@pytest.mark.parametrize("first_seq", [0, 5000])
def test_two_devices_with_one_id_are_told_and_heard_again_once_one_is_gone(apart_s: float, first_seq: int) -> None:
    venue = Venue()
    for second in range(60):
        venue.tell(float(second), seq=second)
        venue.tell(second + apart_s, seq=first_seq + second, now=100.5 + second)
    status = venue.status()
    assert status.refused[Refusal.TWINS] > 80
    assert "two devices seem to use this id" in (status.reason or "")
    assert status.restarts <= TURNS
    late_s = 60 + TURNS_WITHIN_S
    assert venue.tell(late_s, seq=6000), "one alone"


@pytest.mark.parametrize("boots", [("a", "b"), (7, 7)])
def test_two_devices_with_one_id_and_boot_are_told_and_one_is_heard(boots: tuple[Any, Any]) -> None:
    venue = Venue()
    for second in range(60):
        venue.tell(float(second), seq=second, boot=boots[0])
        assert (venue.tell(second + 0.5, seq=second, boot=boots[1]) is not None) == (boots == ("a", "b"))
    status = venue.status()
    assert status.refused[Refusal.TWINS] > 50
    assert "two devices seem to use this id" in (status.reason or "")
    assert status.facts >= 60
    assert status.restarts <= 1


@pytest.mark.parametrize("boot", [False, True])
def test_a_node_that_restarts_seldom_or_with_another_boot_each_time_is_no_two(boot: bool) -> None:
    venue = Venue()
    apart_s = 2.0 if boot else TURNS_WITHIN_S / TURNS + 5
    for start in range(3 * TURNS):
        for seq in range(2):
            now = 100 + start * apart_s + seq
            assert venue.tell(start + seq / 10, seq=seq, now=now, **({"boot": start} if boot else {}))
    assert Refusal.TWINS not in venue.status().refused
    assert venue.status().restarts == 3 * TURNS - 1


def test_doubles_are_no_sign_of_two_devices() -> None:
    venue = Venue()
    for second in range(60):
        venue.tell(float(second), seq=second, boot=1)
        venue.tell(float(second), seq=second, boot=1, sent_ms=second * 1000 + 50)
    assert venue.status().refused == {Refusal.DOUBLED: 60}


def test_heartbeats_make_no_fact_but_set_the_clock() -> None:
    venue = Venue()
    venue.settle()
    assert placed(venue.tell(3.0, late_s=5.0)) == pytest.approx(103.01, abs=1e-4)
    assert (venue.status().heartbeats, venue.status().facts) == (AGREEING, 1)


def test_a_node_that_floods_is_shut_out_until_it_stops() -> None:
    venue = Venue(rate=10)
    taken = [venue.tell(1.0 + index / 1000) is not None for index in range(200)]
    allowed = round(10 * BURST_S)
    assert taken.count(True) in (allowed, allowed + 1)
    assert not any(taken[allowed + 2 :])
    status = venue.status(101.3)
    assert status.flooding
    assert status.refused[Refusal.FLOOD] == taken.count(False)
    assert venue.sensors.heard_alone(101.3) == ["wrist"]
    assert venue.tell(2.0, node="wrist"), "nobody else pays for it"
    assert venue.tell(5.0) is None
    after = 1.2 + SHUT_OUT_S + 0.5
    assert venue.tell(after)
    assert not venue.status(100 + after).flooding
    assert venue.sensors.heard_alone(100 + after) is None


def test_who_floods_again_and_again_is_shut_out_longer_and_longer() -> None:
    venue = Venue(rate=10)
    now, shut = 1.0, []
    for _ in range(8):
        while venue.sensors.heard_alone(100 + now) is None:
            venue.tell(now)
            now += 0.001
        begin = now
        while venue.sensors.heard_alone(100 + now) is not None:
            now += 0.1  # unsubscribed: nothing comes
        shut.append(round(now - begin))
    assert shut == [10, 20, 40, 80, 160, 320, 320, 320]
    now += 400
    assert venue.tell(now)
    while venue.sensors.heard_alone(100 + now) is None:
        venue.tell(now)
        now += 0.001
    assert venue.sensors.heard_alone(100 + now + 11) is None, "all is forgiven in time"


def test_nodes_nobody_named_are_counted_together() -> None:
    venue = Venue(rate=10)
    for index in range(100):
        assert venue.tell(1.0, node=f"stranger-{index}") is None
    assert (venue.sensors.strangers.count, venue.sensors.strangers.last) == (100, "stranger-99")
    assert venue.sensors.heard_alone(101.0) == ["mic", "wrist"]
    assert venue.tell(1.0)


def test_a_node_of_a_serial_line_is_heard_there_alone() -> None:
    sensors = Sensors([Node("mic", "sound", serial=True)])
    message = b'{"seq":1,"t_ms":1,"kind":"a","score":0}'
    assert sensors.take("mic", message, 1.0, 1) is None
    assert sensors.strangers.count == 1
    assert sensors.take("mic", message, 1.0, 1, serial=True)


def test_what_the_broker_had_kept_is_of_unknown_age() -> None:
    sensors = Sensors([Node("mic", "sound")])
    message = b'{"seq":1,"t_ms":1,"kind":"a","score":0}'
    assert sensors.take("mic", message, 1.0, 1, retained=True) is None
    assert sensors.statuses(1.0)[0].refused == {Refusal.RETAINED: 1}


def test_memory_is_bounded_whatever_a_node_sends() -> None:
    venue = Venue(rate=1000)
    for index in range(4000):
        venue.tell(index / 10, seq=index, boot=index // 500)
    known = venue.sensors._nodes["mic"]  # pyright: ignore[reportPrivateUsage]
    assert known.run is not None
    assert len(known.run.seqs) <= 1024
    assert len(known.ended) <= 4
