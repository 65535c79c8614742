"""By how much two detectors' accuracy differs, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from touchline.model.data.pictures import UNSURE, Picture, read_folder
from touchline.model.evaluate_detector import look, rate
from touchline.model.metrics import iou
from touchline.types.detections import Detections

_DRAWS = 300
_SAME = 0.5
_METRICS = ("people_ap50", "ball_ap50", "roles_map50")


def of_detectors(data: Path) -> Callable[[Path, Path], dict[str, tuple[float, float, float]]]:
    """A comparison on the pictures of ``data`` (a YOLO folder): new and old artifact → by metric the difference
    (new − old) and the ends of its 95 % interval.

    Both look at the same pictures, so the interval is that of the paired bootstrap: pictures are drawn anew with
    replacement, the same for both (Efron 1979, percentile interval, 300 draws, fixed seed).
    """
    return on_pictures(list(read_folder(data)))


def on_pictures(pictures: Sequence[Picture]) -> Callable[[Path, Path], dict[str, tuple[float, float, float]]]:
    """`of_detectors` on these. What overlaps a box that is labelled unsure counts neither way."""

    def compare(new: Path, old: Path) -> dict[str, tuple[float, float, float]]:
        seen = [without_doubt(look(model, pictures), pictures) for model in (new, old)]
        whole = _difference(seen, pictures)
        rng = np.random.default_rng(0)
        draws = [_difference(*_drawn(seen, pictures, rng)) for _ in range(_DRAWS)]
        found: dict[str, tuple[float, float, float]] = {}
        for metric in _METRICS:
            values = np.array([draw[metric] for draw in draws])
            values = values[np.isfinite(values)]  # a draw without any ball says nothing of balls
            if np.isfinite(whole[metric]) and len(values):
                low, high = np.percentile(values, [2.5, 97.5])
                found[metric] = (whole[metric], float(low), float(high))
        return found

    return compare


def without_doubt(seen: Sequence[Detections], pictures: Sequence[Picture]) -> list[Detections]:
    """Without what is an unsure box, by an IoU from 0.5, and none that is sure."""
    kept: list[Detections] = []
    for found, picture in zip(seen, pictures, strict=True):
        doubt = picture.kinds == UNSURE
        unsure, sure = iou(found.boxes, picture.boxes[doubt]), iou(found.boxes, picture.boxes[~doubt])
        kept.append(found[(unsure.max(1, initial=0) < _SAME) | (sure.max(1, initial=0) >= _SAME)])
    return kept


def _drawn(
    seen: Sequence[Sequence[Detections]], pictures: Sequence[Picture], rng: np.random.Generator
) -> tuple[list[list[Detections]], list[Picture]]:
    rows = rng.integers(0, len(pictures), len(pictures))
    return [[each[row] for row in rows] for each in seen], [pictures[row] for row in rows]


def _difference(seen: Sequence[Sequence[Detections]], pictures: Sequence[Picture]) -> dict[str, float]:
    new, old = (rate(each, pictures) for each in seen)
    return {metric: new[metric] - old[metric] for metric in _METRICS}
