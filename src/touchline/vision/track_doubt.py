"""Second thoughts: who may have been taken for whom, kept in mind until what follows decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.vision.track_association import Match, paired_unlikeliness
from touchline.vision.track_config import KindConfig
from touchline.vision.track_motion import Bank, Motion

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

SETTLED = 15.0
"""An exchange that has become less likely than this (natural logarithm) is thought of no more."""
TELLS_AT_MOST = 10.0
"""One box weighs no more than this (natural logarithm), for it may be a false one."""


class Doubts:
    """Pairs of tracks that may have taken each other's detections at a crossing.

    For each pair both are followed a second time, as if they had been exchanged then: the one's motion before,
    corrected by what the other has been given since, and the reverse. ``score`` is the logarithm of how much
    likelier the tracks are as they stand than exchanged. Where it falls below 0 the numbers are exchanged, and
    the doubt goes on the other way round. This is multiple hypothesis tracking (D. B. Reid, "An Algorithm for
    Tracking Multiple Targets", 1979) of two hypotheses a pair.
    """

    def __init__(self, motion: Motion, config: KindConfig) -> None:
        self._motion, self._config = motion, config
        self.bank = Bank()  # rows 2k and 2k + 1: the one and the other of pair k, exchanged
        self._ids = np.zeros((0, 2), np.int32)
        self._score, self._since = np.zeros(0), np.zeros(0)

    def __len__(self) -> int:
        return len(self._ids)

    def listen(self, bank: Bank, ids: NDArray[np.int32], match: Match, boxes: Floats, time: float) -> None:
        """Weigh the matched ``boxes`` (D, 4) for and against each exchange. ``bank``, ``ids``: before them."""
        if not len(self):
            return
        self._keep((self._score < SETTLED) & (time - self._since <= self._config.doubt_s))
        heard, rows, given = self._told(ids, match.rows)
        if not len(heard):
            return
        seen = boxes.take(match.columns[given], axis=0)
        measured, tail = self._motion.measured(seen), self._config.tail
        x, _, pp, _, _ = np.stack([bank.pick(rows).state, self.bank.pick(heard).state], axis=1)
        as_is, exchanged = paired_unlikeliness(x, pp + measured, seen, tail)
        dearer = np.minimum(np.maximum(exchanged - as_is, -TELLS_AT_MOST), TELLS_AT_MOST)
        self._score += np.bincount(heard // 2, dearer, len(self))
        self._motion.correct(self.bank, heard, seen)

    def arise(self, bank: Bank, ids: NDArray[np.int32], match: Match, boxes: Floats, time: float) -> None:
        """Note whose exchange would have cost little more than the match that was made. As for `listen`."""
        at, most = match.places, self._config.doubt_cost
        # How much dearer than the match each live track would have been with the boxes that were matched.
        dearer = match.cost.take(match.columns, axis=1) - match.cost[at, match.columns]
        if np.count_nonzero(dearer < most) == len(at):  # those of the match itself
            return
        crossed = dearer[at]
        both = crossed + crossed.T
        first, second = (both < most).nonzero()
        once = first < second
        first, second = first[once], second[once]
        lone = np.ones(len(dearer), np.bool_)
        lone[at] = False
        # Who went unseen may be the one that was seen.
        unseen, taker = np.nonzero(dearer[lone] < most)
        if not len(first) + len(unseen):
            return
        pairs = np.concatenate(
            [
                np.stack([match.rows[first], match.rows[second]], 1),
                np.stack([match.rows[taker], match.live[lone][unseen]], 1),
            ]
        )
        taken = np.concatenate(
            [
                np.stack([match.columns[second], match.columns[first]], 1),
                np.stack([np.full(len(taker), -1), match.columns[taker]], 1),
            ]
        )
        score = np.concatenate([both[first, second], dearer[lone][unseen, taker]])
        fresh = self._likelier_than_known(ids[pairs], score)
        if fresh.any():
            rows, columns = pairs[fresh].ravel(), taken[fresh].ravel()
            self.bank.add(bank.pick(rows))
            given = (columns >= 0).nonzero()[0]
            at = len(self.bank) - len(rows) + given
            self._motion.correct(self.bank, at, boxes[columns[given]])
            self._ids = np.concatenate([self._ids, ids[pairs[fresh]]])
            self._score = np.concatenate([self._score, score[fresh]])
            self._since = np.concatenate([self._since, np.full(int(fresh.sum()), time)])

    def follow(
        self, ids: NDArray[np.int32], rows: Rows, before: Bank, moved: Floats, dt: float, pan: Floats
    ) -> None:
        """Between detections: what is told of ``rows`` goes for who hears them. As for `Motion.follow`."""
        if len(self):
            heard, _, given = self._told(ids, rows)
            self._motion.follow(self.bank, heard, before.pick(heard), moved[given], dt, pan)

    def mend(self, bank: Bank, ids: NDArray[np.int32]) -> list[tuple[int, int]]:
        """Exchange, in place, the motion and numbers of whom that makes likelier. Returns their rows, in pairs."""
        mended: list[tuple[int, int]] = []
        while len(self) and self._score.min() < 0:
            k = int(self._score.argmin())
            pair = self._ids[k]
            one, other = (int(np.flatnonzero(ids == who)[0]) for who in pair)
            bank.exchange(np.array([one, other]), self.bank, np.array([2 * k + 1, 2 * k]))
            ids[one], ids[other] = ids[other], ids[one]
            # Now the doubt is whether they were right before: each as it stood hears what the other is given.
            self.bank.exchange(np.array([2 * k, 2 * k + 1]), self.bank, np.array([2 * k + 1, 2 * k]))
            self._score[k] = -self._score[k]
            # What was thought of either with a third stood on the match that has just been undone.
            apart = np.isin(self._ids, pair).sum(axis=1) == 0
            apart[k] = True
            self._keep(apart)
            mended.append((one, other))
        return mended

    def forget(self, ids: NDArray[np.int32]) -> None:
        """Drop the doubts about those who are not among ``ids`` any more."""
        if len(self):
            self._keep((self._ids[:, :, None] == ids).any(axis=2).all(axis=1))

    def _told(self, ids: NDArray[np.int32], rows: Rows) -> tuple[Rows, Rows, Rows]:
        """Who of ours hears one of ``rows`` of the tracks ``ids``: our rows, theirs, and their place in ``rows``.

        Each of a pair hears what the other is given.
        """
        heard, given = (self._ids[:, ::-1].reshape(-1, 1) == ids[rows]).nonzero()
        return heard, rows[given], given

    def _likelier_than_known(self, pairs: NDArray[np.int32], score: Floats) -> NDArray[np.bool_]:
        """Which of ``pairs`` (N, 2) are not in doubt yet, or were at a worse moment: that one is forgotten."""
        known = {frozenset(pair): k for k, pair in enumerate(self._ids.tolist())}
        fresh, keep = np.ones(len(pairs), np.bool_), np.ones(len(self), np.bool_)
        for row, pair in enumerate(pairs.tolist()):
            k = known.get(frozenset(pair))
            if k is not None:
                fresh[row] = score[row] < self._score[k]
                keep[k] = not fresh[row]
        self._keep(keep)
        return fresh

    def _keep(self, pairs: NDArray[np.bool_]) -> None:
        if not pairs.all():
            self.bank.keep(np.repeat(pairs, 2))
            self._ids, self._score, self._since = self._ids[pairs], self._score[pairs], self._since[pairs]
