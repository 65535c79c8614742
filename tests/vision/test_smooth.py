"""Tracks with hindsight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.types import InputError, Tracks
from touchline.vision.smooth import Smoother, SmootherConfig

LABELS = ("player",)
TICK = 3600  # 1/25 s
AT_ONCE = SmootherConfig(hold_s=0.0)
"""Every frame as soon as the next detection is in."""


def tracks(rows: list[tuple[int, float, bool]]) -> Tracks:
    """Rows of id, x and whether it was detected."""
    x = np.array([[x, 0, x + 10, 20] for _, x, _ in rows], np.float32).reshape(-1, 4)
    return Tracks(
        np.array([i for i, _, _ in rows], np.int32),
        x,
        np.full(len(rows), 0.5, np.float32),
        np.zeros(len(rows), np.int16),
        np.array([d for _, _, d in rows], np.bool_),
        LABELS,
    )


def left(frame: Tracks, identity: int) -> float:
    return float(frame.boxes[frame.ids.tolist().index(identity), 0])


def test_boxes_between_detections_lie_on_the_line_between_them() -> None:
    smoother = Smoother(AT_ONCE)
    out: list[tuple[Tracks, int]] = []
    for i in range(11):
        detected = i % 5 == 0
        out += smoother.push(tracks([(7, 10.0 * i if detected else -50.0, detected)]), i * TICK)
    assert [pts for _, pts in out] == [i * TICK for i in range(10)], "all but the last detection are final"
    assert [left(frame, 7) for frame, _ in out] == pytest.approx([10.0 * i for i in range(10)], abs=1e-3)
    assert [bool(frame.detected[0]) for frame, _ in out] == [i % 5 == 0 for i in range(10)]
    assert [pts for _, pts in smoother.flush()] == [10 * TICK]
    assert smoother.flush() == []


def test_it_waits_for_one_detection_and_no_longer() -> None:
    smoother = Smoother(AT_ONCE)
    assert smoother.push(tracks([(1, 0, True)]), 0) == []
    assert smoother.push(tracks([(1, 0, False)]), TICK) == []
    assert [pts for _, pts in smoother.push(tracks([(1, 0, True)]), 2 * TICK)] == [0, TICK]


def test_who_gets_anothers_number_is_not_drawn_on_the_way_there() -> None:
    """1 and 2 have been taken for each other, ten heights apart: the numbers jump, the boxes do not."""
    smoother = Smoother(AT_ONCE)
    out: list[tuple[Tracks, int]] = []
    for i in range(11):
        here, there = (1, 2) if i < 5 else (2, 1)
        out += smoother.push(tracks([(here, 2.0 * i, i % 5 == 0), (there, 200.0, i % 5 == 0)]), i * TICK)
    assert [sorted(frame.boxes[:, 0].tolist()) for frame, _ in out] == [
        pytest.approx([2.0 * i, 200.0]) for i in range(10)
    ]


def test_a_gap_is_filled_where_the_tracker_found_the_same_person_again() -> None:
    smoother = Smoother()
    out: list[tuple[Tracks, int]] = []
    for i in range(40):
        gone = 10 <= i < 20
        out += smoother.push(tracks([(1, 0, True), *([] if gone else [(2, 5.0 * i, True)])]), i * TICK)
    out += smoother.flush()
    assert [left(frame, 2) for frame, _ in out] == pytest.approx([5.0 * i for i in range(40)], abs=1e-3)
    filled = [not bool(f.detected[f.ids.tolist().index(2)]) for f, _ in out]
    assert [i for i, f in enumerate(filled) if f] == list(range(10, 20))


def test_a_track_reaches_back_to_its_first_detection_and_no_further() -> None:
    smoother = Smoother()
    for i in range(6):
        smoother.push(tracks([(1, 0, i % 2 == 0)]), i * TICK)
    smoother.push(tracks([(1, 0, True), (2, 60.0, True)]), 6 * TICK, [(tracks([(2, 20.0, True)]), 2 * TICK)])
    out = smoother.flush()
    there = {i: left(frame, 2) for i, (frame, _) in enumerate(out) if 2 in frame.ids.tolist()}
    assert there == pytest.approx({2: 20.0, 3: 30.0, 4: 40.0, 5: 50.0, 6: 60.0})
    assert [i for i in there if out[i][0].detected[out[i][0].ids.tolist().index(2)]] == [2, 6]


def test_the_first_detection_is_shown_though_the_second_is_too_far_for_a_line() -> None:
    smoother = Smoother(SmootherConfig(hold_s=5.0, gap_s=0.1))
    for i in range(6):
        smoother.push(tracks([]), i * TICK)
    smoother.push(tracks([(2, 60.0, True)]), 6 * TICK, [(tracks([(2, 20.0, True)]), 2 * TICK)])
    assert [i for i, (frame, _) in enumerate(smoother.flush()) if len(frame)] == [2, 6]


def test_who_comes_back_is_not_in_two_places() -> None:
    """2 was lost, shown where it should be, and is found again in a track that begins while 2 was still seen."""
    smoother = Smoother()
    smoother.push(tracks([(2, 0.0, True)]), 0)
    smoother.push(tracks([(2, 1.0, True)]), TICK)
    smoother.push(tracks([(2, 2.0, False)]), 2 * TICK)
    smoother.push(tracks([(2, 3.0, True)]), 3 * TICK, [(tracks([(2, 9.0, True)]), TICK)])
    assert [left(frame, 2) for frame, _ in smoother.flush()] == pytest.approx([0.0, 1.0, 2.0, 3.0])


def test_where_a_lost_track_was_detected_after_all_it_is_there() -> None:
    smoother = Smoother()
    smoother.push(tracks([(2, 0.0, True)]), 0)
    smoother.push(tracks([(2, 1.0, False)]), TICK)
    smoother.push(tracks([(2, 2.0, False)]), 2 * TICK)
    smoother.push(tracks([(2, 8.0, True)]), 3 * TICK, [(tracks([(2, 6.0, True)]), 2 * TICK)])
    out = smoother.flush()
    assert [left(frame, 2) for frame, _ in out] == pytest.approx([0.0, 3.0, 6.0, 8.0])
    assert [bool(frame.detected[0]) for frame, _ in out] == [True, False, True, True]


def test_who_is_found_far_away_is_drawn_from_the_first_detection_there() -> None:
    """2 was thought to stand still, was detected where 3 was, and is known for 2 two frames later."""
    smoother = Smoother()
    smoother.push(tracks([(2, 0.0, True), (3, 100.0, True)]), 0)
    for i in range(1, 4):
        smoother.push(tracks([(2, 0.0, False), (3, 100.0, False)]), i * TICK)
    smoother.push(tracks([(2, 100.0, True)]), 4 * TICK, [(tracks([(2, 96.0, True)]), 2 * TICK)])
    out = smoother.flush()
    assert [left(frame, 2) for frame, _ in out] == pytest.approx([0.0, 0.0, 96.0, 98.0, 100.0])


def test_a_gap_longer_than_allowed_stays_open() -> None:
    smoother = Smoother(SmootherConfig(hold_s=5.0, gap_s=0.3))
    for i in range(40):
        gone = 10 <= i < 20
        smoother.push(tracks([(1, 0, True), *([] if gone else [(2, 5.0 * i, True)])]), i * TICK)
    out = smoother.flush()
    assert [i for i, (f, _) in enumerate(out) if 2 not in f.ids.tolist()] == list(range(10, 20))


def test_who_is_not_seen_again_keeps_the_causal_boxes() -> None:
    smoother = Smoother(AT_ONCE)
    smoother.push(tracks([(1, 0, True), (2, 0, True)]), 0)
    smoother.push(tracks([(1, 3, False), (2, 4, False)]), TICK)
    out = smoother.push(tracks([(1, 10, True)]), 2 * TICK)
    assert left(out[1][0], 1) == pytest.approx(5)
    assert left(out[1][0], 2) == 4


def test_without_detections_no_more_than_so_many_frames_are_held() -> None:
    smoother = Smoother(SmootherConfig(hold_s=0.0, frames=20))
    out = [pts for i in range(100) for _, pts in smoother.push(tracks([]), i * TICK)]
    assert out == [i * TICK for i in range(80)]
    assert len(smoother.flush()) == 20


def test_tracks_long_gone_are_forgotten() -> None:
    smoother = Smoother(AT_ONCE)
    for i in range(500):
        smoother.push(tracks([(i + 1, 0, True)]), i * 20 * TICK)
    assert len(smoother._anchors) < 10  # pyright: ignore[reportPrivateUsage]


def test_time_must_rise() -> None:
    smoother = Smoother(AT_ONCE)
    smoother.push(tracks([]), 5)
    with pytest.raises(InputError, match="pts 5 does not come after 5"):
        smoother.push(tracks([]), 5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 200_000), st.dictionaries(st.integers(1, 5), st.tuples(st.floats(0, 99), st.booleans()))
        ),
        max_size=40,
    ),
    st.floats(0, 2),
)
def test_every_frame_comes_out_once_in_order_and_nobody_is_dropped(
    frames: list[tuple[int, dict[int, tuple[float, bool]]]], hold_s: float
) -> None:
    smoother = Smoother(SmootherConfig(hold_s=hold_s, frames=10))
    pts, given_in, out = 0, [], []
    for gap, people in frames:
        pts += gap
        given_in.append((tracks([(i, x, d) for i, (x, d) in people.items()]), pts))
        out += smoother.push(*given_in[-1])
    out += smoother.flush()
    assert [p for _, p in out] == [p for _, p in given_in]
    for (causal, _), (smooth, _) in zip(given_in, out, strict=True):
        assert set(causal.ids.tolist()) <= set(smooth.ids.tolist())
        assert len(set(smooth.ids.tolist())) == len(smooth)
        for row in np.flatnonzero(causal.detected):
            assert (smooth.boxes[row] == causal.boxes[row]).all()
