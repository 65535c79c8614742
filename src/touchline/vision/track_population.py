"""The tracks of one kind, people or balls: matched, corrected, started, stitched and forgotten together."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchline.types import Detections
from touchline.vision.track_association import (
    NO_ROWS,
    Match,
    Pairs,
    assign,
    cover,
    paired_unlikeliness,
)
from touchline.vision.track_config import KindConfig
from touchline.vision.track_doubt import Doubts
from touchline.vision.track_motion import Bank, Motion

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

SURE = 0.98
"""Probability that what was just detected as a known track is it."""
UNFOUND = 1.35
"""Misses for one that is counted: who is not found again goes uncounted."""
COUNTED = 1000.0
"""The detector's habit of missing people is counted over about so many boxes."""


def _zeros() -> Floats:
    return np.zeros(0)


@dataclass(slots=True)
class Known:
    """What is known of each track beside its motion, row for row with the bank.

    ``ids``; ``hits``: detections so far; ``seen``: media time of the last; ``left`` (N, 4): the box then, px,
    carried on by the camera alone; ``there``: probability of being in the picture; ``missed``: probability of
    going unseen even so; ``misses``: updates in full view without a detection since the last; ``strength``:
    scores of late; ``shown``: chosen at the last update; ``scores``: of the last detection; ``votes``: (N,
    labels); ``first`` (N, 6): until they are sure the first box, its score and media time; then that time is NaN.
    """

    ids: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    hits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    seen: Floats = field(default_factory=_zeros)
    left: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    there: Floats = field(default_factory=_zeros)
    missed: Floats = field(default_factory=_zeros)
    misses: Floats = field(default_factory=_zeros)
    strength: Floats = field(default_factory=_zeros)
    shown: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    votes: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    first: Floats = field(default_factory=lambda: np.zeros((0, 6)))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all other rows."""
        self.ids, self.hits = self.ids[rows], self.hits[rows]
        self.seen, self.left = self.seen[rows], self.left[rows]
        self.there, self.missed, self.misses = self.there[rows], self.missed[rows], self.misses[rows]
        self.strength, self.shown = self.strength[rows], self.shown[rows]
        self.scores, self.votes, self.first = self.scores[rows], self.votes[rows], self.first[rows]

    def exchange(self, one: int, other: int) -> None:
        """What belongs to the number rather than to what was seen of late."""
        for these in (self.hits, self.votes):
            these[[one, other]] = these[[other, one]]
        self.first[[one, other], 5] = np.nan  # whose it was is the question

    def add(
        self,
        ids: NDArray[np.int32],
        time: float,
        boxes: Floats,
        there: float,
        missed: float,
        found: Detections,
    ) -> None:
        """Add a row for each of the detections ``found``, centred ``boxes`` (N, 4)."""
        n = len(ids)
        weight = _weight(found)
        votes = np.zeros((n, len(found.labels)))
        votes[np.arange(n), found.classes] = weight
        self.ids = np.concatenate([self.ids, ids])
        self.hits = np.concatenate([self.hits, np.ones(n, np.int64)])
        self.seen = np.concatenate([self.seen, np.full(n, time)])
        self.left = np.concatenate([self.left, boxes])
        self.there = np.concatenate([self.there, np.full(n, there)])
        self.missed = np.concatenate([self.missed, np.full(n, missed)])
        self.misses = np.concatenate([self.misses, np.zeros(n)])
        self.strength = np.concatenate([self.strength, weight])
        self.shown = np.concatenate([self.shown, np.zeros(n, np.bool_)])
        self.scores = np.concatenate([self.scores, found.scores])
        self.votes = np.concatenate([self.votes.reshape(-1, votes.shape[1]), votes])
        self.first = np.concatenate([self.first, np.column_stack([boxes, found.scores, np.full(n, time)])])


class Chosen(NamedTuple):
    """Who is shown after an update. ``shown``: their rows. ``begun`` (M,): the rows of those whom their second
    detection has just confirmed, and ``first`` (M, 6): their first box, its score and media time. None has begun
    where only so many are shown and others were in the meantime."""

    shown: Rows
    begun: Rows
    first: Floats


class Population:
    """The tracks of one kind. They are never associated with another kind's detections."""

    def __init__(self, config: KindConfig) -> None:
        self.config = config
        self.motion = Motion(config.motion)
        self.bank = Bank()
        self.known = Known()
        self.doubts = Doubts(self.motion, config)
        self._reach, self._reach_speed = np.array(config.reach), np.array(config.reach_speed)
        self._missed, self._looked = 200 * config.missed, 200.0
        self._panned = np.zeros(2)  # px that the camera has moved since it was last known to have turned
        self._turned = -inf  # media time of that

    def __len__(self) -> int:
        return len(self.bank)

    def move(self, dt: float, shift: Floats) -> None:
        """Carry all tracks ``dt`` seconds on, and ``shift`` (2,) px with the picture."""
        if not len(self):
            return
        self.motion.predict(dt, self.bank, self.doubts.bank)
        self.shift(shift)
        self.known.there *= exp(-self.config.leave_rate * dt)
        self.known.strength *= exp(-dt)

    def shift(self, shift: Floats) -> None:
        """Move everything ``shift`` (2,) px with the picture."""
        if not len(self):
            return
        for places in (self.bank.x, self.known.left, self.doubts.bank.x):
            places[:, :2] += shift
        self._panned = self._panned + shift

    def scale(self, by: Floats) -> None:
        """Into a picture whose axes (4,) are ``by`` times as long."""
        self.bank.scale(by)
        self.doubts.bank.scale(by)
        self.known.left *= by
        self._panned = self._panned * by[:2]

    def expect(self, edge: Floats) -> None:
        """Before a match: how likely each track would go unseen, more so when hidden, and where the lost may be.

        ``edge`` (2,): right and lower edge of the picture, px.
        """
        if not len(self):
            return
        config, known = self.config, self.known
        seen = 1 - min(max(UNFOUND * self._missed / self._looked, 0.02), 0.8)
        if config.hidden:
            hidden = np.minimum(np.maximum((cover(self.bank.x, known.there > 0.5) - 0.3) / 0.4, 0), 1)
            known.missed = 1 - seen * (1 - config.hidden * hidden)
        else:
            known.missed = np.full(len(self), 1 - seen)
        lost = (known.there < config.show_at).nonzero()[0]
        if len(lost):
            x = self.bank.x.take(lost, axis=0)
            beyond = x[:, 3:] * config.beyond
            self.bank.x[lost, :2] = np.minimum(np.maximum(x[:, :2], -beyond), edge + beyond)

    def pairs(self, boxes: Floats, time: float, patience: float) -> Pairs:
        """Which tracks and ``boxes`` (D, 4) may belong together.

        ``patience``: seconds without a detection up to which a track takes part, if more than the configured.

        That a detection belongs to a track is held against the track's having gone unseen, which a front player
        rarely does and a hidden one often.
        """
        config, known = self.config, self.known
        live = (time - known.seen <= max(config.live_s, patience)).nonzero()[0]
        seen = np.maximum(known.there[live], config.return_share) * (1 - known.missed[live])
        return Pairs(
            live,
            self.bank.x.take(live, axis=0),
            self.bank.pp.take(live, axis=0),
            boxes,
            self.motion.measured(boxes),
            np.log((1 - seen) / seen) - config.new_cost,
            config.overlap_worth,
            config.tail,
        )

    def settle(self, time: float, boxes: Floats, found: Detections, match: Match, next_id: int) -> int:
        """Correct the matched tracks, mend what was mistaken before, start new tracks and forget old ones.

        Returns the next free number.
        """
        rows, columns = match.rows, match.columns
        known, config = self.known, self.config
        unseen = known.there * known.missed
        known.there = unseen / (1 - known.there + unseen)
        known.misses += known.missed < self._missed / self._looked + 0.1
        if config.doubt_s:
            self.doubts.listen(self.bank, known.ids, match, boxes, time)
        if len(rows):
            if config.doubt_s:
                self.doubts.arise(self.bank, known.ids, match, boxes, time)
            taken = boxes.take(columns, axis=0)
            self.motion.learn(self.bank, rows, taken)
            self.motion.correct(self.bank, rows, taken)
            known.hits[rows] += 1
            self._count(rows)
            known.misses[rows] = 0
            known.seen[rows] = time
            known.there[rows] = SURE
            known.scores[rows] = found.scores[columns]
            weight = _weight(found)[columns]
            known.strength[rows] += weight
            known.votes[rows, found.classes[columns]] += weight
            for pair in self.doubts.mend(self.bank, known.ids):
                known.exchange(*pair)
            known.left[rows] = self.bank.x.take(rows, axis=0)
        self._forget(time)
        fresh = np.ones(len(boxes), np.bool_)
        fresh[columns] = False
        if fresh.any():
            new = fresh.nonzero()[0]
            self.motion.start(self.bank, boxes[new])
            ids = np.arange(next_id, next_id + len(new), dtype=np.int32)
            scene = 0 < config.scene <= len(new) and not (known.hits >= config.confirm_hits).any()
            trust = SURE if scene else config.first_trust
            known.add(ids, time, boxes[new], trust, config.missed, found[new])
            if scene:
                known.hits[-len(new) :] = config.confirm_hits
                known.first[-len(new) :, 5] = np.nan
            next_id += len(new)
        return next_id

    def stitch(self, time: float, edge: Floats) -> None:
        """Give tracks that are new but sure the numbers of those lost who may have come back.

        Only with the second detection, for a lone one may be false; all of them at once, for two who come back
        together must not take the same number. ``edge`` (2,): right and lower edge of the picture, px.
        """
        config, known = self.config, self.known
        if np.abs(self._panned).max() > config.turned * edge.max():
            self._panned, self._turned = np.zeros(2), time
        now = known.seen == time
        new = (now & (known.hits == config.confirm_hits)).nonzero()[0]
        old = (~now & (known.hits > config.confirm_hits)).nonzero()[0] if len(new) else NO_ROWS
        if not len(old):
            return
        axes, boxes = [0, 1, 3], self.bank.x[new]
        height, away = known.left[old, 3:], (time - known.seen[old])[:, None]
        most = (self._reach + self._reach_speed * away) * height
        reach = np.minimum(self.bank.pp[old][:, axes], most * most)
        one, other = (side.ravel() for side in np.indices((len(old), len(new))))
        cost = paired_unlikeliness(
            known.left[old][one][:, axes],
            reach[one] + self.bank.pp[new][other][:, axes],
            boxes[other][:, axes],
            config.stitch_tail,
        ).reshape(len(old), len(new))
        low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
        inside = np.minimum(low, edge - high).min(axis=1) / np.maximum(boxes[:, 3], 1.0)
        cost += config.inside_cost * np.clip(inside / config.border, 0, 1) - config.stitch_cost
        cost += self._gone(old, time, edge)[:, None]
        rows, columns = assign(cost)
        if not len(rows):
            return
        old, new = old[rows], new[columns]
        known.ids[new] = known.ids[old]
        known.hits[new] += known.hits[old]
        known.votes[new] += known.votes[old]
        keep = np.ones(len(self), np.bool_)
        keep[old] = False
        self._keep(keep)

    def _gone(self, rows: Rows, time: float, edge: Floats) -> Floats:
        """What is held (N,) against the return of those lost, ``rows`` (N,), who walked out of the picture.

        That is who was lost near its edge while the camera has not turned since; who was lost because it turned,
        or in mid-picture, is still about. ``edge`` (2,): right and lower edge of the picture, px.
        """
        config, left = self.config, self.known.left[rows]
        if not config.gone_s:
            return np.zeros(len(rows))
        low, high = left[:, :2] - left[:, 2:] / 2, left[:, :2] + left[:, 2:] / 2
        near = np.minimum(low, edge - high).min(axis=1) < config.border * left[:, 3]
        seen = self.known.seen[rows]
        return (near & (seen > self._turned)) * (time - seen) / config.gone_s

    def choose(self, time: float, edge: Floats, most: int | None) -> Chosen:
        """After an update: who is shown until the next, ``most`` at most, those best seen of late first."""
        known, config = self.known, self.config
        taken = most is not None and bool(known.shown.any())
        sure = known.hits >= config.confirm_hits
        known.shown = sure.copy()
        known.shown &= (time - known.seen <= config.coast_s) & (known.there >= config.show_at)
        if most is not None and np.count_nonzero(known.shown) > most:
            best = np.argsort(np.where(known.shown, -known.strength, np.inf), kind="stable")
            known.shown[best[most:]] = False
        known.shown &= self._within(edge)
        shown = known.shown.nonzero()[0]
        begun = NO_ROWS if taken else shown[np.isfinite(known.first[shown, 5])]
        first = known.first[begun]
        known.first[sure, 5] = np.nan
        return Chosen(shown, begun, first)

    def shown(self, time: float, edge: Floats) -> Rows:
        """Of those chosen, the rows that a viewer still gets to see at ``time``."""
        recent = time - self.known.seen <= max(self.config.blind_s, self.config.coast_s)
        return (self.known.shown & recent & self._within(edge)).nonzero()[0]

    def _within(self, edge: Floats) -> NDArray[np.bool_]:
        """Whose middle is in the picture, or so near beyond what was seen of it that it may well be."""
        x = self.bank.x
        inside = (x[:, :2] >= 0) & (x[:, :2] - x[:, 2:] / 2 <= edge)
        return inside[:, 0] & inside[:, 1]

    def _count(self, rows: Rows) -> None:
        """Count how often tracks in full view had gone unseen before they were found again."""
        misses = self.known.misses[rows][self.known.hits[rows] > self.config.confirm_hits] - 1
        if not len(misses):
            return
        unseen = float(np.maximum(misses, 0).sum())
        fade = max(1 - len(misses) / COUNTED, 0.0)
        self._missed = self._missed * fade + unseen
        self._looked = self._looked * fade + unseen + len(misses)

    def _forget(self, time: float) -> None:
        known, config = self.known, self.config
        unseen = time - known.seen
        sure = known.hits >= config.confirm_hits
        keep = unseen <= np.where(sure, config.lost_s, config.tentative_s)
        lost = (keep & (unseen > config.live_s)).nonzero()[0]
        if len(lost) > config.remembered:
            keep[lost[np.argsort(unseen[lost])[config.remembered :]]] = False
        if not keep.all():
            self._keep(keep)

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all other tracks."""
        self.bank.keep(rows)
        self.known.keep(rows)
        self.doubts.forget(self.known.ids)


def _weight(found: Detections) -> Floats:
    """What a detection's label counts: its score, but never nothing."""
    return found.scores.astype(np.float64) + 0.05
