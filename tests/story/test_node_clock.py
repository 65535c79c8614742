"""Offset and drift of a node's clock, found out from messages that come late by chance."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from touchline.story.node_clock import (
    AGREEING,
    AGREEING_OVER_S,
    BUCKET_S,
    BUCKETS,
    DRIFT_AFTER_S,
    MAX_DRIFT,
    STEP_S,
    NodeClock,
    Stamped,
)

UNKNOWN_S = 200e-6 * (DRIFT_AFTER_S + 4 * BUCKET_S)
"""What a drift of 200 ppm comes to until it is known."""


def hear(
    clock: NodeClock, seconds: float, every: float, drift: float, jitter: float, seed: int = 0
) -> list[tuple[float, float]]:
    """What the node stamped, and when it was: at 100 + stamp · (1 + drift); each is heard late by 2 ms or more."""
    rng = np.random.default_rng(seed)
    told: list[tuple[float, float]] = []
    for stamp in np.arange(0.0, seconds, every):
        true = 100 + stamp * (1 + drift)
        clock.update(stamp, true + 0.002 + rng.exponential(jitter))
        told.append((stamp, true))
    return told


def test_until_enough_agree_a_message_is_placed_when_it_came() -> None:
    clock = NodeClock()
    for index, delay in enumerate((0.5, 0.0, 0.3, 0.4)):
        assert clock.update(5.0 + index, 20.0 + index + delay) == Stamped(20.0 + index + delay)
    assert clock.drift is None
    assert clock.update(9.0, 24.9) == Stamped(pytest.approx(24.4))


def test_the_quickest_messages_tell_the_offset() -> None:
    clock = NodeClock()
    for stamp, delay in enumerate((0.5, 0.01, 0.4, 0.01, 0.01, 0.3)):
        clock.update(stamp, 50 + stamp + delay)
    assert clock.update(9.0, 62.0) == Stamped(pytest.approx(59.01))


@settings(deadline=None, max_examples=12)
@given(st.floats(-200e-6, 200e-6), st.floats(0.001, 0.1), st.integers(0, 1000))
def test_drift_is_followed_for_an_hour(drift: float, jitter: float, seed: int) -> None:
    clock = NodeClock()
    told = hear(clock, 3600, 2.0, drift, jitter, seed)
    assert clock.drift == pytest.approx(drift, abs=jitter / 60)
    errors = [clock.media_s(stamp) - true for stamp, true in told[-30:]]
    assert max(map(abs, errors)) < 0.004 + jitter / 4


def test_a_node_that_seldom_speaks_drifts_no_further_than_its_crystal_can() -> None:
    clock = NodeClock()
    for stamp in (0.0, 1.0, 2.0, 3.0, 4.0):
        clock.update(stamp, 10.0 + stamp)
    clock.update(100.0, 110.9)
    assert clock.drift == pytest.approx(MAX_DRIFT)
    assert clock.media_s(100.0) <= 110.9


def test_late_tellings_of_long_ago_move_nothing() -> None:
    clock = NodeClock()
    hear(clock, 3600, 1.0, 50e-6, 0.01)
    before = clock.media_s(3600.0)
    for stamp in (0.0, 1000.0, 3500.0):
        clock.update(stamp, 3800.0)
    assert clock.media_s(3600.0) == before


def test_no_more_is_kept_than_ten_minutes_take() -> None:
    clock = NodeClock()
    hear(clock, 2 * BUCKETS * BUCKET_S, 1.0, 0.0, 0.01)
    assert len(clock._lowest) == BUCKETS  # pyright: ignore[reportPrivateUsage]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), min_size=1, max_size=80))
def test_any_stamps_and_times_give_a_number(points: list[tuple[float, float]]) -> None:
    clock = NodeClock()
    for stamp, arrived in points:
        clock.update(stamp, arrived)
        assert abs(clock.media_s(stamp)) < 1e10
        assert abs(clock.drift or 0.0) <= MAX_DRIFT


def errors(stamps: list[float], delays: list[float], drift: float, wrong: dict[int, float]) -> list[Stamped]:
    """What is made of stamps that are ``wrong`` by so much, each less the truth."""
    clock, found = NodeClock(), list[Stamped]()
    for index, (stamp, delay) in enumerate(zip(stamps, delays, strict=True)):
        true = 1000 + stamp * (1 + drift)
        stamped = clock.update(500 + stamp + wrong.get(index, 0.0), true + delay)
        found.append(dataclasses.replace(stamped, media_s=stamped.media_s - true))
    return found


@settings(deadline=None, max_examples=60)
@given(
    drift=st.floats(-200e-6, 200e-6),
    jitter=st.floats(0.0, 0.4),
    every=st.sampled_from([0.2, 1.0, 10.0]),
    off=st.floats(-30, 30),
    data=st.data(),
)
@example(drift=0.0, jitter=0.0, every=1.0, off=25.0, data=None)
def test_one_wrong_stamp_of_any_size_misplaces_nothing_else(
    drift: float, jitter: float, every: float, off: float, data: st.DataObject | None
) -> None:
    where = 20 if data is None else data.draw(st.integers(0, 249))
    delays = np.random.default_rng(where).uniform(0, jitter, 250).tolist()
    found = errors([every * index for index in range(250)], delays, drift, {where: off})
    del found[where]
    late, early = max(one.media_s for one in found), min(one.media_s for one in found)
    assert late <= jitter + UNKNOWN_S
    assert early >= -jitter - UNKNOWN_S
    assert not any(one.began_anew for one in found)


@settings(deadline=None, max_examples=60)
@given(
    st.floats(-200e-6, 200e-6),
    st.floats(0.0, 0.4),
    st.sampled_from([0.02, 0.5, 1.0, 10.0]),
    st.one_of(st.floats(STEP_S + 0.5, 1e7), st.floats(-1e7, -STEP_S - 0.5)),
    st.integers(0, 200),
)
def test_a_clock_that_was_set_is_followed_once_a_few_messages_agree(
    drift: float, jitter: float, every: float, step: float, where: int
) -> None:
    number = max(AGREEING, math.ceil(AGREEING_OVER_S / every) + 1)
    whole = where + number + 50
    delays = np.random.default_rng(where).uniform(0, jitter, whole).tolist()
    wrong = dict.fromkeys(range(where, whole), step)
    found = errors([every * index for index in range(whole)], delays, drift, wrong)
    assert sum(one.began_anew for one in found) <= 1
    for one in (*found[:where], *found[where + number - 1 :]):
        assert -jitter - UNKNOWN_S <= one.media_s <= jitter + UNKNOWN_S
    if step > 0:  # never placed after it came
        assert all(one.media_s <= jitter + UNKNOWN_S for one in found)


def test_a_stamp_far_ahead_is_told() -> None:
    found = errors([*range(20)], [0.01] * 20, 0.0, {10: 25.0, 12: 0.5, 14: -25.0})
    assert [index for index, one in enumerate(found) if one.ahead] == [10]
    assert found[14].media_s == pytest.approx(-25, abs=0.02), "like one that took so long"


def test_what_comes_late_in_one_flash_is_no_clock_that_was_set() -> None:
    clock = NodeClock()
    for second in range(10):
        clock.update(second, 100.0 + second)
    for index in range(100):
        stamped = clock.update(10 + index / 5, 130.0 + index / 1000)
        assert stamped == Stamped(pytest.approx(110 + index / 5))


def test_the_same_wrong_stamp_again_and_again_between_right_ones_is_none_that_was_set() -> None:
    found = errors([*range(60)], [0.01] * 60, 0.0, dict.fromkeys(range(10, 60, 2), -25.0))
    assert not any(one.began_anew for one in found)
    assert [one.media_s for one in found[11::2]] == pytest.approx([0.01] * 25)


def test_a_clock_is_known_however_fast_its_messages_come() -> None:
    clock = NodeClock()
    for index in range(3000):
        clock.update(index / 1000, 100 + index / 1000)
    assert clock.update(3.0, 104.0) == Stamped(pytest.approx(103.0))
