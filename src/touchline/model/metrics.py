"""How good detections are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of every box of ``a`` (N, 4) with every one of ``b`` (M, 4) → (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1] - shared
    return (shared / np.maximum(union, 1e-9)).astype(np.float32)


def inside(a: Floats, b: Floats) -> Floats:
    """Intersection over the smaller of every box of ``a`` (N, 4) with every one of ``b`` (M, 4) → (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1) for boxes in (a, b)]
    return (shared / np.maximum(np.minimum(areas[0][:, None], areas[1]), 1e-9)).astype(np.float32)


def average_precision(
    found: Sequence[tuple[Floats, Floats]], truth: Sequence[Floats], least: float = 0.5
) -> float:
    """COCO's average precision: 101 points of recall, precision made to fall, all sizes.

    ``found``: per picture boxes (N, 4) and scores (N,). ``truth``: per picture boxes (M, 4). A box is right
    where its IoU with a truth that no better-scored one took is at least ``least``. NaN without any truth.
    """
    if sum(len(real) for real in truth) == 0:
        return float("nan")
    recall, precision = precision_recall(found, truth, least)
    if len(recall) == 0:
        return 0.0
    at = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(precision, 0.0)[at].mean())


def precision_recall(
    found: Sequence[tuple[Floats, Floats]], truth: Sequence[Floats], least: float = 0.5
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall, rising, and the precision made to fall with it, one of each per box found, the best-scored first.

    Arguments are those of `average_precision`. Empty without any truth or any box.
    """
    scores: list[Floats] = []
    hits: list[NDArray[np.bool_]] = []
    for (boxes, confidence), real in zip(found, truth, strict=True):
        order = np.argsort(-confidence, kind="stable")
        scores.append(confidence[order])
        hits.append(_match(iou(boxes[order], real), least))
    total = sum(len(real) for real in truth)
    if total == 0 or not scores:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    right = np.concatenate(hits)[order].cumsum()
    return right / total, np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]


def _match(overlap: Floats, least: float) -> NDArray[np.bool_]:
    """Each row, in order, takes the free column it overlaps most, if enough."""
    free = np.ones(overlap.shape[1], np.bool_)
    hits = np.zeros(len(overlap), np.bool_)
    for row, values in enumerate(overlap):
        candidates = np.where(free, values, -1)
        if len(candidates) and candidates.max() >= least:
            free[candidates.argmax()] = False
            hits[row] = True
    return hits
