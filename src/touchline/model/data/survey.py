"""A venue's frames, labelled by a teacher, and how far the student disagrees; it can be gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.model.data.borrow import borrow, write_folder
from touchline.model.data.pictures import PERSON, UNSURE, to_frame
from touchline.model.data.venue import Reader, Shot
from touchline.model.metrics import iou
from touchline.types.detections import Detections
from touchline.vision.detect import Detector

Floats = NDArray[np.float32]
NOBODY = np.zeros((0, 4), np.float32), np.zeros(0, np.int16)
"""Boxes and kinds of a picture of which nothing is labelled."""
_PIXELS = 1920 * 1080
"""Of a picture that is kept, at most: more than the student looks at."""
_SAME = 0.5
_SAID = 25


def survey(
    shots: Sequence[Shot], teacher: Detector, student: Detector, folder: Path, say: Callable[[str], None]
) -> dict[str, int]:
    """Look at ``shots`` with both → the disagreement on each that its video has, by name.

    ``folder`` becomes a YOLO folder of all of them, labelled by `borrow` from the ``teacher``: people, and those
    it doubts as unsure; never balls. seen.jsonl there keeps what is done, so that one who was cut off goes on.
    """
    log = folder / "seen.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    seen = _done(log)
    reader = Reader()
    with log.open("a", encoding="utf-8") as file:
        for number, shot in enumerate(shots, 1):
            if shot.name in seen:
                continue
            picture = reader.read(shot)
            if picture is None:
                continue
            boxes, kinds = borrow(picture, [teacher], *NOBODY)
            seen[shot.name] = disagreement(student.detect(to_frame(picture)), boxes, kinds)
            kept, scale = _smaller(picture)
            write_folder(folder, iter([(shot.name, kept, boxes * scale, kinds)]))
            file.write(json.dumps({"name": shot.name, "disagreement": seen[shot.name]}) + "\n")
            file.flush()
            if number % _SAID == 0:
                say(f"looked at {number} of {len(shots)} frames")
    return {shot.name: seen[shot.name] for shot in shots if shot.name in seen}


def disagreement(student: Detections, boxes: Floats, kinds: NDArray[np.int16]) -> int:
    """People that only one of the two sees: the teacher's sure ones (``boxes`` (N, 4), ``kinds`` (N,)) that are
    none of the student's, at its own least confidence, and the student's that are none of the teacher's, doubtful
    or not. Two boxes are one from an IoU of 0.5."""
    people = np.array([label != "ball" for label in student.labels])
    mine = student.boxes[people[student.classes]]
    sure, any_ = boxes[kinds == PERSON], boxes[(kinds == PERSON) | (kinds == UNSURE)]
    missed = iou(sure, mine).max(1, initial=0) < _SAME
    alone = iou(mine, any_).max(1, initial=0) < _SAME
    return int(missed.sum() + alone.sum())


def pick(folder: Path, shots: Sequence[Shot], out: Path) -> None:
    """Copy some of a survey's pictures and labels into the YOLO folder ``out``, whole or not at all."""
    if out.is_dir():
        return
    draft = out.with_name(f".{out.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for name in ("images", "labels"):
        (draft / name).mkdir(parents=True)
    shutil.copyfile(folder / "classes.txt", draft / "classes.txt")
    for shot in shots:
        for file in (f"images/{shot.name}.jpg", f"labels/{shot.name}.txt"):
            shutil.copyfile(folder / file, draft / file)
    draft.rename(out)


def _done(log: Path) -> dict[str, int]:
    """What was looked at before; a last line that was cut off is forgotten, and taken out of the file."""
    if not log.is_file():
        return {}
    found: dict[str, int] = {}
    for line in log.read_text("utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            found[str(entry["name"])] = int(entry["disagreement"])
        except (ValueError, KeyError, TypeError):
            continue
    fresh = log.with_suffix(".new")
    fresh.write_text(
        "".join(json.dumps({"name": name, "disagreement": value}) + "\n" for name, value in found.items()), "utf-8"
    )
    fresh.replace(log)
    return found


def _smaller(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], np.float32]:
    height, width = picture.shape[:2]
    scale = min(1.0, (_PIXELS / (height * width)) ** 0.5)
    if scale == 1.0:
        return picture, np.float32(1)
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), np.float32(scale)
