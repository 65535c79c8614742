"""The tracker on made-up scenes: who keeps whose number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchline.types import Detections, InputError, ShapeError, Tracks
from touchline.vision.track import KindConfig, Tracker, TrackerConfig

LABELS = ("ball", "goalkeeper", "player")
BALL, KEEPER, PLAYER = range(3)
SIZE = np.array([40.0, 100.0])
Places = list[tuple[float, float]]


def seen(places: Places, labels: list[int] | None = None, size: NDArray[np.float64] = SIZE) -> Detections:
    """Boxes of ``size`` around ``places`` (centres); players unless ``labels`` says otherwise."""
    centres = np.array(places, np.float64).reshape(-1, 2)
    boxes = np.concatenate([centres - size / 2, centres + size / 2], axis=1).astype(np.float32)
    classes = np.array([PLAYER] * len(places) if labels is None else labels, np.int16)
    return Detections(boxes, np.full(len(places), 0.9, np.float32), classes, LABELS)


def centres(tracks: Tracks) -> NDArray[np.float64]:
    boxes = tracks.boxes.astype(np.float64)
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def number_at(tracks: Tracks, place: tuple[float, float], within: float = 25.0) -> int:
    """The id of the one track near ``place``."""
    far = np.hypot(*(centres(tracks) - place).T)
    assert (far < within).sum() == 1, f"{(far < within).sum()} tracks near {place}: {centres(tracks).tolist()}"
    return int(tracks.ids[far.argmin()])


def corner_posts() -> Places:
    """Two people who stand still, so that the picture's size is known."""
    return [(60.0, 60.0), (1230.0, 660.0)]


def test_a_track_is_shown_from_its_second_detection_and_keeps_its_number() -> None:
    tracker = Tracker()
    assert len(tracker.update(seen([(100, 200)]), 0.0)) == 0
    shown = [tracker.update(seen([(100 + 4 * i, 200)]), 0.04 * i) for i in range(1, 50)]
    assert [t.ids.tolist() for t in shown] == [[1]] * 49
    assert all(t.detected.all() for t in shown)
    assert np.abs(centres(shown[-1])[0] - (296, 200)).max() < 3


def test_who_is_shown_at_last_was_there_from_the_first_detection_on() -> None:
    tracker = Tracker()
    tracker.update(seen([(100, 200)]), 0.0)
    assert tracker.begun == []
    tracks = tracker.update(seen([(108, 200), (800, 500)]), 0.2)
    [(begun, time)] = tracker.begun
    assert (begun.ids.tolist(), time) == (tracks.ids.tolist(), 0.0)
    assert centres(begun).tolist() == [[100, 200]], "the very box that was detected"
    assert begun.detected.all()
    assert [begun.labels[label] for label in begun.classes] == ["player"]
    tracker.coast(0.3)
    assert tracker.begun == []
    tracker.update(seen([(116, 200)]), 0.4)
    assert tracker.begun == [], "once"


def test_nothing_is_known_of_before_those_who_were_shown_at_once() -> None:
    tracker = Tracker()
    for i in range(5):
        tracker.update(seen([(200.0, 200.0), (500.0, 200.0), (800.0, 200.0)]), 0.04 * i)
        assert tracker.begun == []


def test_a_second_ball_is_not_shown_in_retrospect() -> None:
    """A clear one comes after a faint one, which was shown until then."""
    tracker = Tracker()
    both = seen([(300.0, 300.0), (900.0, 500.0)], [BALL, BALL], np.array([20.0, 20.0]))
    both = Detections(both.boxes, np.array([0.1, 0.9], np.float32), both.classes, LABELS)
    tracker.update(both[:1], 0.0)
    tracker.update(both[:1], 0.04)
    assert [time for _, time in tracker.begun] == [0.0]
    assert tracker.update(both, 0.08).ids.tolist() == [1]
    assert tracker.update(both, 0.12).ids.tolist() == [2]
    assert tracker.begun == []


def test_the_first_people_are_shown_at_once_and_strangers_later_are_not() -> None:
    tracker = Tracker()
    places: Places = [(200.0, 200.0), (500.0, 200.0), (800.0, 200.0)]
    assert tracker.update(seen(places), 0.0).ids.tolist() == [1, 2, 3]
    strangers: Places = [(200.0, 500.0), (500.0, 500.0), (800.0, 500.0)]
    assert tracker.update(seen([*places, *strangers]), 0.04).ids.tolist() == [1, 2, 3]


def test_nobody_in_nobody_out() -> None:
    tracker = Tracker()
    for i in range(5):
        tracks = tracker.update(Detections.empty(LABELS), i * 0.04)
        assert len(tracks) == 0
        assert tracks.labels == LABELS
        assert len(tracker.coast(i * 0.04 + 0.02)) == 0


def test_a_false_detection_is_never_shown() -> None:
    tracker = Tracker()
    for i in range(40):
        people = [(100 + 4.0 * i, 200.0)]
        false = [(900.0, 500.0)] if i == 20 else []
        assert len(tracker.update(seen(people + false), 0.04 * i)) == (1 if i else 0)


@pytest.mark.parametrize("rate", [25.0, 12.5, 5.0])
def test_two_who_cross_keep_their_numbers(rate: float) -> None:
    tracker = Tracker()
    ends: list[tuple[int, int]] = []
    for i in range(int(4 * rate)):
        x = 150.0 * i / rate
        left, right = (200 + x, 300.0), (800 - x, 325.0)
        tracks = tracker.update(seen([left, right, *corner_posts()]), i / rate)
        if i in (2, int(4 * rate) - 1):
            ends.append((number_at(tracks, left), number_at(tracks, right)))
    assert ends[0] == ends[1]


def swapped(tracker: Tracker, rng: np.random.Generator) -> bool:
    """Whether two who run past each other have swapped their numbers in the end; at the crossing one is seen."""
    ends: list[tuple[int, int]] = []
    for i in range(60):
        left, right = (300 + 4.0 * i, 300.0), (540 - 4.0 * i, 306.0)
        crossing = abs(left[0] - right[0]) < 24
        found = [right if rng.random() < 0.6 else left] if crossing else [left, right]
        noisy: Places = [(x + rng.normal(0, 1.2), y + rng.normal(0, 3)) for x, y in found]
        tracks = tracker.update(seen([*noisy, *corner_posts()]), 0.04 * i)
        if i in (15, 59):
            ends.append((number_at(tracks, left), number_at(tracks, right)))
    return ends[0] != ends[1]


def test_who_was_taken_for_another_at_a_crossing_gets_the_number_back() -> None:
    def mistakes(config: KindConfig) -> int:
        rng = np.random.default_rng(3)
        return sum(swapped(Tracker(TrackerConfig(people=config)), rng) for _ in range(40))

    at_once = mistakes(KindConfig(doubt_s=0.0))
    assert at_once >= 3, "the scene must be one where mistakes are made"
    assert mistakes(KindConfig()) < at_once / 2


def test_who_is_hidden_for_a_while_comes_back_with_the_same_number() -> None:
    tracker = Tracker()
    before = after = 0
    for i in range(60):
        front, behind = (500.0, 320.0), (360.0 + 5 * i, 300.0)
        covered = abs(front[0] - behind[0]) < 30
        tracks = tracker.update(seen([front, *([] if covered else [behind]), *corner_posts()]), 0.04 * i)
        if i == 15:
            before = number_at(tracks, behind)
        if i == 59:
            after = number_at(tracks, behind)
    assert before == after


def test_who_is_missed_once_is_still_shown_where_the_motion_leads() -> None:
    tracker = Tracker()
    for i in range(20):
        tracker.update(seen([(100 + 6 * i, 200), *corner_posts()]), 0.04 * i)
    tracks = tracker.update(seen(corner_posts()), 0.8)
    row = tracks.ids.tolist().index(1)
    assert not tracks.detected[row]
    assert abs(centres(tracks)[row, 0] - 220) < 4


def test_who_leaves_the_picture_and_returns_on_that_side_keeps_the_number() -> None:
    tracker = Tracker()
    numbers: list[int] = []
    for i in range(150):
        x = 1100 + 4.0 * i if i < 45 else 1100 + 4.0 * (150 - i)
        place = (x, 300.0)
        visible = x < 1250
        tracks = tracker.update(seen([*([place] if visible else []), *corner_posts()]), 0.04 * i)
        if visible and i > 5 and any(np.hypot(*(centres(tracks) - place).T) < 25):
            numbers.append(number_at(tracks, place))
    assert set(numbers) == {numbers[0]}
    assert len(numbers) > 60


def test_someone_new_far_from_where_another_was_lost_gets_a_new_number() -> None:
    tracker = Tracker()
    for i in range(20):
        tracker.update(seen([(300, 300), *corner_posts()]), 0.04 * i)
    for i in range(20, 60):
        tracks = tracker.update(seen([*([(1000.0, 500.0)] if i > 50 else []), *corner_posts()]), 0.04 * i)
    assert number_at(tracks, (1000, 500)) > 3


def swaying(t: float) -> float:
    """How far, px, a camera has panned that starts at rest and swings right and left at up to 400 px/s."""
    return 200 * (1 - math.cos(2 * t))


@pytest.mark.parametrize("rate", [25.0, 6.0])
def test_a_panning_camera_confuses_nobody(rate: float) -> None:
    tracker = Tracker()
    numbers: list[list[int]] = []
    for i in range(int(4 * rate)):
        pan = swaying(i / rate)
        row = [(120 + 80.0 * k + pan, 250 + 30.0 * (k % 3)) for k in range(7)]
        tracks = tracker.update(seen([*row, (1275 - 20, 700)]), i / rate)
        if i > rate:
            numbers.append([number_at(tracks, place, 40) for place in row])
    assert all(now == numbers[0] for now in numbers)


def test_who_is_missed_while_the_camera_starts_to_turn_is_carried_along() -> None:
    tracker = Tracker()
    for i in range(30):
        pan = 14.0 if i == 29 else 0.0
        row: Places = [(300 + 120.0 * k + pan, 300.0) for k in range(6)]
        tracks = tracker.update(seen([place for k, place in enumerate(row) if k != 2 or i < 29]), 0.04 * i)
    missed = int(np.flatnonzero(~tracks.detected)[0])
    assert centres(tracks)[missed, 0] == pytest.approx(540 + 14, abs=6)


def shown_unseen(tracker: Tracker, place: tuple[float, float], others: Places, start: float) -> int:
    """For how many frames someone at ``place`` is shown who is detected no more."""
    for k in range(20):
        tracks = tracker.update(seen(others), start + 0.04 * k)
        if not any(np.hypot(*(centres(tracks) - place).T) < 8):
            return k
    return 20


def test_who_is_hidden_is_shown_longer_than_who_should_be_in_full_view() -> None:
    frames: list[int] = []
    for front in ((412.0, 308.0), (700.0, 308.0)):
        tracker = Tracker()
        for i in range(30):
            tracker.update(seen([(400, 300), front, *corner_posts()]), 0.04 * i)
        frames.append(shown_unseen(tracker, (400, 300), [front, *corner_posts()], 1.2))
    assert frames[0] > frames[1] + 2


def test_the_more_a_detector_misses_the_longer_it_is_waited_for() -> None:
    frames: list[int] = []
    rng = np.random.default_rng(0)
    for share in (0.0, 0.35):
        tracker = Tracker()
        places: Places = [(100 + 150.0 * k, 300.0) for k in range(8)]
        for i in range(150):
            found = [place for place in places if rng.random() >= share or i > 147]
            tracker.update(seen([*found, *corner_posts()]), 0.04 * i)
        frames.append(shown_unseen(tracker, places[3], [*places[:3], *places[4:], *corner_posts()], 6.0))
    assert frames[1] > frames[0] + 1


def test_a_bumped_camera_costs_nobody_the_number() -> None:
    tracker = Tracker()
    row: Places = [(300 + 120.0 * k, 300.0 + 40 * (k % 2)) for k in range(6)]
    for i in range(40):
        bumped = [(x + (35 if i >= 25 else 0), y) for x, y in row]
        tracks = tracker.update(seen([*bumped, (1230.0, 660.0)]), 0.04 * i)
        if i == 20:
            before = [number_at(tracks, place) for place in row]
    assert [number_at(tracks, place) for place in bumped] == before


def test_any_rate_and_one_that_changes() -> None:
    tracker = Tracker()
    time, numbers = 0.0, []
    for gap in [0.04] * 20 + [0.2] * 10 + [1 / 60] * 30 + [0.1, 0.3, 0.5, 0.04] * 3 + [1.0] * 4:
        time += gap
        walker = (100 + 60 * time, 300.0)
        tracks = tracker.update(seen([walker, *corner_posts()]), time)
        if time > 0.1:
            numbers.append(number_at(tracks, walker))
    assert set(numbers) == {numbers[0]}


def test_a_gap_of_seconds_costs_no_number_where_nobody_moved_far() -> None:
    tracker = Tracker()
    for i in range(20):
        tracks = tracker.update(seen([(500, 300), *corner_posts()]), 0.04 * i)
    before = number_at(tracks, (500, 300))
    for i in range(5):
        tracks = tracker.update(seen([(540, 310), *corner_posts()]), 4.0 + 0.04 * i)
    assert number_at(tracks, (540, 310)) == before


def test_the_ball_never_takes_a_persons_number_nor_a_person_the_balls() -> None:
    tracker = Tracker()
    kinds: dict[int, set[int]] = {}
    for i in range(200):
        ball = (100.0 + 5 * i, 330.0)  # rolls right through both players
        people = [(400.0, 300.0), (700.0, 300.0)]
        found = seen(people)
        small = seen([ball], [BALL], np.array([10.0, 10.0]))
        if i % 40 < 3:  # the detector takes a player for a ball now and then
            small = seen([people[0]], [BALL])
        both = Detections(
            np.concatenate([found.boxes, small.boxes]),
            np.concatenate([found.scores, small.scores]),
            np.concatenate([found.classes, small.classes]),
            LABELS,
        )
        tracks = tracker.update(both, 0.04 * i)
        assert (tracks.classes == BALL).sum() <= 1
        for identity, kind in zip(tracks.ids.tolist(), (tracks.classes == BALL).tolist(), strict=True):
            kinds.setdefault(identity, set()).add(kind)
    assert all(len(seen_as) == 1 for seen_as in kinds.values())
    assert {True, False} == set.union(*kinds.values())


def test_the_ball_is_followed_at_its_own_speed_and_more_are_shown_when_asked() -> None:
    tracker = Tracker(TrackerConfig(balls=2))
    ids: set[tuple[int, ...]] = set()
    for i in range(30):
        balls = [(60.0 + 30 * i, 200.0), (60.0 + 30 * i, 500.0)]  # 750 px/s, 75 of its heights
        tracks = tracker.update(seen(balls, [BALL, BALL], np.array([10.0, 10.0])), 0.04 * i)
        if i > 2:
            ids.add(tuple(sorted(tracks.ids.tolist())))
    assert len(ids) == 1
    assert len(next(iter(ids))) == 2


def test_a_class_is_settled_over_a_life() -> None:
    tracker = Tracker()
    for i in range(30):
        label = KEEPER if i % 3 == 0 else PLAYER
        tracks = tracker.update(seen([(300, 300)], [label]), 0.04 * i)
        if i > 3:
            assert tracks.classes.tolist() == [PLAYER]


def test_coast_without_pictures_follows_the_filters_motion() -> None:
    tracker = Tracker()
    for i in range(20):
        tracker.update(seen([(100 + 8 * i, 200), *corner_posts()]), 0.04 * i)
    for k in range(1, 5):
        tracks = tracker.coast(0.76 + 0.04 * k)
        assert not tracks.detected.any()
    assert abs(centres(tracks)[0, 0] - (252 + 32)) < 6


def test_coast_believes_the_pictures_motion_and_so_does_the_next_update() -> None:
    """Two who stand side by side are carried past each other's places between two detections."""

    def run(tell: bool) -> tuple[list[float], list[int], list[int]]:
        tracker = Tracker()
        for i in range(20):
            tracks = tracker.update(seen([(400, 300), (480, 300), *corner_posts()]), 0.04 * i)
        first = [number_at(tracks, (400, 300)), number_at(tracks, (480, 300))]
        for k in range(1, 6):
            moves = np.isin(tracks.ids, first)[:, None] * np.array([16, 0, 16, 0])
            boxes = (tracks.boxes + moves).astype(np.float32)
            tracks = tracker.coast(0.76 + 0.04 * k, boxes if tell else None)
        where = sorted(centres(tracks)[np.isin(tracks.ids, first), 0].tolist())
        tracks = tracker.update(seen([(480, 300), (560, 300), *corner_posts()]), 1.0)
        shown = dict(zip(np.rint(centres(tracks)[:, 0] / 80).tolist(), tracks.ids.tolist(), strict=True))
        return where, first, [shown.get(6.0, 0), shown.get(7.0, 0)]

    where, first, then = run(tell=True)
    assert where == pytest.approx([480, 560], abs=2)
    assert then == first
    _, first, then = run(tell=False)
    assert then != first, "the scene must be one that only told motion can solve"


def test_what_coast_was_told_becomes_speed() -> None:
    tracker = Tracker()
    for i in range(20):
        tracks = tracker.update(seen([(400, 300), *corner_posts()]), 0.04 * i)
    for k in range(1, 6):
        boxes = tracks.boxes.copy()
        boxes[tracks.ids == 1] += np.array([6, 0, 6, 0], np.float32)
        tracks = tracker.coast(0.76 + 0.04 * k, boxes)
    x = float(centres(tracks)[tracks.ids == 1, 0][0])
    assert x == pytest.approx(430, abs=2)
    on = tracker.coast(1.0)
    assert float(centres(on)[on.ids == 1, 0][0]) - x > 4


def test_coast_moves_who_could_not_be_told_with_the_others() -> None:
    tracker = Tracker()
    places: Places = [(200 + 150.0 * k, 300.0) for k in range(6)]
    for i in range(20):
        tracks = tracker.update(seen(places), 0.04 * i)
    lost = int(np.argmin(np.abs(centres(tracks)[:, 0] - 350)))
    for k in range(1, 6):
        boxes = tracks.boxes + np.array([12, 0, 12, 0], np.float32)
        boxes[lost] = np.nan
        tracks = tracker.coast(0.76 + 0.04 * k, boxes)
    assert np.isfinite(tracks.boxes).all()
    assert centres(tracks)[lost, 0] == pytest.approx(410, abs=8)


def test_between_detections_nobody_flickers_but_a_blind_detector_ends_it() -> None:
    tracker = Tracker()
    for i in range(10):
        tracker.update(seen([(400, 300)]), 0.04 * i)
    shown = [len(tracker.coast(0.36 + 0.04 * k)) for k in range(1, 60)]
    assert shown == sorted(shown, reverse=True)
    assert sum(shown) == 25  # KindConfig.blind_s


def test_coast_without_pictures_does_not_drift_at_five_detections_a_second() -> None:
    """Standing people, noisy boxes: between two detections nobody walks off."""
    tracker = Tracker()
    rng = np.random.default_rng(0)
    places: Places = [(200 + 150.0 * k, 300.0) for k in range(6)]
    worst = 0.0
    for i in range(250):
        if i % 5 == 0:
            noisy: Places = [(x + rng.normal(0, 1.2), y + rng.normal(0, 3)) for x, y in places]
            tracks = tracker.update(seen(noisy), 0.04 * i)
        else:
            tracks = tracker.coast(0.04 * i)
        if i > 25:
            assert len(tracks) == 6
            errors = np.abs(centres(tracks)[np.argsort(centres(tracks)[:, 0])] - places)
            worst = max(worst, float(errors.max()))
    assert worst < 30  # px; the boxes themselves are off by up to 10, and their speed is guessed from few


@pytest.mark.parametrize("times", [0.5, 1.5])
def test_another_picture_size_costs_nobody_the_number(times: float) -> None:
    def places(i: int) -> Places:
        return [(300 + 6.0 * i, 250.0), (700 - 5.0 * i, 480.0), (900.0, 300.0 + 2 * i), *corner_posts()]

    tracker = Tracker()
    tracker.resized(1280, 720)
    for i in range(20):
        tracks = tracker.update(seen(places(i)), 0.04 * i)
    before = [number_at(tracks, place) for place in places(19)]
    tracker.resized(round(1280 * times), round(720 * times))
    at_once = tracker.coast(0.76)
    assert np.allclose(at_once.boxes, tracks.boxes * times, atol=0.01)
    for i in range(20, 30):
        scaled: Places = [(x * times, y * times) for x, y in places(i)]
        tracks = tracker.update(seen(scaled, size=SIZE * times), 0.04 * i)
        assert [number_at(tracks, place, 25 * times) for place in scaled] == before


def test_the_pictures_edge_is_known_when_told() -> None:
    """Who runs on unseen beyond the edge is shown no more, though nobody else was ever seen so far right."""
    shown: list[int] = []
    for told in (False, True):
        tracker = Tracker()
        if told:
            tracker.resized(640, 360)
        for i in range(20):
            tracker.update(seen([(500 + 7 * i, 200), (100, 200)]), 0.04 * i)
        shown.append(len(tracker.coast(1.0)))
    assert shown == [2, 1]


def still(tracker: Tracker, walks: list[tuple[float, Places]]) -> list[set[int]]:
    """The numbers of each of ``walks`` (first second, places 25 a second); nobody else is seen."""
    numbers: list[set[int]] = []
    frame = 0
    for start, places in walks:
        while frame < round(25 * start):
            tracker.update(seen([]), frame / 25)
            frame += 1
        shown: set[int] = set()
        for place in places:
            shown |= set(tracker.update(seen([place]), frame / 25).ids[:1].tolist())
            frame += 1
        numbers.append(shown)
    return numbers


@pytest.mark.parametrize("empty", [3.0, 8.0])
def test_who_walks_in_after_another_has_walked_out_is_somebody_else(empty: float) -> None:
    tracker = Tracker()
    tracker.resized(320, 240)
    across: Places = [(15 + 3.0 * k, 120.0) for k in range(98)]
    first, second = still(tracker, [(0.0, across), (len(across) / 25 + empty, across)])
    assert len(first) == len(second) == 1
    assert first != second


@pytest.mark.parametrize("hidden", [3.0, 8.0])
def test_who_is_hidden_for_seconds_before_a_still_camera_keeps_the_number(hidden: float) -> None:
    tracker = Tracker()
    tracker.resized(640, 480)
    before: Places = [(180 + 2.0 * k, 240.0) for k in range(60)]
    after: Places = [(310 + 2.0 * k, 240.0) for k in range(60)]
    first, second = still(tracker, [(0.0, before), (2.4 + hidden, after)])
    assert first == second
    assert len(first) == 1


@pytest.mark.parametrize("away", [3.0, 8.0])
def test_who_a_turning_camera_loses_at_the_edge_keeps_the_number_when_it_turns_back(away: float) -> None:
    tracker = Tracker()
    tracker.resized(1280, 720)
    numbers: list[int] = []
    last = round(25 * (away + 3))
    for i in range(last + 1):  # half a second of rest, a second's turn, rest, a second's turn back, rest
        pan = 300.0 * float(np.interp(i / 25, [0.5, 1.5, away + 1.5, away + 2.5], [0, 1, 1, 0]))
        row: Places = [(150 + 120.0 * k - pan, 250 + 30.0 * (k % 3)) for k in range(9)]
        tracks = tracker.update(seen([place for place in row if place[0] > 20]), i / 25)
        if i in (10, last):
            numbers += [number_at(tracks, place) for place in row]
    assert numbers[:9] == numbers[9:]


def test_a_thousand_detections() -> None:
    tracker = Tracker()
    places: Places = [(60.0 * (k % 50) + 100, 130.0 * (k // 50) + 100) for k in range(1000)]
    for i in range(3):
        tracks = tracker.update(seen(places), 0.04 * i)
    assert len(tracks) == 1000
    assert len(set(tracks.ids.tolist())) == 1000


def test_memory_is_bounded() -> None:
    tracker = Tracker(TrackerConfig(people=KindConfig(remembered=5)))
    rng = np.random.default_rng(0)
    for i in range(100):
        place = (float(rng.uniform(0, 50_000)), float(rng.uniform(0, 50_000)))
        for k in range(3):
            tracker.update(seen([place]), 1.2 * i + 0.04 * k)
    assert len(tracker._people) <= 7  # pyright: ignore[reportPrivateUsage]


def test_wrong_use_is_refused() -> None:
    tracker = Tracker()
    tracker.update(seen([(400, 300)]), 1.0)
    tracks = tracker.update(seen([(400, 300)]), 1.04)
    with pytest.raises(InputError, match="time went back"):
        tracker.update(seen([(400, 300)]), 1.0)
    with pytest.raises(InputError, match="time went back"):
        tracker.coast(1.0)
    with pytest.raises(ShapeError, match=r"\(1, 4\)"):
        tracker.coast(1.08, np.concatenate([tracks.boxes, tracks.boxes]))
    with pytest.raises(InputError, match="0×720"):
        tracker.resized(0, 720)
    with pytest.raises(InputError, match="labels changed"):
        tracker.update(Detections.empty(("person",)), 1.1)


box = st.tuples(
    st.floats(-200, 2000, width=32),
    st.floats(-200, 1200, width=32),
    st.floats(0, 900, width=32),
    st.floats(0, 900, width=32),
)
frame = st.tuples(
    st.floats(0, 3),
    st.lists(st.tuples(box, st.integers(0, 2), st.floats(0, 1, width=32)), max_size=8),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(frame, max_size=25), st.randoms(use_true_random=False))
def test_whatever_comes_tracks_are_sound_and_numbers_never_used_twice(frames: list, random: object) -> None:  # type: ignore[type-arg]
    tracker = Tracker(TrackerConfig(people=KindConfig(lost_s=2.0)))
    time = 0.0
    forgotten: set[int] = set()
    living: set[int] = set()
    for gap, found, coasts in frames:
        time += gap
        raw = np.array([b for b, _, _ in found], np.float32).reshape(-1, 4)
        boxes = np.concatenate([raw[:, :2], raw[:, :2] + raw[:, 2:]], axis=1)
        classes = np.array([c for _, c, _ in found], np.int16)
        scores = np.array([s for _, _, s in found], np.float32)
        tracks = tracker.update(Detections(boxes, scores, classes, LABELS), time)
        for step in range(coasts + 1):
            assert np.isfinite(tracks.boxes).all()
            assert (tracks.boxes[:, 2:] > tracks.boxes[:, :2]).all()
            assert (tracks.ids >= 1).all()
            assert len(set(tracks.ids.tolist())) == len(tracks)
            assert (tracks.classes == BALL).sum() <= 1
            now = {int(i) for some in (tracker._people, tracker._balls) for i in some.known.ids}
            forgotten |= living - now
            living = now
            assert not forgotten & living, "a number was given twice"
            assert set(tracks.ids.tolist()) <= living
            if step < coasts:
                time += 0.04
                told = tracks.boxes + np.float32(random.uniform(-50, 50))  # type: ignore[attr-defined]
                told[:: random.randint(1, 3)] = np.nan  # type: ignore[attr-defined]
                tracks = tracker.coast(time, told if step % 2 else None)
