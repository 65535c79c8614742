"""Falling behind is overload, however few pictures are left out for it."""

from __future__ import annotations

from touchline.live.shed import Load, ShedConfig, Shedder


def test_who_lags_gives_something_up() -> None:
    behind = Load(busy=0.5, skipped=0.0, lag=ShedConfig().max_lag + 0.1)
    shedder = Shedder(5)
    shedder.update(behind)
    assert shedder.shed() == []
    shedder.update(behind)
    assert shedder.shed() == ["analysis rate: 2.5 of 5 Hz"]


def test_who_lags_takes_nothing_back() -> None:
    shedder = Shedder(5)
    for _ in range(2):
        shedder.update(Load(busy=1.0, skipped=0.5, lag=0.0))
    for at in range(6 * ShedConfig().ease_seconds):  # every other second a little behind, never at ease
        shedder.update(Load(busy=0.1, skipped=0.0, lag=0.5 if at % 2 else 0.0))
    assert shedder.plan.detect_hz == 2.5
