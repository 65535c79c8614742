"""Which detection is which track: one assignment over all tracks, seen, lost and new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

NO_ROWS: Rows = np.zeros(0, np.intp)


@dataclass(frozen=True, slots=True)
class Match:
    """``rows`` and ``columns`` (M,): tracks and detections that belong together, rising by track. ``live`` (L,):
    the tracks that took part. ``cost`` (L, D): of all that might have been."""

    rows: Rows
    columns: Rows
    live: Rows
    cost: Floats


NO_MATCH = Match(NO_ROWS, NO_ROWS, NO_ROWS, np.zeros((0, 0)))


def unlikeliness(
    x: Floats, variance: Floats, boxes: Floats, measured: Floats, overlap_worth: float, tail: float
) -> Floats:
    """Cost (T, D) of each pair of track and detection.

    ``x``, ``variance``: where tracks are expected, (T, 4) centre x, y, width, height in px and px². ``boxes``,
    ``measured``: the detections and the variance of their noise, (D, 4). The cost is the negative logarithm of a
    Gaussian in box heights (so that an unsure track pays for its wide net), less ``overlap_worth`` × overlap.
    """
    height = np.maximum(x[:, 3], 2.0)
    total = variance[:, None] + measured[None]
    error = boxes[None] - x[:, None]
    cost = (0.5 * (tail + 4)) * np.log1p((error * error / total).sum(2) / tail)
    cost += 0.5 * np.log(total.prod(2)) - 4 * np.log(height)[:, None]
    if overlap_worth:
        cost -= overlap_worth * overlap(x, boxes)
    return cost


def paired_unlikeliness(x: Floats, variance: Floats, boxes: Floats, tail: float) -> Floats:
    """The same (N,) for pairs, row for row, without overlap. ``variance`` (N, A): of track and box together.

    All (N, A) over the same axes, the last of which is the height.
    """
    axes = x.shape[1]
    error = boxes - x
    cost = (0.5 * (tail + axes)) * np.log1p((error * error / variance).sum(1) / tail)
    return cost + 0.5 * np.log(variance.prod(1)) - axes * np.log(np.maximum(x[:, -1], 2.0))


def overlap(a: Floats, b: Floats) -> Floats:
    """Intersection over union (A, B) of boxes given as centre x, y, width, height (px)."""
    half_a, half_b = a[:, None, 2:] / 2, b[None, :, 2:] / 2
    centre_a, centre_b = a[:, None, :2], b[None, :, :2]
    sides = np.minimum(centre_a + half_a, centre_b + half_b) - np.maximum(centre_a - half_a, centre_b - half_b)
    shared = np.maximum(sides, 0).prod(2)
    area_a, area_b = a[:, 2] * a[:, 3], b[:, 2] * b[:, 3]
    return shared / np.maximum(area_a[:, None] + area_b - shared, 1e-9)


def cover(boxes: Floats, there: NDArray[np.bool_]) -> Floats:
    """How much (N,), 0–1, of each of ``boxes`` (centre x, y, width, height) another of those ``there`` hides.

    Whoever stands lower in the picture is nearer to the camera and hides the other.
    """
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    shared = np.maximum(sides[..., 0], 0) * np.maximum(sides[..., 1], 0)
    shared *= (high[:, 1] > high[:, None, 1]) & there
    return shared.max(axis=1) / np.maximum(boxes[:, 2] * boxes[:, 3], 1.0)


def assign(cost: Floats) -> tuple[Rows, Rows]:
    """Rows and columns of the pairs that cost least in sum, where leaving both alone costs nothing."""
    rows, columns = linear_sum_assignment(np.minimum(cost, 0.0))
    taken = cost[rows, columns] < 0
    return rows[taken], columns[taken]
