"""Time stamps on the box's clock: what holds for any source."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from touchline.media.timeline import FileTimeline, LiveTimeline, PacedTimeline, Sample

SECOND = 90_000
FRAME = 3600


def sample(stamp: int | None, arrived: float = 0.0, *, key: bool = True) -> Sample:
    return Sample(b"", stamp, stamp, key, arrived)


def live(stamps: list[int], arrivals: list[float]) -> list[float]:
    line = LiveTimeline()
    placed = [line.place(sample(s, a), reorders=False) for s, a in zip(stamps, arrivals, strict=True)]
    return [pts / SECOND for pts in placed]


@given(
    st.lists(st.tuples(st.none() | st.integers(-(1 << 33), 1 << 33), st.floats(0, 3)), min_size=1, max_size=60),
    st.floats(0, 1e6),
)
def test_live_time_always_rises_and_is_never_far_ahead(
    steps: list[tuple[int | None, float]], start: float
) -> None:
    line, now, last = LiveTimeline(), start, -1
    for stamp, wait in steps:
        now += wait
        pts = line.place(sample(stamp, now), reorders=False)
        assert pts > last
        assert pts <= (now + 0.5) * SECOND + len(steps)
        last = pts


def test_live_follows_the_sources_own_stamps_through_jitter() -> None:
    count = 200
    stamps = [7 * SECOND + FRAME * i for i in range(count)]
    jitter = [0.0 if i == 0 else (i * 37 % 11) / 100 for i in range(count)]
    placed = live(stamps, [100 + i * 0.04 + jitter[i] for i in range(count)])
    assert placed[0] == 100
    steps = [b - a for a, b in pairwise(placed)]
    assert all(abs(step - 0.04) < 0.002 for step in steps)


def test_a_burst_at_the_start_ends_on_the_clock() -> None:
    # A server that sends two seconds of cached pictures at once, then goes on in real time.
    stamps = [FRAME * i for i in range(150)]
    arrivals = [max(50.0 + i * 1e-3, 48.0 + i * 0.04) for i in range(150)]
    placed = live(stamps, arrivals)
    assert abs(placed[-1] - arrivals[-1]) < 0.01
    assert all(pts <= at + 1e-3 for pts, at in zip(placed, arrivals, strict=True))


def test_a_stall_does_not_move_later_pictures() -> None:
    arrivals = [i * 0.04 if i < 100 or i > 150 else 151 * 0.04 for i in range(300)]
    placed = live([FRAME * i for i in range(300)], arrivals)
    assert all(abs(pts - i * 0.04) < 0.001 for i, pts in enumerate(placed))


def test_a_source_that_stays_late_is_set_right() -> None:
    # After picture 100 everything takes a second longer.
    arrivals = [i * 0.04 + (1.0 if i > 100 else 0.0) for i in range(400)]
    placed = live([FRAME * i for i in range(400)], arrivals)
    assert abs(placed[-1] - arrivals[-1]) < 0.06


def test_a_source_that_catches_up_is_soon_not_from_the_future() -> None:
    # For three seconds everything takes 0.8 s longer, then but 0.45 s.
    def held(i: int) -> float:
        return 0.0 if i < 100 else 0.8 if i < 175 else 0.45

    arrivals = [i * 0.04 + held(i) for i in range(400)]
    placed = live([FRAME * i for i in range(400)], arrivals)
    ahead = [pts - at for pts, at in zip(placed, arrivals, strict=True)]
    assert max(ahead[175:]) > 0.2, "it was taken to stay late"
    assert max(ahead[175 + 100 :]) < 0.002
    assert min(b - a for a, b in pairwise(placed[176:])) > 0.03, "nobody sees it"


def test_clocks_that_drift_stay_together() -> None:
    for rate in (0.99, 0.999, 1.001, 1.01):
        arrivals = [i * 0.04 for i in range(3000)]
        placed = live([round(FRAME * i * rate) for i in range(3000)], arrivals)
        errors = [abs(pts - at) for pts, at in zip(placed, arrivals, strict=True)]
        assert max(errors) < 0.2, rate


def test_stamps_that_jump_are_anchored_again() -> None:
    stamps = [FRAME * i for i in range(100)] + [9000 * SECOND + FRAME * i for i in range(100)]
    stamps += [5 * SECOND + FRAME * i for i in range(100)]
    placed = live(stamps, [i * 0.04 for i in range(300)])
    assert all(abs(pts - i * 0.04) < 0.001 for i, pts in enumerate(placed))


def test_reordered_stamps_that_jump_are_anchored_again_in_order() -> None:
    # An I and groups of P B B, cut off behind a P; then the same hours later, then the same from the start.
    line = LiveTimeline()
    last = -1
    for at in range(96):
        base, place = (0, 9000 * SECOND, 5 * SECOND)[at // 32], at % 32
        shown = place and (place - 1) // 3 * 3 + (3, 1, 2)[(place - 1) % 3]
        unit = Sample(b"", base + (shown + 1) * FRAME, base + place * FRAME, False, at * 0.04)
        pts = line.place(unit, reorders=True)
        assert abs(pts / SECOND - at * 0.04) < 0.3
        if place == 0:
            assert pts > last
        last = max(last, pts)


def test_repeated_stamps_take_the_arrival() -> None:
    placed = live([1234] * 50, [i * 0.04 for i in range(50)])
    assert all(abs(pts - i * 0.04) < 0.001 for i, pts in enumerate(placed))


@given(
    st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=80),
    st.integers(0, 50),
    st.booleans(),
    st.sampled_from([0.98, 1.0, 1.02]),
)
def test_reordered_pictures_keep_their_places(groups: list[int], cached: int, has_dts: bool, rate: float) -> None:
    # Decoding order: a P picture, then the B pictures shown before it. Some are cached and come at once.
    order: list[int] = [0]
    for size in groups:
        first = max(order) + 1
        order += [first + size, *range(first, first + size)]
    line = LiveTimeline()
    placed: list[int] = []
    arrived = 0.0
    for at, shown in enumerate(order):
        arrived = 100 + max(0.0, (at - cached) * 0.04) * rate
        dts = at * FRAME if has_dts else None
        placed.append(line.place(Sample(b"", (shown + 2) * FRAME, dts, False, arrived), reorders=True))
    in_order = [pts for _, pts in sorted(zip(order, placed, strict=True))]
    assert in_order == sorted(set(in_order))
    if len(order) - cached > 100:
        # Two seconds after the burst: no further from now than reordering and drift explain.
        assert abs(arrived - placed[-1] / SECOND) < 0.35


def test_a_file_is_due_at_its_own_pace() -> None:
    line = PacedTimeline()
    dues = [line.place(sample(500 + FRAME * i), 10.0, reorders=False)[1] for i in range(50)]
    assert all(abs(due - (10 + i * 0.04)) < 1e-4 for i, due in enumerate(dues))


def test_what_comes_late_moves_what_follows() -> None:
    line = PacedTimeline(tolerance=0.1)
    line.place(sample(0), 10.0, reorders=False)
    assert line.place(sample(FRAME), 13.0, reorders=False)[1] == 13.0
    assert abs(line.place(sample(2 * FRAME), 13.0, reorders=False)[1] - 13.04) < 1e-4


@given(st.lists(st.none() | st.integers(-(1 << 33), 1 << 33), min_size=1, max_size=60))
def test_paced_and_file_time_rise_without_leaps(stamps: list[int | None]) -> None:
    paced, file = PacedTimeline(), FileTimeline()
    last_due, last = -1.0, -1
    for stamp in stamps:
        pts, due = paced.place(sample(stamp), 0.0, reorders=False)
        assert pts / SECOND == due
        assert due > last_due
        assert last_due < 0 or due - last_due <= 10.001
        last_due = due
        pts = file.place(sample(stamp), reorders=False)
        assert pts > last
        last = pts


def test_a_live_reserve_that_is_never_used_melts() -> None:
    # HLS: segments of 2 s at once; the first came with 4 s in hand.
    line = PacedTimeline(tolerance=0.1, live=True)
    worst = 0.0
    for i in range(25 * 400):
        arrived = 10.0 + max(0.0, (i // 50 - 2) * 2.0)
        _, due = line.place(sample(FRAME * i, arrived), arrived, reorders=False)
        worst = due - arrived
    assert worst < 2.8


def test_pictures_shown_at_once_are_told_apart() -> None:
    line = FileTimeline()
    units = [Sample(b"", 0, FRAME * i, True) for i in range(3)]
    assert [line.place(unit, reorders=False) for unit in units] == [0, 1, 2]


def test_a_recording_starts_at_zero() -> None:
    line = FileTimeline()
    assert [line.place(sample(777 + FRAME * i), reorders=False) for i in range(3)] == [0, FRAME, 2 * FRAME]


@given(
    st.lists(st.sampled_from([0, 1, 2, 3]), min_size=2, max_size=30),
    st.integers(1),
    st.integers(2 * SECOND, 1 << 33),
    st.booleans(),
)
def test_one_wrong_time_of_showing_moves_its_own_picture_alone(
    groups: list[int], at: int, error: int, early: bool
) -> None:
    order: list[int] = [0]
    for size in groups:
        first = max(order) + 1
        order += [first + size, *range(first, first + size)]
    right = [Sample(b"", (shown + 2) * FRAME, i * FRAME, i == 0, 9 + i * 0.04) for i, shown in enumerate(order)]
    at = 1 + at % (len(order) - 1)
    pts = right[at].pts
    assert pts is not None
    wrong = replace(right[at], pts=pts - error if early else pts + error)
    given = [*right[:at], wrong, *right[at + 1 :]]

    def placed(samples: list[Sample]) -> list[list[int]]:
        file, live, paced = FileTimeline(), LiveTimeline(), PacedTimeline()
        return [
            [file.place(each, reorders=True) for each in samples],
            [live.place(each, reorders=True) for each in samples],
            [paced.place(each, each.arrived, reorders=True)[0] for each in samples],
        ]

    for expected, found in zip(placed(right), placed(given), strict=True):
        assert abs(found[at] - expected[at]) <= 6 * FRAME
        assert found[:at] + found[at + 1 :] == expected[:at] + expected[at + 1 :]


def test_a_recording_without_b_frames_is_not_put_forward_by_one_wrong_stamp() -> None:
    line = FileTimeline()
    units = [Sample(b"", i * FRAME + (3600 * SECOND if i == 3 else 0), i * FRAME, True) for i in range(6)]
    assert [line.place(unit, reorders=False) for unit in units] == [i * FRAME for i in range(6)]


def test_a_stream_that_is_shown_long_after_it_is_decoded_is_believed_in_the_end() -> None:
    line = FileTimeline()
    units = [Sample(b"", i * FRAME + (30 * SECOND if i > 5 else 0), i * FRAME, True) for i in range(30)]
    placed = [line.place(unit, reorders=True) for unit in units]
    assert placed[13] == 13 * FRAME
    assert placed[14:] == [i * FRAME + 30 * SECOND for i in range(14, 30)]
