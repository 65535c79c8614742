"""The frame road's pure helpers: pace, shedding, load, rate, who came and who left."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.live.pace import Pace
from touchline.live.progress import Progress
from touchline.live.rate import Rate
from touchline.live.register import Register, tracks_data
from touchline.live.shed import Load, LoadMeter, ShedConfig, Shedder
from touchline.live.undecoded import Undecoded
from touchline.types import MEDIA_CLOCK, Tracks

CALM = Load(busy=0.2, skipped=0.0, lag=0.02)
SWAMPED = Load(busy=1.0, skipped=0.4, lag=0.9)


def tracks(*ids: int) -> Tracks:
    n = len(ids)
    return Tracks(
        np.array(ids, np.int32),
        np.tile(np.array([1, 2, 3, 4], np.float32), (n, 1)),
        np.full(n, 0.5, np.float32),
        np.zeros(n, np.int16),
        np.ones(n, np.bool_),
        ("player", "ball"),
    )


@pytest.mark.parametrize(("fps", "hz"), [(25, 5), (30, 5), (60, 5), (25, 10), (29.97, 5), (50, 3)])
def test_pace_keeps_its_rate_on_average(fps: float, hz: float) -> None:
    pace = Pace()
    due = sum(pace.due(round(at * MEDIA_CLOCK / fps), hz) for at in range(round(fps * 60)))
    assert due == pytest.approx(60 * hz, rel=0.02)


def test_pace_takes_every_frame_of_a_slow_camera() -> None:
    pace = Pace()
    assert all(pace.due(at * MEDIA_CLOCK, 5) for at in range(10))


def test_pace_is_even() -> None:
    pace = Pace()
    due = [at for at in range(250) if pace.due(at * 3600, 5)]
    assert set(np.diff(due).tolist()) == {5}


@pytest.mark.parametrize(("gop", "first"), [(50, 3), (50, 2), (25, 4), (100, 1)])
def test_pace_falls_in_with_the_camera_s_key_frames(gop: int, first: int) -> None:
    pace = Pace()
    due = [at for at in range(1000) if pace.due(at * 3600, 5, is_key=at % gop == first)]
    keys = {at for at in range(gop, 1000) if at % gop == first}
    assert keys - set(due) <= {min(keys)}
    assert len(due) <= 202


@given(st.sampled_from([1.0, 2.0, 5.0, 7.0, 12.0]), st.sampled_from([10, 25, 30, 60]), st.data())
def test_pace_never_detects_much_more_often_for_key_frames(hz: float, fps: int, data: st.DataObject) -> None:
    pace, seconds = Pace(), 20
    keys = data.draw(st.one_of(st.just(1), st.integers(2, 60)))
    due = sum(pace.due(round(at * MEDIA_CLOCK / fps), hz, is_key=at % keys == 0) for at in range(fps * seconds))
    assert due <= 1.2 * min(hz, fps) * seconds + 2


@given(st.lists(st.integers(0, 10 * MEDIA_CLOCK), max_size=60))
def test_pace_survives_time_stamps_in_any_order(stamps: list[int]) -> None:
    pace = Pace()
    for pts in stamps:
        pace.due(pts, 5)
    assert pace.due(10**9, 5)  # a jump is a new beginning


def test_who_wants_boxes_in_every_picture_keeps_them() -> None:
    shedder = Shedder(8, keys=False)
    assert not any(shedder.update(SWAMPED).keys_only for _ in range(20))
    assert shedder.shed() == ["analysis rate: 2 of 8 Hz", "analysis size: 50%"]


def test_shedding_follows_the_order_and_stops_at_the_end() -> None:
    shedder = Shedder(8)
    seen = []
    for _ in range(20):
        plan = shedder.update(SWAMPED)
        if not seen or seen[-1] != plan:
            seen.append(plan)
    rates = [plan.detect_hz for plan in seen]
    scales = [plan.width_scale for plan in seen]
    assert rates == sorted(rates, reverse=True)
    assert scales == sorted(scales, reverse=True)
    first_smaller = next(at for at, scale in enumerate(scales) if scale < 1)
    assert rates[first_smaller] == min(rates), "rate is given up before size"
    assert [plan.keys_only for plan in seen].index(True) == len(seen) - 1
    assert shedder.shed() == [
        "analysis rate: 2 of 8 Hz",
        "analysis size: 50%",
        "analysis of all but key pictures",
    ]


def test_a_detector_of_one_size_sheds_no_size() -> None:
    shedder = Shedder(8, sizes=False)
    for _ in range(20):
        shedder.update(SWAMPED)
    assert shedder.shed() == ["analysis rate: 2 of 8 Hz", "analysis of all but key pictures"]


def test_one_bad_second_sheds_nothing() -> None:
    shedder = Shedder(5)
    for load in (SWAMPED, CALM) * 10:
        shedder.update(load)
    assert shedder.shed() == []


def test_ease_takes_back_step_by_step() -> None:
    shedder = Shedder(5)
    for _ in range(4):
        shedder.update(SWAMPED)
    assert shedder.plan.detect_hz == 1.25
    for _ in range(ShedConfig().ease_seconds):
        shedder.update(CALM)
    assert shedder.plan.detect_hz == 2.5
    for _ in range(ShedConfig().ease_seconds):
        shedder.update(CALM)
    assert shedder.shed() == []


def test_a_step_that_does_not_hold_is_tried_ever_more_rarely() -> None:
    shedder = Shedder(5)
    changes = []
    for second in range(400):
        overloaded = shedder.plan.detect_hz > 2.5  # the box affords 2.5 Hz and no more
        before = shedder.plan
        shedder.update(SWAMPED if overloaded else CALM)
        if shedder.plan != before and shedder.plan.detect_hz > before.detect_hz:
            changes.append(second)
    gaps = np.diff(changes)
    assert len(gaps) >= 2
    assert gaps[-1] > 2 * gaps[0]


def test_load_meter_reports_once_a_second() -> None:
    meter = LoadMeter()
    loads = []
    for at in range(101):
        begin = at * 0.04
        loads.append(meter.frame(begin, begin + 0.01, begin - 0.005, dropped=at // 10))
    said = [load for load in loads if load]
    assert len(said) == 3, "a second has passed when a frame ends a second after the last report"
    assert said[0].busy == pytest.approx(0.25, abs=0.03)
    assert said[0].lag == pytest.approx(0.015)
    assert 0.05 < said[0].skipped < 0.15


@given(st.integers(1, 60), st.lists(st.floats(-0.3, 0.3), min_size=400, max_size=400), st.floats(3, 6))
def test_a_steady_rate_reads_steady_whenever_it_is_read(hz: int, late: list[float], now: float) -> None:
    """Each event comes up to 0.3 of an interval late or early."""
    rate = Rate(window=2)
    for at, by in enumerate(late):
        moment = (at + by) / hz
        if moment <= now:
            rate.count(moment)
    assert abs(rate.per_second(now) / hz - 1) < 0.9 / (2 * hz)


def test_a_rate_begins_and_begins_again_without_a_peak() -> None:
    rate = Rate(window=2)
    for start in (0.0, 60.0):
        assert rate.per_second(start) == 0
        for at in range(10):  # a burst of what had been held
            rate.count(start + at * 0.001)
        assert rate.per_second(start + 0.01) == 5


def test_rate_falls_as_soon_as_an_event_is_overdue() -> None:
    rate = Rate(window=2)
    for at in range(21):
        rate.count(at * 0.2)
    assert rate.per_second(4.19) == pytest.approx(5)
    read = [rate.per_second(4 + seconds) for seconds in (0.2, 0.5, 1.0, 1.9)]
    assert read == sorted(read, reverse=True)
    assert read[1] < 4.5
    assert read[-1] < 1
    assert rate.per_second(6.1) == 0


def test_rate_forgets() -> None:
    rate = Rate(window=2)
    for at in range(100):
        rate.count(at * 0.04)
    assert rate.per_second(3.96) == pytest.approx(25, abs=1)
    assert rate.per_second(10) == 0


def test_register_tells_who_came_and_who_left_once() -> None:
    register = Register()
    assert register.update(tracks(7), 0) == [("track_started", {"track": 7, "label": "player"})]
    assert register.update(tracks(7), MEDIA_CLOCK) == []
    assert register.update(tracks(), 2 * MEDIA_CLOCK) == []
    gone = register.update(tracks(), 10 * MEDIA_CLOCK)
    assert gone == [("track_ended", {"track": 7, "label": "player", "seconds": 1.0})]
    assert register.update(tracks(), 11 * MEDIA_CLOCK) == []


def test_tracks_data_is_plain_json() -> None:
    data = tracks_data(tracks(3), 1280, 720)
    assert data == {
        "width": 1280,
        "height": 720,
        "tracks": [{"id": 3, "label": "player", "box": [1.0, 2.0, 3.0, 4.0], "score": 0.5, "detected": True}],
    }


def test_who_does_not_get_on_is_found_and_nobody_else() -> None:
    progress = Progress(beats=3)
    with progress.busy("decode"):
        assert [progress.stuck() for _ in range(2)] == [None, None]
    with progress.busy("decode"):  # the next picture has its own time
        assert [progress.stuck() for _ in range(2)] == [None, None]
        with progress.busy("look"):
            assert progress.stuck() == "decode"
    assert [progress.stuck() for _ in range(9)] == [None] * 9, "who waits for work does not hang"


def test_packets_without_pictures_are_noticed_in_time() -> None:
    def noticed(gop: int | None, picture_at: float | None = None) -> float | None:
        missing = Undecoded()
        for number in range(25 * 40):
            if missing.packet(number * 3600, is_key=gop is not None and number % gop == 0):
                return number / 25
            if picture_at is not None and number == picture_at * 25:
                missing.picture()
        return None

    assert noticed(gop=25) == pytest.approx(5, abs=0.1)
    assert noticed(gop=250) == pytest.approx(10, abs=0.1), "one damaged key packet is not enough"
    assert noticed(gop=None) == pytest.approx(20, abs=0.1)
    assert noticed(gop=25, picture_at=4) == pytest.approx(9.1, abs=0.1)
