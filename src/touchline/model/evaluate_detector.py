"""How good a detector is on labelled pictures, by the same road as on a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.model.data.pictures import BALL, GOALKEEPER, PLAYER, REFEREE, UNSURE, Picture, read_folder
from touchline.model.metrics import average_precision
from touchline.types.detections import Detections
from touchline.vision.detect import load_detector

_ROLES = {"goalkeeper": GOALKEEPER, "player": PLAYER, "referee": REFEREE}
_LEAST = 0.02
"""Confidence from which boxes are scored: average precision wants the doubtful ones too."""


def evaluate(model: str | Path, data: Path, width: int | None = None) -> dict[str, float]:
    """Score a detector, a name or path as `load_detector` takes it, on a YOLO folder (`read_folder`).

    ``people_ap50``: average precision at IoU 0.5 of people of whatever role, ``ball_ap50`` of balls,
    ``roles_map50``: mean over the roles that are labelled; each NaN where nothing of it is labelled.
    ``ms_per_frame``: median processor time of `Detector.detect`, on one thread; what else a machine does
    hardly shows in it.
    """
    detector = load_detector(model, width=width, options={"score": _LEAST, "ball_score": _LEAST})
    return score(detector.detect, list(read_folder(data)))


def score(detect: Callable[..., Detections], pictures: Sequence[Picture]) -> dict[str, float]:
    """`evaluate` of any function from a frame to detections."""
    seen: list[Detections] = []
    spent: list[float] = []
    detect(pictures[0].frame)  # the first call plans memory
    for picture in pictures:
        began = time.process_time()
        seen.append(detect(picture.frame))
        spent.append(time.process_time() - began)
    return rate(seen, pictures) | {"ms_per_frame": float(np.median(spent)) * 1e3}


def look(model: str | Path, pictures: Sequence[Picture]) -> list[Detections]:
    """What a detector finds in each picture, the doubtful ones too."""
    detector = load_detector(model, options={"score": _LEAST, "ball_score": _LEAST})
    return [detector.detect(picture.frame) for picture in pictures]


def rate(seen: Sequence[Detections], pictures: Sequence[Picture]) -> dict[str, float]:
    """The accuracies of `evaluate` for detections (of one detector) in each picture."""
    labels = seen[0].labels
    ball = labels.index("ball") if "ball" in labels else -1
    roles = [
        _score(seen, pictures, [labels.index(name)] if name in labels else [], [kind])
        for name, kind in _ROLES.items()
        if any((picture.kinds == kind).any() for picture in pictures)
    ]
    people = [index for index in range(len(labels)) if index != ball]
    kinds = [kind for kind in range(UNSURE) if kind != BALL]
    return {
        "people_ap50": _score(seen, pictures, people, kinds),
        "ball_ap50": _score(seen, pictures, [ball], [BALL]),
        "roles_map50": float(np.mean(roles)) if roles else float("nan"),
    }


Matches = tuple[list[tuple[NDArray[np.float32], NDArray[np.float32]]], list[NDArray[np.float32]]]
"""What `average_precision` takes: boxes and scores by picture, and the true boxes."""


def people_and_balls(seen: Sequence[Detections], pictures: Sequence[Picture]) -> dict[str, Matches]:
    """What `rate` scores, by name; only what is labelled at all."""
    labels = seen[0].labels
    ball = labels.index("ball") if "ball" in labels else -1
    people = [index for index in range(len(labels)) if index != ball]
    both = {
        "people": matches(seen, pictures, people, [kind for kind in range(UNSURE) if kind != BALL]),
        "ball": matches(seen, pictures, [ball], [BALL]),
    }
    return {name: pair for name, pair in both.items() if any(len(boxes) for boxes in pair[1])}


def _score(
    seen: Sequence[Detections], pictures: Sequence[Picture], classes: Sequence[int], kinds: Sequence[int]
) -> float:
    return average_precision(*matches(seen, pictures, classes, kinds))


def matches(
    seen: Sequence[Detections], pictures: Sequence[Picture], classes: Sequence[int], kinds: Sequence[int]
) -> Matches:
    """Detections of ``classes`` against labels of ``kinds``, by picture."""
    found: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    truth: list[NDArray[np.float32]] = []
    for detections, picture in zip(seen, pictures, strict=True):
        mine = np.isin(detections.classes, classes)
        found.append((detections.boxes[mine], detections.scores[mine]))
        truth.append(picture.boxes[np.isin(picture.kinds, kinds)])
    return found, truth
