"""Labels borrowed from other detectors, for pictures that have none: people seen close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.model.data.pictures import BALL, KINDS, PERSON, UNSURE, Picture, to_frame
from touchline.model.metrics import inside, iou
from touchline.types.errors import InputError
from touchline.types.frame import Frame
from touchline.vision.boxes import suppress
from touchline.vision.detect import Detector

Floats = NDArray[np.float32]

_SURE = 0.55
_SAME = 0.6
_PART = {PERSON: 0.85, UNSURE: 0.7}
"""Share of the smaller of two boxes from which it counts as a part of the other."""


def frames_of(
    video: Path, every: int, first: int = 0, last: int | None = None
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Name and BGR picture of every n-th frame of a video file, from ``first`` to before ``last``."""
    capture = cv2.VideoCapture(str(video))
    if not capture.isOpened():
        raise InputError(f"{video}: cannot be opened as a video; check the file")
    number = 0
    while last is None or number < last:
        ok, picture = capture.read()
        if not ok:
            break
        if number >= first and (number - first) % every == 0:
            yield f"{video.parent.parent.name}_{video.stem}_{number:05d}", np.asarray(picture, np.uint8)
        number += 1
    capture.release()


def borrow(
    picture: NDArray[np.uint8], teachers: Sequence[Detector], boxes: Floats, kinds: NDArray[np.int16]
) -> tuple[Floats, NDArray[np.int16]]:
    """People that all teachers agree on, added to what is labelled already.

    ``picture``: uint8 (H, W, 3), BGR. ``boxes`` (N, 4) px and ``kinds`` (N,), of `KINDS`: its own labels. A
    person that each teacher finds, one of them surely, is added as a person; what one alone sees or all
    doubt is added as unsure, unless it is but a part of a person, or spans several, that all agree on: such
    boxes are what a detector must learn not to give. Teachers look at the whole picture and at overlapping
    parts of it.
    """
    seen = [_look(picture, teacher) for teacher in teachers]
    everything = np.concatenate([found for found, _ in seen])
    scores = np.concatenate([confidence for _, confidence in seen])
    keep = suppress(everything, scores, np.zeros(len(scores), np.int16), _SAME)
    people = boxes[kinds != BALL]
    new_boxes: list[Floats] = []
    new_kinds: list[int] = []
    for row in keep:
        box = everything[row]
        if len(people) and iou(box[None], people).max() > 0.4:
            continue
        partners = [_best(box, found) for found, _ in seen]
        agreed = [found[index] for (found, _), index in zip(seen, partners, strict=True) if index is not None]
        sure = len(agreed) == len(teachers) and scores[row] >= _SURE
        new_boxes.append(np.mean(agreed, axis=0) if sure else box)
        new_kinds.append(PERSON if sure else UNSURE)
    return whole(
        np.concatenate([boxes, np.array(new_boxes, np.float32).reshape(-1, 4)]),
        np.concatenate([kinds, np.array(new_kinds, np.int16)]),
        len(boxes),
    )


def whole(boxes: Floats, kinds: NDArray[np.int16], given: int) -> tuple[Floats, NDArray[np.int16]]:
    """Without the parts of people among the boxes (N, 4) after the first ``given``: a person that lies in one
    of twice its size, and an unsure one that lies in a person or holds one."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    keep = np.ones(len(boxes), np.bool_)
    for kind in (PERSON, UNSURE):
        people = np.nonzero(keep & (kinds != BALL) & (kinds != UNSURE))[0]
        for row in np.nonzero(kinds == kind)[0]:
            others = people[areas[people] > 2 * areas[row]] if kind == PERSON else people
            if row >= given and len(others) and inside(boxes[row : row + 1], boxes[others]).max() > _PART[kind]:
                keep[row] = False
    return boxes[keep], kinds[keep]


def write_folder(out: Path, pictures: Iterator[tuple[str, NDArray[np.uint8], Floats, NDArray[np.int16]]]) -> int:
    """Pictures with boxes (px) and kinds as a YOLO folder → how many."""
    for name in ("images", "labels"):
        (out / name).mkdir(parents=True, exist_ok=True)
    (out / "classes.txt").write_text("\n".join(KINDS) + "\n", "utf-8")
    count = 0
    for name, picture, boxes, kinds in pictures:
        height, width = picture.shape[:2]
        unit = np.array([width, height] * 2)
        middles = np.concatenate([boxes[:, :2] + boxes[:, 2:], 2 * (boxes[:, 2:] - boxes[:, :2])], 1) / 2 / unit
        rows = [f"{kind} " + " ".join(f"{v:.6f}" for v in row) for kind, row in zip(kinds, middles, strict=True)]
        cv2.imwrite(str(out / "images" / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
        (out / "labels" / f"{name}.txt").write_text("\n".join(rows) + "\n", "utf-8")
        count += 1
    return count


def parts(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of what a teacher looks at of a picture: the whole, and two layers of parts that
    overlap by three tenths: 2×1 and 2×2 of a usual picture, more of a panorama, so that none is much longer than
    wide."""
    aspect = max(width, height) / min(width, height)
    found = [(0, 0, width, height)]
    for long, short in ((max(2, round(aspect)), 1), (max(2, round(1.25 * aspect)), 2)):
        columns, rows = (long, short) if width >= height else (short, long)
        wide, tall = int(width / (1 + 0.7 * (columns - 1))), int(height / (1 + 0.7 * (rows - 1)))
        found += [
            (
                int(c * (width - wide) / max(1, columns - 1)),
                int(r * (height - tall) / max(1, rows - 1)),
                wide,
                tall,
            )
            for c in range(columns)
            for r in range(rows)
        ]
    return found


def _look(picture: NDArray[np.uint8], teacher: Detector) -> tuple[Floats, Floats]:
    height, width = picture.shape[:2]
    found: list[Floats] = []
    scores: list[Floats] = []
    for left, top, wide, tall in parts(width, height):
        frame: Frame = to_frame(np.ascontiguousarray(picture[top : top + tall, left : left + wide]))
        result = teacher.detect(frame)
        mine = np.isin(result.classes, [i for i, label in enumerate(result.labels) if label != "ball"])
        boxes = result.boxes[mine]
        # A person cut by a part's inner edge is not a whole one; another part or the whole picture has it.
        cut = ((boxes[:, 0] < 4) & (left > 0)) | ((boxes[:, 1] < 4) & (top > 0))
        cut |= ((boxes[:, 2] > wide - 4) & (left + wide < width)) | (
            (boxes[:, 3] > tall - 4) & (top + tall < height)
        )
        found.append(boxes[~cut] + np.array([left, top] * 2, np.float32))
        scores.append(result.scores[mine][~cut])
    boxes, confidence = np.concatenate(found), np.concatenate(scores)
    boxes = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
    keep = suppress(boxes, confidence, np.zeros(len(boxes), np.int16), _SAME)
    weights = np.where(iou(boxes[keep], boxes) >= _SAME, confidence, 0.0)  # the mean of all looks is steadier
    return (weights @ boxes / weights.sum(1, keepdims=True)).astype(np.float32), confidence[keep]


def _best(box: Floats, others: Floats) -> int | None:
    if not len(others):
        return None
    overlaps = iou(box[None], others)[0]
    return int(overlaps.argmax()) if overlaps.max() >= _SAME else None


def relabel(
    pictures: Sequence[Picture], folder: Path, teachers: Sequence[Detector]
) -> Iterator[tuple[str, NDArray[np.uint8], Floats, NDArray[np.int16]]]:
    """`borrow` for the pictures of a YOLO folder, in `write_folder`'s form."""
    for each in pictures:
        picture = np.asarray(cv2.imread(str(folder / "images" / each.name)), np.uint8)
        yield Path(each.name).stem, picture, *borrow(picture, teachers, each.boxes, each.kinds)
