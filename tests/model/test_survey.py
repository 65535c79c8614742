"""A venue's frames, labelled by a teacher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.bright_square import SIDE, TOP, write_square, write_square_detector
from touchline.model.data.pictures import PERSON, UNSURE, read_folder
from touchline.model.data.survey import disagreement, pick, survey
from touchline.model.data.venue import Shot
from touchline.types import Detections
from touchline.vision.detect import load_detector

LABELS = ("ball", "player")


def seen(*boxes: tuple[int, ...], ball: bool = False) -> Detections:
    count = len(boxes)
    classes = np.full(count, 0 if ball else 1, np.int16)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.ones(count, np.float32), classes, LABELS)


A, B, C = (0, 0, 10, 30), (50, 0, 60, 30), (90, 0, 100, 30)


@pytest.mark.parametrize(
    ("student", "teacher", "kinds", "people"),
    [
        (seen(A, B), [A, B], [PERSON, PERSON], 0),
        (seen(A), [A, B], [PERSON, PERSON], 1),  # missed
        (seen(A, B), [A], [PERSON], 1),  # seen by the student alone
        (seen(A), [B], [PERSON], 2),
        (seen(A), [A, B], [PERSON, UNSURE], 0),  # whom the teacher doubts nobody need see
        (seen(A, B), [A, B], [PERSON, UNSURE], 0),
        (seen(C, ball=True), [], [], 0),  # balls are no matter of dispute
        (seen(), [], [], 0),
    ],
)
def test_people_that_one_alone_sees(
    student: Detections, teacher: list[object], kinds: list[int], people: int
) -> None:
    boxes = np.array(teacher, np.float32).reshape(-1, 4)
    assert disagreement(student, boxes, np.array(kinds, np.int16)) == people


def test_a_survey_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    clip = write_square(tmp_path / "a.mp4", lambda k: 4 * k, frames=60)
    shots = [Shot(f"s{number}", clip, number, number / 60, False) for number in (0, 10, 20, 30, 70)]
    detector = load_detector(write_square_detector(tmp_path / "square.onnx"))
    blind = load_detector(tmp_path / "square.onnx", options={"score": 0.99})
    folder = tmp_path / "frames"
    whole = survey(shots, detector, blind, folder, print)
    assert whole == {"s0": 1, "s10": 1, "s20": 1, "s30": 1}  # the clip has no frame 70
    for picture, shot in zip(read_folder(folder), shots, strict=False):
        assert picture.kinds.tolist() == [PERSON]
        wanted = (4 * shot.number, TOP, 4 * shot.number + SIDE, TOP + SIDE)
        assert picture.boxes[0] == pytest.approx(wanted, abs=3)
    log = folder / "seen.jsonl"
    lines = log.read_text().splitlines()
    log.write_text("\n".join(lines[:2]) + "\n" + lines[2][:9])  # as one killed while it wrote leaves it
    for name in ("s0", "s10"):
        (folder / "labels" / f"{name}.txt").write_text("")  # would be written again, were they looked at again
    assert survey(shots, detector, blind, folder, print) == whole
    assert log.read_text().splitlines() == lines
    assert [len(picture.boxes) for picture in read_folder(folder)] == [0, 0, 1, 1]


def test_what_is_picked_is_whole_or_not_there(tmp_path: Path) -> None:
    clip = write_square(tmp_path / "a.mp4", lambda k: 4 * k, frames=60)
    shots = [Shot(f"s{number}", clip, number, number / 60, False) for number in (0, 10)]
    detector = load_detector(write_square_detector(tmp_path / "square.onnx"))
    survey(shots, detector, detector, tmp_path / "frames", print)
    (tmp_path / ".some.new" / "images").mkdir(parents=True)  # of one that was killed
    (tmp_path / ".some.new" / "images" / "old.jpg").write_text("")
    pick(tmp_path / "frames", shots[1:], tmp_path / "some")
    assert [picture.name for picture in read_folder(tmp_path / "some")] == ["s10.jpg"]
    assert not (tmp_path / ".some.new").exists()


def test_a_large_picture_is_kept_smaller_with_its_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchline.model.data.survey._PIXELS", 160 * 90)
    clip = write_square(tmp_path / "a.mp4", lambda k: 4 * k, frames=60)
    detector = load_detector(write_square_detector(tmp_path / "square.onnx"))
    survey([Shot("s10", clip, 10, 0.0, False)], detector, detector, tmp_path / "frames", print)
    (picture,) = read_folder(tmp_path / "frames")
    assert (picture.frame.width, picture.frame.height) == (160, 90)
    assert picture.boxes[0] == pytest.approx((20, TOP / 2, 20 + SIDE / 2, (TOP + SIDE) / 2), abs=2)
