"""A node's clock → the box's media time, from when its messages came."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass

BUCKET_S = 10.0
BUCKETS = 60
DRIFT_AFTER_S = 60.0
MAX_DRIFT = 500e-6
"""Of a cheap crystal's rate, in the cold; a steeper line is an accident of few messages."""
STEP_S = 1.0
"""A stamp that is further off than this is a wrong one, a late one, or a clock that was set."""
AGREEING = 5
"""So many in a row tell where the clock is, at the beginning and after it was set."""
AGREEING_OVER_S = 2.0
"""By the node's clock. More than `STEP_S`: what was held back and comes in one flash can never agree."""
HELD = 2
"""The lowest so many carry no line: one wrong stamp, and another, move nothing."""
_OFF_KEPT = 60

_Point = tuple[float, float]
"""The node's clock since the estimate began, and how far the arrival was from the stamp, s."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """``media_s``: when it was, never after it came. ``ahead``: its stamp was more than `STEP_S` ahead of the
    clock, so it is placed when it came. ``began_anew``: it made it clear that the clock was set."""

    media_s: float
    ahead: bool = False
    began_anew: bool = False


class NodeClock:
    """Media time is the node's time, plus an offset that the quickest messages tell, plus a drift.

    A message can be late, never early: each one's arrival less its stamp lies above the true offset. So the
    quickest of each `BUCKET_S` are kept, for ten minutes, and the offset is the line below all of them that is
    nearest to them in sum: the edge of their lower hull over their mean time (Moon, Skelly and Towsley,
    "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999). Until they span
    `DRIFT_AFTER_S`, the line is level.

    That holds of right stamps alone, and one wrong one would carry the whole line: so the lowest `HELD` wait
    aside until others come below the line too, and what is further off than `STEP_S` counts only once
    `AGREEING` messages in a row agree; then all begins anew with those. Until the first do, a message is placed
    when it came: by so much as it took, and no more, it is wrong.
    """

    def __init__(self) -> None:
        self._lowest: dict[float, _Point] = {}
        self._held: list[_Point] = []
        self._off: deque[tuple[float, float]] = deque()
        self._base = 0.0
        self._offset = 0.0
        self._drift = 0.0

    @property
    def drift(self) -> float | None:
        """Seconds that the box's clock gains in one of the node's; None while too little is known."""
        return self._drift if self._spanned() else None

    def update(self, node_s: float, arrived_s: float) -> Stamped:
        """Learn that what the node stamped ``node_s`` came at media time ``arrived_s``, both in s; when it was."""
        known = bool(self._lowest)
        above = self._above(self._point(node_s, arrived_s)) if known else 0.0
        if known and abs(above) <= STEP_S:
            self._off.clear()
            self._take(self._point(node_s, arrived_s))
            return Stamped(min(arrived_s, self.media_s(node_s)))
        if len(self._off) == _OFF_KEPT:
            self._off.pop()  # not the oldest, or fast ones would never span `AGREEING_OVER_S`
        self._off.append((node_s, arrived_s))
        if not self._agreed():
            return Stamped(min(arrived_s, self.media_s(node_s)) if known else arrived_s, ahead=above < 0)
        self._begin_anew()
        return Stamped(min(arrived_s, self.media_s(node_s)), began_anew=known)

    def media_s(self, node_s: float) -> float:
        """The media time, s, of the node's ``node_s``; of no meaning before `AGREEING` messages came."""
        return node_s + self._offset + self._drift * (node_s - self._base)

    def _point(self, node_s: float, arrived_s: float) -> _Point:
        return node_s - self._base, arrived_s - node_s

    def _above(self, point: _Point) -> float:
        return point[1] - self._offset - self._drift * point[0]

    def _agreed(self) -> bool:
        """Whether the last ones off the line agree; earlier ones that do not are forgotten."""
        offsets = [arrived_s - node_s for node_s, arrived_s in self._off]
        while max(offsets) - min(offsets) > STEP_S:
            self._off.popleft()
            offsets.pop(0)
        stamps = [node_s for node_s, _ in self._off]
        return len(stamps) >= AGREEING and max(stamps) - min(stamps) >= AGREEING_OVER_S

    def _begin_anew(self) -> None:
        self._base = min(node_s for node_s, _ in self._off)
        points = sorted((self._point(*off) for off in self._off), key=lambda point: point[1])
        self._off.clear()
        self._held = points[:HELD]
        self._lowest.clear()
        for point in points[HELD:]:
            self._keep(point)
        self._fit()

    def _take(self, point: _Point) -> None:
        newest = max(self._lowest.values())[0]
        self._held = [held for held in self._held if held[0] > newest - BUCKETS * BUCKET_S]
        if self._above(point) < 0:
            self._held.append(point)
            if len(self._held) <= HELD:
                return
            point = max(self._held, key=self._above)
            self._held.remove(point)
        self._keep(point)
        self._fit()

    def _keep(self, point: _Point) -> None:
        bucket = point[0] // BUCKET_S
        other = self._lowest.get(bucket)
        if other is None or point[1] < other[1]:
            self._lowest[bucket] = point
        if len(self._lowest) > BUCKETS:
            del self._lowest[min(self._lowest)]

    def _spanned(self) -> bool:
        if not self._lowest:
            return False
        return max(self._lowest.values())[0] - min(self._lowest.values())[0] >= DRIFT_AFTER_S

    def _fit(self) -> None:
        slope = self._hull_slope() if self._spanned() else 0.0
        self._drift = max(-MAX_DRIFT, min(MAX_DRIFT, slope))
        self._offset = min(offset - self._drift * at for at, offset in self._lowest.values())

    def _hull_slope(self) -> float:
        hull: list[_Point] = []
        for point in sorted(self._lowest.values()):
            while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
                hull.pop()
            hull.append(point)
        mean = sum(at for at, _ in self._lowest.values()) / len(self._lowest)
        begin, end = next(pair for pair in itertools.pairwise(hull) if pair[1][0] >= mean)
        return (end[1] - begin[1]) / (end[0] - begin[0])


def _turns_down(a: _Point, b: _Point, c: _Point) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
