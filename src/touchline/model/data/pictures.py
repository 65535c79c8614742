"""Labelled pictures, as planes: what a camera's decoder would give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.model.data.yolo import class_names, entries, read_labels
from touchline.types.errors import InputError
from touchline.types.frame import Frame

BALL, GOALKEEPER, PLAYER, REFEREE, PERSON, UNSURE = range(6)
KINDS = {
    "ball": BALL,
    "goalkeeper": GOALKEEPER,
    "player": PLAYER,
    "referee": REFEREE,
    "person": PERSON,
    "unsure": UNSURE,
}
"""What a label can be. ``person``: of unknown role. ``unsure``: may be a person or not, no lesson either way."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One labelled picture.

    ``boxes``: float32 (N, 4), left, top, right, bottom in px. ``kinds``: int16 (N,), of `KINDS`.
    """

    name: str
    frame: Frame
    boxes: NDArray[np.float32]
    kinds: NDArray[np.int16]


def read_folder(
    folder: Path,
    classes: Mapping[str, str] | None = None,
    *,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Iterator[Picture]:
    """Pictures of a YOLO folder (`entries`, `class_names` and `read_labels` say of which forms).

    ``classes``: what each of its class names means, of `KINDS`; by default they mean themselves, ``team…`` a
    player and any other a person. ``only``, ``without``: beginnings of names (`Entry.begins`) to take or to leave.
    Raises `InputError` for what is missing or malformed, with file and line.
    """
    names = class_names(folder)
    meaning = [KINDS[_meaning(name, classes or {})] for name in names]
    for entry in entries(folder):
        if (only and not entry.begins(only)) or (without and entry.begins(without)):
            continue
        path = entry.picture
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise InputError(f"{path}: cannot be read as a picture; remove or replace it")
        found = entry.labels.is_file()
        rows = read_labels(entry.labels, len(names)) if found else np.zeros((0, 5), np.float32)
        height, width = picture.shape[:2]
        middle, half = rows[:, 1:3], rows[:, 3:5] / 2
        boxes = np.concatenate([middle - half, middle + half], 1) * np.array([width, height] * 2, np.float32)
        kinds = np.array([meaning[int(row)] for row in rows[:, 0]], np.int16)
        yield Picture(path.name, to_frame(np.asarray(picture, np.uint8)), boxes.astype(np.float32), kinds)


def to_frame(bgr: NDArray[np.uint8]) -> Frame:
    """uint8 (H, W, 3), BGR → the frame a decoder would give: 4:2:0, BT.601, video range."""
    height, width = bgr.shape[:2]
    even = cv2.copyMakeBorder(bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    planes = cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420)
    rows, half = even.shape[0], (even.shape[0] // 2, even.shape[1] // 2)
    chroma = planes[rows:].reshape(2, *half)
    y = np.ascontiguousarray(planes[:height, :width], np.uint8)
    return Frame(0, y, np.asarray(chroma[0], np.uint8), np.asarray(chroma[1], np.uint8), bt709=False)


def _meaning(name: str, classes: Mapping[str, str]) -> str:
    if name in classes:
        return classes[name]
    if re.match("team", name):
        return "player"
    return name if name in KINDS else "person"
