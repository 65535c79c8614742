"""Borrowed labels: what is a part of a person is not one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.model.data.borrow import parts, whole
from touchline.model.data.pictures import BALL, PERSON, PLAYER, UNSURE
from touchline.model.metrics import inside

ADULT = (100, 100, 200, 400)
UPPER_BODY = (105, 100, 195, 220)
PAIR = (90, 90, 330, 420)
NEIGHBOUR = (220, 110, 320, 400)
FAR = (500, 100, 520, 160)
BEHIND = (170, 110, 240, 260)


def kept(boxes: list[tuple[int, ...]], kinds: list[int], given: int = 0) -> list[tuple[int, ...]]:
    found, named = whole(np.array(boxes, np.float32), np.array(kinds, np.int16), given)
    assert len(found) == len(named)
    return [tuple(int(value) for value in box) for box in found]


def test_half_a_person_is_none_though_all_agree() -> None:
    assert kept([UPPER_BODY, ADULT], [PERSON, PERSON]) == [ADULT]


def test_a_doubtful_box_in_a_person_or_around_two_is_a_lesson_against_itself() -> None:
    boxes = [ADULT, NEIGHBOUR, UPPER_BODY, PAIR, FAR]
    assert kept(boxes, [PERSON, PERSON, UNSURE, UNSURE, UNSURE]) == [ADULT, NEIGHBOUR, FAR]


def test_who_stands_behind_another_stays() -> None:
    assert kept([ADULT, BEHIND], [PERSON, PERSON]) == [ADULT, BEHIND]
    assert kept([ADULT, BEHIND], [PERSON, UNSURE]) == [ADULT, BEHIND]


def test_own_labels_are_never_touched_and_a_ball_holds_nobody() -> None:
    assert kept([UPPER_BODY, ADULT], [PERSON, PLAYER], given=2) == [UPPER_BODY, ADULT]
    assert kept([PAIR, UPPER_BODY], [BALL, UNSURE], given=1) == [PAIR, UPPER_BODY]


corner, side = st.integers(0, 100), st.integers(1, 60)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


@given(box, box)
def test_the_share_of_the_smaller_box(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    least = min((each[2] - each[0]) * (each[3] - each[1]) for each in (a, b))
    found = inside(np.array([a], np.float32), np.array([b], np.float32))
    assert found.shape == (1, 1)
    assert float(found[0, 0]) == pytest.approx(shared / least)


@pytest.mark.parametrize(
    ("size", "layers"),
    [((1920, 1080), [1, 2, 4]), ((768, 576), [1, 2, 4]), ((1088, 1920), [1, 2, 4]), ((6243, 1080), [1, 6, 14])],
)
def test_a_panorama_is_looked_at_in_more_parts(size: tuple[int, int], layers: list[int]) -> None:
    found = parts(*size)
    assert len(found) == sum(layers)
    for _, _, wide, tall in found[1:]:
        assert 0.4 < wide / tall < 2.5
    covered = np.zeros((size[1], size[0]), np.int32)
    for left, top, wide, tall in found[1 + layers[1] :]:
        covered[top : top + tall, left : left + wide] += 1
    assert covered[:-3, :-3].min() >= 1
