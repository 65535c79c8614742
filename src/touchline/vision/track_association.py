"""Which detection is which track: one assignment over all tracks, seen, lost and new."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

NO_ROWS: Rows = np.zeros(0, np.intp)


@dataclass(frozen=True, slots=True)
class Match:
    """``rows`` and ``columns`` (M,): tracks and detections that belong together, rising by track. ``live`` (L,):
    the tracks that took part; ``rows`` are ``live[places]``. ``cost`` (L, D): of all that might have been."""

    rows: Rows
    columns: Rows
    places: Rows
    live: Rows
    cost: Floats


class Pairs:
    """Each of the tracks ``live`` (L,) with each detection, and what it costs to take them for the same.

    ``x``, ``variance``: how the tracks are expected, (L, 4) centre x, y, width, height in px and px². ``boxes``,
    ``measured``: the detections and the variance of their noise, (D, 4). The cost is the negative logarithm of
    Student's t of ``tail`` degrees of freedom in box heights (so that an unsure track pays for its wide net),
    less ``overlap_worth`` × overlap, and the track's ``prior`` (L,). Sizes and variances are weighed once, places
    at each `match`, for the camera's movement may have been found between two.
    """

    def __init__(
        self,
        live: Rows,
        x: Floats,
        variance: Floats,
        boxes: Floats,
        measured: Floats,
        prior: Floats,
        overlap_worth: float,
        tail: float,
    ) -> None:
        self.live = live
        self._tail, self._overlap_worth = tail, overlap_worth
        seen, own = boxes.T.copy()[:, None], x.T.copy()[2:, :, None]
        self._seen, sides = seen[:2], seen[2:]
        variance = variance.T.copy()[:, :, None] + measured.T.copy()[:, None]
        self._variance = variance[:2]
        error = sides - own
        self._apart = (error * error / variance[2:]).sum(axis=0) + tail
        prior = prior - 4 * np.log(np.maximum(x[:, 3], 2.0)) - 0.5 * (tail + 4) * log(tail)
        self._prior = prior[:, None] + 0.5 * np.log(variance.prod(axis=0))
        self._reach, self._least = (own + sides) / 2, np.minimum(own, sides)
        self._areas = own[0] * own[1] + sides[0] * sides[1]

    def match(self, x: Floats) -> Match:
        """Whom the tracks, expected at ``x`` (N, 4) of which `live` take part, would rather have than none."""
        error = self._seen - x.take(self.live, axis=0).T.copy()[:2, :, None]
        apart = (error * error / self._variance).sum(axis=0) + self._apart
        cost = (0.5 * (self._tail + 4)) * np.log(apart) + self._prior
        if self._overlap_worth:
            shared = _shared(error, self._reach, self._least)
            cost -= self._overlap_worth * shared / np.maximum(self._areas - shared, 1e-9)
        rows, columns = assign(cost)
        return Match(self.live[rows], columns, rows, self.live, cost)


def paired_unlikeliness(x: Floats, variance: Floats, boxes: Floats, tail: float) -> Floats:
    """What `Pairs` adds up, but (..., N) row for row and without overlap. ``variance``: of track and box together.

    All (..., N, A) over the same axes, the last of which is the height.
    """
    axes = x.shape[-1]
    error = boxes - x
    cost = (0.5 * (tail + axes)) * np.log1p((error * error / variance).sum(axis=-1) / tail)
    return cost + 0.5 * np.log(variance.prod(axis=-1)) - axes * np.log(np.maximum(x[..., -1], 2.0))


def cover(boxes: Floats, there: NDArray[np.bool_]) -> Floats:
    """How much (N,), 0–1, of each of ``boxes`` (centre x, y, width, height) another of those ``there`` hides.

    Whoever stands lower in the picture is nearer to the camera and hides the other.
    """
    hidden, front = boxes.T.copy()[:, :, None], boxes[there].T.copy()[:, None]
    shared = _shared(front[:2] - hidden[:2], (front[2:] + hidden[2:]) / 2, np.minimum(front[2:], hidden[2:]))
    shared *= front[1] + front[3] / 2 > hidden[1] + hidden[3] / 2
    return shared.max(axis=1, initial=0.0) / np.maximum(boxes[:, 2] * boxes[:, 3], 1.0)


def _shared(error: Floats, reach: Floats, least: Floats) -> Floats:
    """Area (A, B), px², that two boxes share, from three of (2, A, B), px, across and down.

    ``error``: from centre to centre, ``reach``: the boxes' mean sides, ``least``: their lesser ones.
    """
    width, height = np.maximum(np.minimum(reach - np.abs(error), least), 0.0)
    return width * height


def assign(cost: Floats) -> tuple[Rows, Rows]:
    """Rows and columns of the pairs that cost least in sum, where leaving both alone costs nothing."""
    rows, columns = linear_sum_assignment(np.minimum(cost, 0.0))
    taken = cost[rows, columns] < 0
    return rows[taken], columns[taken]
