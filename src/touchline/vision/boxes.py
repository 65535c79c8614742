"""From a network's output to boxes. One function per kind of head, all in px of the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Candidates = tuple[Floats, Floats, NDArray[np.intp]]
"""boxes (N, 4) left, top, right, bottom; scores (N,) 0–1; class of each (N,)."""

PERSON_ROLES = 3
FINER = {13: 1, 52: 2}
"""Cells of the picture, across and down, that each place of our own head's maps answers for, by its channels."""
_POLL = np.linspace(-1, 1, 5)
_DOUBT = float(np.log(0.1 / 0.9))
_REACH = 0.1
"""Share of a box's side, to either side of its peak, over which cells are asked for the box."""


def centre(maps: Floats, width: int, score: float) -> Candidates:
    """Our own head, (13 · F², H, W): a peak of a heat map is an object, the distances around it give the box.

    Of F² channels each, one for each cell of a place, row by row: person and ball logits, goalkeeper, player and
    referee logits, logarithms (of px / stride) of a person's distances left, top, right, bottom of the cell's
    middle, then the same of a ball. ``width``: of the network's input, px. Classes: 0 ball, then the roles.
    (Objects as points: Zhou et al. 2019, arXiv 1904.07850.)
    """
    finer = FINER[len(maps)]
    high, wide = maps.shape[1] * finer, maps.shape[2] * finer
    stride = width // wide
    cells = maps.reshape(-1, finer, finer, *maps.shape[1:])
    threshold = float(np.log(score / (1 - score)))
    boxes: list[Floats] = []
    scores: list[Floats] = []
    classes: list[NDArray[np.intp]] = []
    for kind in (0, 1):
        heat = cells[kind].transpose(2, 0, 3, 1).reshape(high, wide)
        peaks = (heat > threshold) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
        rows, columns = np.divmod(np.flatnonzero(peaks), wide)
        first = 2 + PERSON_ROLES + 4 * kind
        boxes.append(_polled(heat, cells[first : first + 4], rows, columns, stride))
        scores.append(_sigmoid(heat[rows, columns]))
        roles = _at(cells[2 : 2 + PERSON_ROLES], rows, columns).argmax(0) + 1
        classes.append(roles if kind == 0 else np.zeros_like(roles))
    return np.concatenate(boxes), np.concatenate(scores), np.concatenate(classes)


def _polled(heat: Floats, away: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], stride: int) -> Floats:
    """The boxes of peaks: the mean of what cells around each say, 5×5 over a fifth of its own box, by confidence.

    Each peak's own word trembles, most for someone close, who covers hundreds of cells. Cells of less than
    half the best confidence have no say.
    """
    boxes = _said(away, rows, columns, stride)
    reach = (boxes[:, 2:] - boxes[:, :2]) * (_REACH / stride)
    # In small boxes the cells would all be the peak's own; doubtful ones are many and not worth it.
    large = np.nonzero((reach.max(1, initial=0) >= 0.5) & (heat[rows, columns] >= _DOUBT))[0]
    height, width = heat.shape
    x = np.clip(np.rint(columns[large, None] + reach[large, :1] * _POLL), 0, width - 1).astype(np.intp)
    y = np.clip(np.rint(rows[large, None] + reach[large, 1:] * _POLL), 0, height - 1).astype(np.intp)
    x, y = np.tile(x, len(_POLL)), np.repeat(y, len(_POLL), axis=1)
    weight = _sigmoid(heat[y, x])
    weight = np.where(weight >= weight.max(1, keepdims=True, initial=0) / 2, weight, 0)
    sums = (_said(away, y, x, stride) * weight[..., None]).sum(1)
    boxes[large] = sums / weight.sum(1, keepdims=True)
    return boxes


def _said(away: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], stride: int) -> Floats:
    """The boxes (…, 4) that the cells at ``rows`` and ``columns`` (…) give."""
    distances = np.moveaxis(np.exp(np.minimum(_at(away, rows, columns), 8.0)), 0, -1) * stride
    middle = (np.stack([columns, rows], -1) + 0.5) * stride
    return np.concatenate([middle - distances[..., :2], middle + distances[..., 2:]], -1).astype(np.float32)


def _at(cells: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """``cells`` (C, F, F, H, W) at ``rows`` and ``columns`` (…) of the picture's cells: (C, …)."""
    finer = cells.shape[1]
    return cells[:, rows % finer, columns % finer, rows // finer, columns // finer]


def yolox(output: Floats, size: tuple[int, int], strides: Sequence[int], score: float) -> Candidates:
    """A YOLOX grid, (N, 5 + C): offset and logarithmic size, objectness, classes (arXiv 2107.08430)."""
    objects = output[:, 4] * output[:, 5:].max(1)
    rows = np.nonzero(objects > score)[0]
    centres, steps = _grid(size, strides, 0.0)
    middle = output[rows, :2] * steps[rows, None] + centres[rows]
    extent = np.exp(output[rows, 2:4]) * steps[rows, None]
    return _around(middle, extent), objects[rows], output[rows, 5:].argmax(1)


def ultralytics(output: Floats, score: float) -> Candidates:
    """(4 + C, N): middle and size in px, classes."""
    best = output[4:].max(0)
    rows = np.nonzero(best > score)[0]
    return _around(output[:2, rows].T, output[2:4, rows].T), best[rows], output[4:, rows].argmax(0)


def nanodet(
    classes: Floats, distances: Floats, size: tuple[int, int], strides: Sequence[int], offset: float, score: float
) -> Candidates:
    """A generalised focal head: class scores (N, C) and, per side, a distribution over the distance in
    strides, (N, 4 · bins) (arXiv 2006.04388). ``offset``: where in its cell, 0–1, a cell measures from."""
    best = classes.max(1)
    rows = np.nonzero(best > score)[0]
    centres, steps = _grid(size, strides, offset)
    raw = distances[rows].reshape(len(rows), 4, distances.shape[1] // 4)
    weights = np.exp(raw - raw.max(2, keepdims=True))
    weights /= weights.sum(2, keepdims=True)
    away = weights @ np.arange(raw.shape[2], dtype=np.float32) * steps[rows, None]
    boxes = np.concatenate([centres[rows] - away[:, :2], centres[rows] + away[:, 2:]], 1)
    return boxes.astype(np.float32), best[rows], classes[rows].argmax(1)


def cells(size: tuple[int, int], strides: Sequence[int]) -> int:
    """How many rows a grid head gives for an input of ``size`` (width, height)."""
    return sum(-(-size[0] // stride) * -(-size[1] // stride) for stride in strides)


def suppress(boxes: Floats, scores: Floats, groups: NDArray[Any], overlap: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression within each group → rows kept, best first.

    A box goes where its intersection over union with a better one of its group exceeds ``overlap``.
    """
    if not len(boxes):
        return np.zeros(0, np.intp)
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1).astype(np.float64)
    rows = cv2.dnn.NMSBoxesBatched(
        cast(Any, corner_and_size), cast(Any, scores), cast(Any, groups.astype(np.int32)), 0.0, overlap
    )
    return np.asarray(rows, np.intp)


def _grid(size: tuple[int, int], strides: Sequence[int], offset: float) -> tuple[Floats, Floats]:
    """Each cell's origin (N, 2) in px, shifted by ``offset`` cells, and its stride (N,)."""
    centres: list[Floats] = []
    steps: list[Floats] = []
    for stride in strides:
        columns, rows = -(-size[0] // stride), -(-size[1] // stride)
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        centres.append((np.stack([x.ravel(), y.ravel()], 1) + offset).astype(np.float32) * stride)
        steps.append(np.full(columns * rows, stride, np.float32))
    return np.concatenate(centres), np.concatenate(steps)


def _around(middle: Floats, extent: Floats) -> Floats:
    return np.concatenate([middle - extent / 2, middle + extent / 2], 1).astype(np.float32)


def _sigmoid(x: Floats) -> Floats:
    return (1 / (1 + np.exp(-x))).astype(np.float32)
