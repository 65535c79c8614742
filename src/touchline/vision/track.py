"""Detections → tracks: who is who from frame to frame, by where the boxes are. Pure; time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from touchline.types import Detections, InputError, ShapeError, Tracks
from touchline.vision.track_association import assign, cover, unlikeliness
from touchline.vision.track_motion import SMALLEST_PX, Bank, CommonMotion, Motion, MotionConfig

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

BALL_MOTION = MotionConfig(
    noise=(0.25, 0.25, 0.25, 0.25), speed=(25.0, 25.0, 0.5, 0.5), memory=(0.6, 0.3), camera_shake=0.1
)


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """Everything about the tracker that may be chosen.

    ``people``, ``ball``: how they move. ``ball_label``: the detector's label for the ball; all other labels are
    people. ``balls``: how many balls are shown at most, the likeliest first. ``confirm_hits``: detections after
    which a track is shown. ``tentative_s``: seconds without a detection after which a track not yet shown is
    dropped. ``coast_s``: seconds for which a shown track is still shown without a detection. ``hold_s``: the same where
    the detector has not looked since it saw the track. ``lost_s``: seconds for
    which a track is remembered, so that it can keep its number. ``ball_coast_s``, ``ball_lost_s``: the same for
    balls. ``new_cost``: how unlikely (−ln of a density in box heights) a detection may be for a track before it
    rather starts its own. ``iou_weight``: what full
    overlap is worth in the same unit.
    """

    people: MotionConfig = MotionConfig()
    ball: MotionConfig = BALL_MOTION
    ball_label: str = "ball"
    balls: int = 1
    confirm_hits: int = 2
    tentative_s: float = 0.11
    coast_s: float = 0.27
    hold_s: float = 2.0
    lost_s: float = 60.0
    ball_coast_s: float = 0.2
    ball_lost_s: float = 1.0
    new_cost: float = 1.3
    live_s: float = 1.0
    stitch_cost: float = 4.5
    reach: tuple[float, float, float, float] = (0.5, 0.3, 0.8, 0.8)
    reach_speed: tuple[float, float, float, float] = (0.3, 0.15, 0.1, 0.1)
    inside_cost: float = 2.0
    border: float = 0.8
    beyond: float = 1.0
    iou_weight: float = 1.0
    tail: float = 11.5
    missed: float = 0.1
    missed_covered: float = 0.54
    leave_rate: float = 0.066
    first_trust: float = 0.35
    return_share: float = 0.02
    show_at: float = 0.48


@dataclass(slots=True)
class _Register:
    """What is known of each track beside its motion, row for row with the bank."""

    ids: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    hits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    seen: Floats = field(default_factory=lambda: np.zeros(0))
    there: Floats = field(default_factory=lambda: np.zeros(0))
    missed: Floats = field(default_factory=lambda: np.zeros(0))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    votes: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        self.ids, self.hits, self.seen = self.ids[rows], self.hits[rows], self.seen[rows]
        self.there, self.missed = self.there[rows], self.missed[rows]
        self.scores, self.votes = self.scores[rows], self.votes[rows]


class _Population:
    """The tracks of one kind: people, or balls. They are never associated with the other kind's detections."""

    def __init__(self, config: TrackerConfig, motion: MotionConfig, coast_s: float, lost_s: float) -> None:
        self.config = config
        self.motion = Motion(motion)
        self.bank = Bank()
        self.known = _Register()
        self.coast_s, self.lost_s = coast_s, lost_s
        self.edge = np.zeros(2)
        self.looked = -1.0

    def __len__(self) -> int:
        return len(self.bank.x)

    def move(self, dt: float) -> None:
        """Carry all tracks ``dt`` seconds on."""
        if len(self):
            self.motion.predict(self.bank, dt)
            self.known.there *= np.exp(-self.config.leave_rate * dt)

    def carry(self, shift: Floats) -> None:
        """Move all tracks ``shift`` (2,) px with the picture."""
        self.bank.x[:, :2] += shift

    def expect(self) -> None:
        """Set out how likely each track would go unseen: more so when hidden."""
        config, known = self.config, self.known
        hidden = cover(self.bank.x, known.there > 0.5)
        known.missed = config.missed + (config.missed_covered - config.missed) * np.clip(
            (hidden - 0.3) / 0.4, 0, 1
        )
        if self.edge[0]:
            lost = known.there < config.show_at
            x = self.bank.x[lost]
            reach = x[:, 3:] * config.beyond
            self.bank.x[lost, :2] = np.clip(x[:, :2], -reach, self.edge + reach)

    def match(self, boxes: Floats, time: float) -> tuple[Rows, Rows]:
        """Rows of tracks and of ``boxes`` (D, 4) that belong together."""
        if not len(self) or not len(boxes):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        config, known = self.config, self.known
        live = np.flatnonzero(time - known.seen <= config.live_s)
        cost = unlikeliness(
            self.bank.x[live],
            self.bank.pp[live],
            boxes,
            self.motion.measured(boxes),
            config.iou_weight,
            config.tail,
        )
        seen = np.maximum(known.there[live], config.return_share) * (1 - known.missed[live])
        cost += np.log((1 - seen) / seen)[:, None]
        cost -= config.new_cost
        rows, columns = assign(cost)
        return live[rows], columns

    def stitch(self, time: float) -> None:
        """Give tracks that are new but sure the numbers of those lost who may have come back."""
        config, known = self.config, self.known
        new = np.flatnonzero((known.hits == config.confirm_hits) & (known.seen == time))
        if not len(new):
            return
        old = np.flatnonzero((known.hits > config.confirm_hits) & (known.seen < time))
        if not len(old):
            return
        boxes = self.bank.x[new]
        away = (time - known.seen[old])[:, None]
        most = (np.array(config.reach) + np.array(config.reach_speed) * away) * self.bank.x[old, 3:]
        reach = np.minimum(self.bank.pp[old], most * most)
        cost = unlikeliness(self.bank.x[old], reach, boxes, self.bank.pp[new], 0.0, config.tail)
        half = boxes[:, 2:] / 2
        gap = np.minimum(boxes[:, :2] - half, self.edge - boxes[:, :2] - half).min(axis=1) / boxes[:, 3]
        cost -= config.stitch_cost + config.inside_cost * np.clip(gap / config.border, 0, 1)
        rows, columns = assign(cost)
        if not len(rows):
            return
        old, new = old[rows], new[columns]
        known.ids[new] = known.ids[old]
        known.hits[new] += known.hits[old]
        known.votes[new] += known.votes[old]
        keep = np.ones(len(self), np.bool_)
        keep[old] = False
        self.bank.keep(keep)
        known.keep(keep)

    def settle(
        self, time: float, boxes: Floats, detections: Detections, pairs: tuple[Rows, Rows], next_id: int
    ) -> int:
        """Correct the matched tracks, start new ones, forget old ones. Returns the next free number."""
        rows, columns = pairs
        known, config = self.known, self.config
        self.looked = time
        if len(boxes):
            self.edge = np.maximum(self.edge, (boxes[:, :2] + boxes[:, 2:] / 2).max(axis=0))
        weight = detections.scores.astype(np.float64) + 0.05
        if len(self):
            there = known.there
            unseen = there * known.missed
            known.there = unseen / (1 - there + unseen)
        if len(rows):
            self.motion.correct(self.bank, rows, boxes[columns])
            known.hits[rows] += 1
            known.seen[rows] = time
            known.there[rows] = 1 - 0.02
            known.scores[rows] = detections.scores[columns]
            known.votes[rows, detections.classes[columns]] += weight[columns]
        if len(self):
            unseen = time - known.seen
            shown = known.hits >= config.confirm_hits
            keep = unseen <= np.where(shown, self.lost_s, config.tentative_s)
            if not keep.all():
                self.bank.keep(keep)
                known.keep(keep)
        fresh = np.ones(len(boxes), np.bool_)
        fresh[columns] = False
        if not fresh.any():
            return next_id
        new = np.flatnonzero(fresh)
        self.motion.start(self.bank, boxes[new])
        votes = np.zeros((len(new), len(detections.labels)))
        votes[np.arange(len(new)), detections.classes[new]] = weight[new]
        known.ids = np.concatenate([known.ids, np.arange(next_id, next_id + len(new), dtype=np.int32)])
        known.hits = np.concatenate([known.hits, np.ones(len(new), np.int64)])
        known.seen = np.concatenate([known.seen, np.full(len(new), time)])
        known.there = np.concatenate([known.there, np.full(len(new), config.first_trust)])
        known.missed = np.concatenate([known.missed, np.full(len(new), config.missed)])
        known.scores = np.concatenate([known.scores, detections.scores[new]])
        known.votes = np.concatenate([known.votes.reshape(-1, votes.shape[1]), votes])
        return next_id + len(new)

    def shown(self, time: float) -> Rows:
        """The rows that a viewer gets to see."""
        known, config = self.known, self.config
        # Seen when the detector last looked: nothing speaks against it until it looks again, be that late.
        held = (known.seen == self.looked) & (time - known.seen <= config.hold_s)
        show = (known.hits >= config.confirm_hits) & (held | (time - known.seen <= self.coast_s))
        show &= known.there >= config.show_at
        show &= ((self.bank.x[:, :2] > 0) & (self.bank.x[:, :2] < self.edge)).all(axis=1)
        return np.flatnonzero(show)


class Tracker:
    """Follows the athletes and the ball of one camera.

    At any rate and with gaps: `update` at frames with detections, `coast` at the frames between. Times are media
    seconds and never go back.
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self._config = config or TrackerConfig()
        self._people = _Population(self._config, self._config.people, self._config.coast_s, self._config.lost_s)
        self._balls = _Population(
            self._config, self._config.ball, self._config.ball_coast_s, self._config.ball_lost_s
        )
        self._camera = CommonMotion(self._config.people)
        self._time: float | None = None
        self._next_id = 1
        self._labels: tuple[str, ...] | None = None
        self._shown: tuple[Rows, Rows] = (np.zeros(0, np.intp), np.zeros(0, np.intp))

    def update(self, detections: Detections, time: float) -> Tracks:
        """Take what a detector saw at ``time`` (media seconds) and return who is where.

        Raises `InputError` when ``time`` goes back or the detector's labels change.
        """
        if self._labels is None:
            self._labels = detections.labels
        elif self._labels != detections.labels:
            raise InputError(
                f"tracker: labels changed from {self._labels} to {detections.labels}; start a new Tracker"
            )
        self._advance(time)
        is_ball = self._is_ball(detections)
        people, balls = detections[~is_ball], detections[is_ball]
        boxes = _centred(people.boxes)
        if len(self._people):
            self._people.expect()
        pairs = self._people.match(boxes, time)
        if len(pairs[0]) >= 3:
            rows, columns = pairs
            shift = self._common(rows, boxes[columns])
            self._people.carry(shift)
            self._balls.carry(shift)
            pairs = self._people.match(boxes, time)
        self._next_id = self._people.settle(time, boxes, people, pairs, self._next_id)
        self._people.stitch(time)
        boxes = _centred(balls.boxes)
        pairs = self._balls.match(boxes, time)
        self._next_id = self._balls.settle(time, boxes, balls, pairs, self._next_id)
        return self._tracks(time)

    def coast(self, time: float, boxes: NDArray[np.float32] | None = None) -> Tracks:
        """Carry the tracks to ``time`` (media seconds), a frame without detections.

        ``boxes``: float32 (N, 4), row for row with the Tracks returned last: where the picture's motion carried
        each box, NaN rows where it could not tell. None: by the filter's own motion.
        Raises `ShapeError` on another number of rows, `InputError` when ``time`` goes back.
        """
        people, balls = self._shown
        if boxes is not None and boxes.shape != (len(people) + len(balls), 4):
            raise ShapeError(f"coast(boxes) must be {(len(people) + len(balls), 4)}, is {boxes.shape}")
        before = self._people.bank.x[people], self._balls.bank.x[balls]
        self._advance(time)
        if boxes is not None:
            told = _centred(boxes)
            self._follow(self._people, people, before[0], told[: len(people)])
            self._follow(self._balls, balls, before[1], told[len(people) :])
        return self._tracks(time)

    def _advance(self, time: float) -> None:
        if self._time is not None and time < self._time:
            raise InputError(f"tracker: time went back from {self._time} to {time} s; pass media time in order")
        dt = 0.0 if self._time is None else time - self._time
        self._time = time
        if dt > 0:
            shift = self._camera.step(dt)
            for some in (self._people, self._balls):
                some.move(dt)
                some.carry(shift)

    def _is_ball(self, detections: Detections) -> NDArray[np.bool_]:
        labels = detections.labels
        if self._config.ball_label not in labels:
            return np.zeros(len(detections), np.bool_)
        return detections.classes == labels.index(self._config.ball_label)

    def _common(self, rows: Rows, boxes: Floats) -> Floats:
        """What the matched tracks' ``boxes`` (M, 4), px, say about the camera: a shift (2,), px."""
        bank = self._people.bank
        height = bank.x[rows, 3]
        variance = float((bank.pp[rows, 0] / (height * height)).mean())
        return self._camera.correct(boxes[:, :2] - bank.x[rows, :2], variance)

    def _follow(self, some: _Population, rows: Rows, before: Floats, told: Floats) -> None:
        known = np.isfinite(told).all(axis=1)
        rows, told = rows[known], told[known]
        some.bank.x[rows, :2] = told[:, :2]

    def _tracks(self, time: float) -> Tracks:
        labels = self._labels or ()
        people, balls = self._people.shown(time), self._balls.shown(time)
        if len(balls) > self._config.balls:
            known = self._balls.known
            order = np.lexsort((-known.hits[balls], -known.seen[balls]))
            balls = np.sort(balls[order[: self._config.balls]])
        self._shown = people, balls
        pick = ((self._people, people), (self._balls, balls))
        return Tracks(
            np.concatenate([some.known.ids[rows] for some, rows in pick]),
            _cornered(np.concatenate([some.bank.x[rows] for some, rows in pick])),
            np.concatenate([some.known.scores[rows] for some, rows in pick]),
            np.concatenate([_winners(some.known.votes[rows]) for some, rows in pick]),
            np.concatenate([some.known.seen[rows] == time for some, rows in pick]),
            labels,
        )


def _winners(votes: Floats) -> NDArray[np.int16]:
    return votes.argmax(axis=1).astype(np.int16) if len(votes) else np.zeros(0, np.int16)


def _centred(boxes: NDArray[np.float32]) -> Floats:
    """Left, top, right, bottom → centre x, centre y, width, height, float64."""
    wide = boxes.astype(np.float64)
    low, high = wide[:, :2], wide[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def _cornered(boxes: Floats) -> NDArray[np.float32]:
    """The way back, for boxes of a size above nothing."""
    half = np.maximum(boxes[:, 2:], SMALLEST_PX) / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1).astype(np.float32)
