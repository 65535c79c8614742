"""Detections → tracks: who is who from frame to frame, by where the boxes are. Pure; time is passed in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from touchline.types import Detections, InputError, ShapeError, Tracks
from touchline.vision.track_association import NO_ROWS
from touchline.vision.track_config import KindConfig, MotionConfig, TrackerConfig
from touchline.vision.track_motion import SMALLEST_PX, CommonMotion
from touchline.vision.track_population import Chosen, Population

__all__ = ["KindConfig", "MotionConfig", "Tracker", "TrackerConfig"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

ENOUGH = 3
"""So many tracks must agree before they are believed about the camera."""


class Tracker:
    """Follows the athletes and the ball of one camera.

    At any rate and with gaps: `update` at frames with detections, `coast` at the frames between. Times are media
    seconds and never go back. People and balls have numbers from one sequence, from ``first_id`` on, and never
    take each other's.

    ``begun``: where those whom the last `update` was the first to show were first detected: a Tracks for each
    media second of that, oldest first. Who draws boxes at once cannot use it; a `Smoother` can.
    """

    def __init__(self, config: TrackerConfig | None = None, first_id: int = 1) -> None:
        self.begun: list[tuple[Tracks, float]] = []
        self._config = config or TrackerConfig()
        self._people = Population(self._config.people)
        self._balls = Population(self._config.ball)
        self._camera = CommonMotion(self._config.people.motion)
        self._edge = np.zeros(2)  # right and lower edge of the picture, px, as told or else as far as boxes reach
        self._size: tuple[int, int] | None = None
        self._time: float | None = None
        self._updated: float | None = None
        self._next_id = first_id
        self._labels: tuple[str, ...] | None = None
        self._shown: tuple[Rows, Rows] = (NO_ROWS, NO_ROWS)

    def resized(self, width: int, height: int) -> None:
        """The picture is ``width`` × ``height`` px from now on; all that is followed is scaled into it.

        To be told before the first frame and whenever the size changes; again and again does no harm. Who is
        never told takes the picture to reach as far as boxes have. Raises `InputError` on a size below 1 px.
        """
        if min(width, height) < 1:
            raise InputError(f"tracker: a picture of {width}×{height} px; both sides must be at least 1")
        size = width, height
        if self._size is not None and size != self._size:
            by = np.tile(np.array(size) / self._size, 2)
            self._people.scale(by)
            self._balls.scale(by)
            self._camera.speed = self._camera.speed * by[:2]
        self._size, self._edge = size, np.array(size, np.float64)

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
        if self._size is None and len(detections):
            self._edge = np.maximum(self._edge, detections.boxes[:, 2:].max(axis=0))
        patience = 1.5 * (time - self._updated) if self._updated is not None else 0.0
        self._updated = time
        is_ball = self._is_ball(detections)
        any_ball = bool(is_ball.any())
        found = detections[~is_ball] if any_ball else detections
        boxes = _centred(found.boxes)
        self._people.expect(self._edge)
        pairs = self._people.pairs(boxes, time, patience)
        match = pairs.match(self._people.bank.x)
        if len(match.rows) >= ENOUGH:
            # Whoever the camera's movement has set beside the wrong neighbour finds the right one now.
            self._pan(match.rows, boxes.take(match.columns, axis=0)[:, :2])
            match = pairs.match(self._people.bank.x)
        self._next_id = self._people.settle(time, boxes, found, match, self._next_id)
        self._people.stitch(time, self._edge)
        chosen, balls_shown = self._people.choose(time, self._edge, None), NO_ROWS
        begun = list(self._begun(self._people, chosen))
        if len(self._balls) or any_ball:
            found = detections[is_ball]
            boxes = _centred(found.boxes)
            self._balls.expect(self._edge)
            match = self._balls.pairs(boxes, time, patience).match(self._balls.bank.x)
            self._next_id = self._balls.settle(time, boxes, found, match, self._next_id)
            self._balls.stitch(time, self._edge)
            best = self._balls.choose(time, self._edge, self._config.balls)
            begun += self._begun(self._balls, best)
            balls_shown = best.shown
        self.begun = sorted(begun, key=lambda each: each[1])
        return self._tracks(time, chosen.shown, balls_shown)

    def coast(self, time: float, boxes: NDArray[np.float32] | None = None) -> Tracks:
        """Carry the tracks to ``time`` (media seconds), a frame without detections.

        ``boxes``: float32 (N, 4), row for row with the Tracks returned last: where the picture's motion carried
        each box, NaN rows where it could not tell. None: by the filter's own motion. What is told counts as
        measured motion: for the box, for its speed, and for the camera that moves the others.
        Raises `ShapeError` on another number of rows, `InputError` when ``time`` goes back.
        """
        self.begun = []
        people, balls = self._shown
        count = len(people) + len(balls)
        if boxes is not None and boxes.shape != (count, 4):
            raise ShapeError(f"coast(boxes) must be {(count, 4)}, is {boxes.shape}")
        if boxes is None or not count:
            self._advance(time)
            return self._tracks(time, *self._still_shown(time))
        told = _centred(boxes)
        clear = np.isfinite(told.sum(axis=1))
        split = len(people)
        parts = (
            (self._people, people[clear[:split]], told[:split][clear[:split]]),
            (self._balls, balls[clear[split:]], told[split:][clear[split:]]),
        )
        before = [(some.bank.pick(rows), some.doubts.bank.copy()) for some, rows, _ in parts]
        dt = self._advance(time)
        if len(parts[0][1]) >= ENOUGH:
            self._pan(parts[0][1], parts[0][2][:, :2])
        for (some, rows, seen), (was, doubted) in zip(parts, before, strict=True):
            if len(rows):
                some.motion.follow(some.bank, rows, was, seen - was.x, dt, self._camera.speed)
                some.doubts.follow(some.known.ids, rows, doubted, seen - was.x, dt, self._camera.speed)
        return self._tracks(time, *self._still_shown(time))

    def _advance(self, time: float) -> float:
        """Carry everything to ``time``; returns the seconds since the last frame."""
        if self._time is not None and time < self._time:
            raise InputError(f"tracker: time went back from {self._time} to {time} s; pass media time in order")
        dt = 0.0 if self._time is None else time - self._time
        self._time = time
        if dt > 0:
            shift = self._camera.step(dt)
            self._people.move(dt, shift)
            self._balls.move(dt, shift)
        return dt

    def _pan(self, rows: Rows, places: Floats) -> None:
        """Learn the camera's movement from where ``rows`` (M,) of the people really are, and move all by it.

        ``places`` (M, 2): centres, px.
        """
        was = self._people.bank.pick(rows)
        height = was.x[:, 3]
        variance = float((was.pp[:, 0] / (height * height)).sum()) / len(rows)
        shift = self._camera.correct(places - was.x[:, :2], variance)
        self._people.shift(shift)
        self._balls.shift(shift)

    def _is_ball(self, detections: Detections) -> NDArray[np.bool_]:
        labels = detections.labels
        if "ball" not in labels:
            return np.zeros(len(detections), np.bool_)
        return detections.classes == labels.index("ball")

    def _begun(self, some: Population, chosen: Chosen) -> Iterator[tuple[Tracks, float]]:
        """Those of ``some`` just confirmed, where they were first seen: one Tracks for each time of that."""
        for time in np.unique(chosen.first[:, 5]):
            these = chosen.first[:, 5] == time
            here, seen = chosen.begun[these], chosen.first[these]
            yield (
                Tracks(
                    some.known.ids[here],
                    _cornered(seen[:, :4]),
                    seen[:, 4].astype(np.float32),
                    _winners(some.known.votes[here]),
                    np.ones(len(here), np.bool_),
                    self._labels or (),
                ),
                float(time),
            )

    def _still_shown(self, time: float) -> tuple[Rows, Rows]:
        """Rows of the people and of the balls that were chosen at the last update and are still to be seen."""
        return self._people.shown(time, self._edge), self._balls.shown(time, self._edge)

    def _tracks(self, time: float, people: Rows, balls: Rows) -> Tracks:
        """``people``, ``balls``: rows of those that are shown."""
        self._shown = people, balls
        pick = ((self._people, people), (self._balls, balls)) if len(balls) else ((self._people, people),)
        return Tracks(
            np.concatenate([some.known.ids[rows] for some, rows in pick]),
            _cornered(np.concatenate([some.bank.x.take(rows, axis=0) for some, rows in pick])),
            np.concatenate([some.known.scores[rows] for some, rows in pick]),
            np.concatenate([_winners(some.known.votes[rows]) for some, rows in pick]),
            np.concatenate([some.known.seen[rows] == time for some, rows in pick]),
            self._labels or (),
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
