"""The analysis width follows the people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.types import Detections
from touchline.vision.prepare import scale_per_width
from touchline.vision.zoom import Zoom, ZoomConfig

FULL, LEAST = 960, 320
SIZE = (1920, 1080)
STEP = 0.2
CONFIG = ZoomConfig()
FOUND_FROM_PX = 12.0
"""Height in the network's px below which the detector of these tests finds nobody."""


def found(people: list[float], balls: list[float] | None = None, score: float = 0.9) -> Detections:
    """People of these heights and balls of these sizes, px of the source."""
    sides = [(height / 2, height) for height in people] + [(side, side) for side in balls or []]
    boxes = np.array([[5, 5, 5 + wide, 5 + high] for wide, high in sides], np.float32).reshape(-1, 4)
    classes = np.array([1] * len(people) + [0] * len(balls or []), np.int16)
    return Detections(boxes, np.full(len(boxes), score, np.float32), classes, ("ball", "player"))


def seen_at(width: int, people: list[float], balls: list[float] | None = None) -> Detections:
    """What a detector finds of them at an analysis width."""
    scale = width * scale_per_width(SIZE)
    return found(*([side for side in sides if side * scale >= FOUND_FROM_PX] for sides in (people, balls or [])))


def watch(
    zoom: Zoom, seconds: float, until: float, people: list[float], balls: list[float] | None = None
) -> list[int]:
    """The widths chosen from ``seconds`` to ``until``."""
    widths: list[int] = []
    while seconds < until:
        widths.append(zoom.width(seconds))
        zoom.update(seen_at(widths[-1], people, balls), SIZE, seconds)
        seconds += STEP
    return widths


@given(st.lists(st.floats(30, 900), min_size=1, max_size=6), st.integers(200, 1280), st.integers(160, 640))
@settings(max_examples=60)
def test_all_are_large_enough_and_no_width_is_wasted(people: list[float], full: int, least: int) -> None:
    widths = watch(Zoom(full, least), 0.0, 20.0, people)[50:]
    visible = [height for height in people if height * full * scale_per_width(SIZE) >= FOUND_FROM_PX]
    enough = CONFIG.person_px / (min(visible) * scale_per_width(SIZE)) if visible else full
    smallest = min(widths)
    assert smallest >= min(enough, full) - 1e-6
    levels = {max(min(least, full), round(full * share)) for share in CONFIG.shares} | {full}
    assert set(widths) <= {smallest, full} <= levels
    assert not any(enough + 1e-6 < level < smallest for level in levels)


def test_close_people_are_mostly_looked_at_small_and_all_of_the_picture_now_and_then() -> None:
    widths = watch(Zoom(FULL, LEAST), 0.0, 60.0, [700.0, 800.0])[50:]
    assert set(widths) == {LEAST, FULL}
    assert widths.count(FULL) == pytest.approx(len(widths) * STEP / CONFIG.survey_s, rel=0.1)


def test_somebody_new_and_far_away_is_looked_for_at_once_after_the_next_full_look() -> None:
    zoom = Zoom(FULL, LEAST)
    watch(zoom, 0.0, 20.0, [800.0])
    widths = watch(zoom, 20.0, 40.0, [800.0, 32.0])
    first = widths.index(FULL)
    assert first * STEP <= CONFIG.survey_s
    assert widths[first:] == [FULL] * len(widths[first:])


def test_a_small_ball_keeps_the_picture_wide_while_it_is_remembered() -> None:
    zoom = Zoom(FULL, LEAST)
    assert set(watch(zoom, 0.0, 20.0, [800.0], [28.0])) == {FULL}
    widths = watch(zoom, 20.0, 40.0, [800.0])  # the ball is gone
    held = widths.index(LEAST) * STEP
    assert CONFIG.memory_s - 2 * STEP <= held <= CONFIG.memory_s + 2 * STEP


def test_who_walks_away_is_not_lost_for_a_single_look() -> None:
    zoom = Zoom(FULL, LEAST)
    watch(zoom, 0.0, 20.0, [900.0])
    seconds, height = 20.0, 900.0
    while height > 40:
        width = zoom.width(seconds)
        detections = seen_at(width, [height])
        assert len(detections) == 1
        zoom.update(detections, SIZE, seconds)
        seconds, height = seconds + STEP, height * 0.9


@pytest.mark.parametrize("people", [[], [20.0]])
def test_nobody_in_sight_is_no_reason_to_look_less(people: list[float]) -> None:
    assert set(watch(Zoom(FULL, LEAST), 0.0, 20.0, people)) == {FULL}


def test_doubtful_people_do_not_count() -> None:
    zoom = Zoom(FULL, LEAST)
    for step in range(50):
        zoom.width(step * STEP)
        both = found([800.0, 20.0])
        both.scores[1] = CONFIG.sure - 0.05
        zoom.update(both, SIZE, step * STEP)
    assert zoom.width(9.9) == LEAST


@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.lists(st.floats(0, 2000), max_size=4), st.integers(160, 1280)), max_size=60
    ),
    st.integers(160, 1280),
    st.integers(160, 1280),
)
@settings(max_examples=60)
def test_never_beyond_its_bounds_whatever_is_found_and_however_time_jumps(
    steps: list[tuple[float, list[float], int]], full: int, least: int
) -> None:
    zoom, seconds = Zoom(full, least), 0.0
    for passed, people, cap in steps:
        seconds += passed
        width = zoom.width(seconds, cap)
        assert min(least, full, cap) <= width <= min(full, cap)
        zoom.update(found(people), SIZE, seconds)


@pytest.mark.parametrize(("people", "balls"), [([700.0], []), ([200.0], []), ([700.0], [40.0]), ([600.0], [28.0])])
@pytest.mark.parametrize("aspect", [2.0, 0.5])
def test_squeezed_pictures_are_looked_at_as_wide_as_others(
    people: list[float], balls: list[float], aspect: float
) -> None:
    plain, squeezed = Zoom(FULL, LEAST), Zoom(FULL, LEAST)
    seen = found(people, balls)
    plain.update(seen, SIZE, 0.0)
    boxes = seen.boxes * np.array([1 / aspect, 1, 1 / aspect, 1], np.float32)
    narrow = Detections(boxes, seen.scores, seen.classes, seen.labels)
    squeezed.update(narrow, (round(SIZE[0] / aspect), SIZE[1]), 0.0, aspect)
    for zoom in (plain, squeezed):
        zoom.width(0.1)  # the first look is a full one
    assert plain.width(0.2) == squeezed.width(0.2)


def test_a_cap_holds_for_full_looks_too() -> None:
    zoom = Zoom(FULL, LEAST)
    assert zoom.width(0.0, cap=480) == 480
    zoom.update(found([800.0]), SIZE, 0.0)
    assert zoom.width(0.2, cap=240) == 240
