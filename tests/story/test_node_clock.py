"""Offset and drift of a node's clock, found out from messages that come late by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.story.node_clock import BUCKET_S, BUCKETS, MAX_DRIFT, NodeClock


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


def test_the_first_message_is_taken_as_quick() -> None:
    clock = NodeClock()
    clock.update(5.0, 20.0)
    assert clock.media_s(5.0) == 20.0
    assert clock.media_s(6.0) == 21.0
    assert clock.drift is None


def test_the_quickest_message_tells_the_offset() -> None:
    clock = NodeClock()
    for stamp, delay in ((1.0, 0.5), (2.0, 0.01), (3.0, 4.0)):
        clock.update(stamp, 50 + stamp + delay)
    assert clock.media_s(3.0) == pytest.approx(53.01)


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
    clock.update(0.0, 10.0)
    clock.update(100.0, 110.0 + 3.0)
    assert clock.drift == pytest.approx(MAX_DRIFT)
    assert clock.media_s(100.0) <= 113.0


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


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), min_size=1, max_size=80))
def test_any_stamps_and_times_give_a_number(points: list[tuple[float, float]]) -> None:
    clock = NodeClock()
    for stamp, arrived in points:
        clock.update(stamp, arrived)
        assert abs(clock.media_s(stamp)) < 1e10
        assert abs(clock.drift or 0.0) <= MAX_DRIFT
