"""Pictures and what training makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.scenes import draw_folder
from touchline.model.data.pictures import BALL, KINDS, PERSON, PLAYER, UNSURE, read_folder
from touchline.model.tasks.detector_loader import Lesson, Source, Style, Teacher, answers
from touchline.types import InputError


def test_a_folder_is_read_with_its_meaning(tmp_path: Path) -> None:
    folder = draw_folder(tmp_path / "set", 4)
    (folder / "classes.txt").write_text("ball\nteam_one\nreferee\nathlete\n")
    pictures = list(read_folder(folder, without=["v1"]))
    assert [picture.name for picture in pictures] == ["v0_0.png", "v0_3.png", "v2_2.png"]
    assert sorted(pictures[0].kinds.tolist()) == sorted(KINDS[k] for k in ("ball", "player", "referee", "person"))
    frame = pictures[0].frame
    assert (frame.width, frame.height) == (320, 192)
    left, top, right, bottom = pictures[0].boxes[0]
    assert (right - left, bottom - top) == pytest.approx((16, 40))
    inside = frame.y[int(top) + 2 : int(bottom) - 2, int(left) + 2 : int(right) - 2]
    assert abs(float(np.median(inside)) - 81) < 3  # red, where the label says


@pytest.mark.parametrize("line", ["0 0.5 0.5", "9 0.5 0.5 0.1 0.1", "x 0 0 0 0"])
def test_a_bad_label_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    folder = draw_folder(tmp_path / "set", 1)
    (folder / "labels" / "v0_0.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(InputError, match=r"v0_0\.txt:2"):
        list(read_folder(folder))


def test_what_is_no_folder_of_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"classes\.txt"):
        list(read_folder(tmp_path))
    (tmp_path / "classes.txt").write_text("ball")
    with pytest.raises(InputError, match=r"no \.jpg"):
        list(read_folder(tmp_path))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_text("text")
    with pytest.raises(InputError, match=r"a\.jpg"):
        list(read_folder(tmp_path))


def one(box: list[float], kind: int, people: float = 1, balls: float = 1) -> tuple[np.ndarray, ...]:
    return answers(np.array([box], np.float32), np.array([kind], np.int16), 64, people, balls)


def test_answers_lie_at_the_middle() -> None:
    heat, care, roles, boxes, near = one([10, 8, 30, 50], PLAYER)
    assert heat[0].max() == heat[0, 7, 5] == 1  # (20, 29) px
    assert heat[1].max() == 0
    assert roles[7, 5] == PLAYER - 1
    assert boxes[0, :, 7, 5].tolist() == [12, 22, 8, 20]  # from (22, 30)
    assert near[0].sum() == pytest.approx(1)
    assert (care == 1).all()


def test_what_is_not_sure_teaches_nothing() -> None:
    heat, care, _, _, near = one([8, 8, 24, 40], UNSURE)
    assert heat.max() == near.max() == 0
    assert (care[0, 2:10, 2:6] == 0).all()
    assert care[0].sum() == 16 * 16 - 8 * 4
    heat, care, roles, *_ = one([8, 8, 24, 40], PERSON)
    assert heat[0].max() == 1
    assert (roles == -1).all()
    heat, care, *_ = one([8, 8, 24, 40], PLAYER, people=0)
    assert heat.max() == 0
    assert care[0].max() == 0


@given(st.floats(-80, 80), st.floats(-80, 80), st.floats(0.5, 150), st.floats(0.5, 150), st.integers(0, 5))
@settings(max_examples=100)
def test_answers_are_sound_for_any_box(left: float, top: float, wide: float, high: float, kind: int) -> None:
    heat, care, roles, boxes, near = one([left, top, left + wide, top + high], kind)
    for array in (heat, care, boxes, near):
        assert np.isfinite(array).all()
    assert heat.min() >= 0
    assert heat.max() <= 1
    channel = int(kind == BALL)
    middle = heat[channel] == 1
    assert middle.sum() <= 1
    if middle.any():
        row, column = np.argwhere(middle)[0]
        sides = boxes[channel, :, row, column]
        assert sides[0] + sides[2] == pytest.approx(wide, rel=1e-3, abs=1e-3)
        assert sides[1] + sides[3] == pytest.approx(high, rel=1e-3, abs=1e-3)
    assert ((roles >= -1) & (roles <= 2)).all()


@pytest.fixture
def teacher(tmp_path: Path) -> Teacher:
    pictures = list(read_folder(draw_folder(tmp_path / "set", 3)))
    return Teacher([Source(pictures, 1, 1, 1)], Style(crop=128, width=320), seed=5)


def test_a_lesson_hangs_on_its_number_alone(teacher: Teacher) -> None:
    first = [teacher.lesson(number) for number in (3, 4)]
    again = [teacher.lesson(number) for number in (4, 3)][::-1]
    for name in Lesson.__dataclass_fields__:
        assert all(np.array_equal(getattr(a, name), getattr(b, name)) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].planes, first[1].planes)


def test_labels_stay_on_what_they_label(teacher: Teacher) -> None:
    """Whatever the crop, the scale and the flip: a figure is unlike the green around it."""
    unlike = 0
    total = 0
    for number in range(60):
        lesson = teacher.lesson(number)
        for row, column in np.argwhere(lesson.heat[0] == 1):
            left, top, right, bottom = lesson.boxes[0, :, row, column]
            if min(left + right, top + bottom) < 12:
                continue
            x, y = (column + 0.5) * 2, (row + 0.5) * 2  # chroma planes are half the crop
            outside = min(63, round(x + right / 2 + 4)) if x < 32 else max(0, round(x - left / 2 - 4))
            inner, outer = (lesson.planes[4:, int(y), column_].astype(int) for column_ in (int(x), outside))
            total += 1
            unlike += int(np.abs(inner - outer).max() > 12)
    assert total > 40
    assert unlike > 0.85 * total
