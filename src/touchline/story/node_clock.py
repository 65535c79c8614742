"""A node's clock → the box's media time, from when its messages came."""

from __future__ import annotations

import itertools
from collections import deque

BUCKET_S = 10.0
BUCKETS = 60
DRIFT_AFTER_S = 60.0
MAX_DRIFT = 500e-6
"""Of a cheap crystal's rate, in the cold; a steeper line is an accident of few messages."""


class NodeClock:
    """Media time is the node's time, plus an offset that the quickest messages tell, plus a drift.

    A message can be late, never early: each one's arrival less its stamp lies above the true offset. So the
    quickest of each `BUCKET_S` are kept, for ten minutes, and the offset is the line below all of them that is
    nearest to them in sum: the edge of their lower hull over their mean time (Moon, Skelly and Towsley,
    "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999). Until they span
    `DRIFT_AFTER_S`, the line is level.
    """

    def __init__(self) -> None:
        self._lowest: deque[tuple[float, float]] = deque(maxlen=BUCKETS)
        self._base = 0.0
        self._offset = 0.0
        self._drift = 0.0

    @property
    def drift(self) -> float | None:
        """Seconds that the box's clock gains in one of the node's; None while too little is known."""
        return self._drift if self._spanned() else None

    def update(self, node_s: float, arrived_s: float) -> None:
        """Learn that what the node stamped ``node_s`` came at media time ``arrived_s``, both in s."""
        if not self._lowest:
            self._base = node_s
        point = (node_s - self._base, arrived_s - node_s)
        bucket = point[0] // BUCKET_S
        for index in range(len(self._lowest) - 1, -1, -1):
            other = self._lowest[index][0] // BUCKET_S
            if other == bucket:
                if point[1] >= self._lowest[index][1]:
                    return
                self._lowest[index] = point
                break
            if other < bucket:
                if index == len(self._lowest) - 1:
                    self._lowest.append(point)
                break
        else:
            if self._lowest:
                return  # older than all that is kept
            self._lowest.append(point)
        self._fit()

    def media_s(self, node_s: float) -> float:
        """The media time, s, of the node's ``node_s``, never after it came; call `update` before."""
        return node_s + self._offset + self._drift * (node_s - self._base)

    def _spanned(self) -> bool:
        return len(self._lowest) > 1 and self._lowest[-1][0] - self._lowest[0][0] >= DRIFT_AFTER_S

    def _fit(self) -> None:
        slope = self._hull_slope() if self._spanned() else 0.0
        self._drift = max(-MAX_DRIFT, min(MAX_DRIFT, slope))
        self._offset = min(offset - self._drift * at for at, offset in self._lowest)

    def _hull_slope(self) -> float:
        hull: list[tuple[float, float]] = []
        for point in self._lowest:
            while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
                hull.pop()
            hull.append(point)
        mean = sum(at for at, _ in self._lowest) / len(self._lowest)
        begin, end = next(pair for pair in itertools.pairwise(hull) if pair[1][0] >= mean)
        return (end[1] - begin[1]) / (end[0] - begin[0])


def _turns_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
