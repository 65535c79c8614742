"""How people and balls move: a bank of constant-velocity filters, and the motion they share.

One row per track, four axes a row: centre x, centre y, width, height (px). Each axis has its own position
and velocity, so every covariance is a 2×2 matrix that is updated in closed form, for all rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

import numpy as np
from numpy.typing import NDArray

from touchline.vision.track_config import MotionConfig

Floats = NDArray[np.float64]

SMALLEST_PX = 2.0
"""No box is taken to be smaller than this, so that noise in heights never vanishes."""

LEARNING = 0.005
"""Share of a surprise that the noise is adjusted by: hundreds of boxes tell a detector's noise, not one."""


def _none() -> Floats:
    return np.zeros((0, 4))


@dataclass(slots=True)
class Bank:
    """The filters' state. ``x``, ``v``: place (px) and speed relative to the common motion (px/s), float64 (N, 4).
    ``pp``, ``pv``, ``vv``: their covariances, float64 (N, 4), px², px²/s, px²/s²."""

    x: Floats = field(default_factory=_none)
    v: Floats = field(default_factory=_none)
    pp: Floats = field(default_factory=_none)
    pv: Floats = field(default_factory=_none)
    vv: Floats = field(default_factory=_none)

    def pick(self, rows: NDArray[np.intp]) -> Bank:
        """A copy of some rows."""
        return Bank(self.x[rows], self.v[rows], self.pp[rows], self.pv[rows], self.vv[rows])

    def copy(self) -> Bank:
        """All of it, to keep."""
        return Bank(self.x.copy(), self.v.copy(), self.pp.copy(), self.pv.copy(), self.vv.copy())

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all other rows."""
        self.x, self.v = self.x[rows], self.v[rows]
        self.pp, self.pv, self.vv = self.pp[rows], self.pv[rows], self.vv[rows]

    def add(self, other: Bank) -> None:
        """Take the rows of ``other`` behind one's own."""
        self.x, self.v = np.concatenate([self.x, other.x]), np.concatenate([self.v, other.v])
        self.pp, self.pv = np.concatenate([self.pp, other.pp]), np.concatenate([self.pv, other.pv])
        self.vv = np.concatenate([self.vv, other.vv])

    def exchange(self, rows: NDArray[np.intp], other: Bank, theirs: NDArray[np.intp]) -> None:
        """``rows`` of this for the rows ``theirs`` of ``other``, in place."""
        for ours, his in (
            (self.x, other.x),
            (self.v, other.v),
            (self.pp, other.pp),
            (self.pv, other.pv),
            (self.vv, other.vv),
        ):
            ours[rows], his[theirs] = his[theirs], ours[rows]

    def scale(self, by: Floats) -> None:
        """Into a picture whose axes (4,) are ``by`` times as long."""
        self.x, self.v = self.x * by, self.v * by
        square = by * by
        self.pp, self.pv, self.vv = self.pp * square, self.pv * square, self.vv * square


class Motion:
    """Predicts and corrects a `Bank` under one `MotionConfig`, and learns how noisy the detector is."""

    def __init__(self, config: MotionConfig) -> None:
        self._noise = np.array(config.noise) ** 2
        self._speed = np.array(config.speed) ** 2
        self._jerk = np.array(config.jerk) ** 2
        self._told = config.told**2
        place, size = config.memory
        self._memory = np.array([place, place, size, size])
        self._rougher = 1.0  # variance of this detector's noise, as a multiple of the configured one

    def measured(self, boxes: Floats) -> Floats:
        """Variance (N, 4), px², of detected ``boxes`` (N, 4: centre x, y, width, height)."""
        sides = np.maximum(boxes[:, (2, 3, 2, 3)], SMALLEST_PX)
        return self._rougher * self._noise * sides * sides

    def start(self, bank: Bank, boxes: Floats) -> None:
        """Add a row for each of ``boxes``: at rest against the common motion, as unsure of it as usual."""
        height = np.maximum(boxes[:, 3:], SMALLEST_PX)
        rest = np.zeros_like(boxes)
        bank.add(Bank(boxes, rest, self.measured(boxes), rest, self._speed * height * height))

    def predict(self, bank: Bank, dt: float) -> None:
        """Carry all rows ``dt`` seconds on, their speeds fading.

        Speed is an Ornstein–Uhlenbeck process, so doubt about a place grows with the square of short times and in
        proportion to long ones: the reach of someone out of sight. Exact discretisation as in R. A. Singer,
        "Estimating Optimal Tracking Filter Performance for Manned Maneuvering Targets", 1970.
        """
        tau = self._memory
        fade = np.exp(-dt / tau)
        reach = tau * (1 - fade)
        height = np.maximum(bank.x[:, 3:], SMALLEST_PX)
        area = height * height
        bank.x += reach * bank.v
        np.maximum(bank.x[:, 2:], SMALLEST_PX, out=bank.x[:, 2:])
        wander = self._speed * np.maximum(tau * tau * (2 * dt / tau - 3 + 4 * fade - fade * fade), 0.0)
        bank.pp += reach * (2 * bank.pv + reach * bank.vv) + area * (self._jerk + wander)
        bank.pv *= fade
        bank.pv += reach * fade * bank.vv + area * (self._speed * tau * (1 - fade) ** 2)
        bank.vv *= fade * fade
        bank.vv += area * (self._speed * (1 - fade * fade))
        bank.v *= fade

    def correct(self, bank: Bank, rows: NDArray[np.intp], boxes: Floats) -> None:
        """Take ``boxes`` (M, 4) as seen of ``rows`` (M,)."""
        pp, pv = bank.pp[rows], bank.pv[rows]
        measured = self.measured(boxes)
        total = pp + measured
        gain, speed_gain = pp / total, pv / total
        error = boxes - bank.x[rows]
        bank.x[rows] += gain * error
        bank.v[rows] += speed_gain * error
        bank.pp[rows] = pp * (1 - gain)
        bank.pv[rows] = pv * (1 - gain)
        bank.vv[rows] -= speed_gain * pv

    def follow(
        self, bank: Bank, rows: NDArray[np.intp], before: Bank, moved: Floats, dt: float, pan: Floats
    ) -> None:
        """Take the movement ``moved`` (M, 4), px, since ``before`` as measured of ``rows``, ``dt`` seconds later.

        ``before``: those rows as they were. ``pan`` (2,): speed of the common motion, px/s.
        """
        height = np.maximum(before.x[:, 3:], SMALLEST_PX)
        variance = self._told * height * height
        bank.x[rows] = before.x + moved
        bank.pp[rows] = before.pp + variance
        if dt > 0:
            v, vv = before.v[:, :2], before.vv[:, :2]
            gain = vv / (vv + variance / (dt * dt))
            bank.v[rows, :2] = v + gain * (moved[:, :2] / dt - pan - v)
            bank.vv[rows, :2] = vv * (1 - gain)
            bank.pv[rows, :2] = before.pv[:, :2] * (1 - gain)

    def learn(self, bank: Bank, rows: NDArray[np.intp], boxes: Floats) -> None:
        """Adjust the noise to this detector's, before `correct`: by heights, which change least of themselves.

        Squared errors beyond two deviations count as four, so that mistaken matches teach little; of a Gaussian's
        that leaves 0.92 on average. Where movement makes most of the error it says nothing about noise.
        """
        error, measured = boxes[:, 3] - bank.x[rows, 3], self.measured(boxes)[:, 3]
        total = bank.pp[rows, 3] + measured
        surprise = np.minimum(error * error / total, 4.0) - 0.92
        step = LEARNING * float((surprise * measured / total).sum())
        self._rougher = min(max(self._rougher * exp(min(step, 1.0)), 1.0), 9.0)


class CommonMotion:
    """What all tracks do together, the camera's panning: a speed in px/s that is filtered over time."""

    def __init__(self, config: MotionConfig) -> None:
        self.speed: Floats = np.zeros(2)
        self._acceleration, self._shake = config.camera_acceleration**2, config.camera_shake**2
        self._limit = self._doubt = config.camera_speed**2  # variance of the speed, (heights/s)²
        self._moved = self._cross = 0.0  # variance of the movement since it was last seen, and with the speed

    def step(self, dt: float) -> Floats:
        """The movement (2,), px, to expect in ``dt`` seconds."""
        q = self._acceleration
        self._moved += 2 * self._cross * dt + self._doubt * dt * dt + q * dt**3 / 3 + self._shake
        self._cross += self._doubt * dt + q * dt**2 / 2
        self._doubt = min(self._doubt + q * dt, self._limit)
        return self.speed * dt

    def correct(self, errors: Floats, variance: float) -> Floats:
        """Learn from the matched tracks' errors (M, 2), px, of ``variance`` (heights²).

        Returns the movement (2,), px, that the steps since the last time have missed.
        """
        m = len(errors)
        order = np.sort(errors, axis=0)
        shared = (order[(m - 1) // 2] + order[m // 2]) / 2
        total = self._moved + 1.57 * variance / m  # a median of m is as sure as the mean of 0.64 m
        gain, speed_gain = self._moved / total, self._cross / total
        self.speed = self.speed + speed_gain * shared
        self._doubt = max(self._doubt - speed_gain * self._cross, 0.0)
        self._moved = self._cross = 0.0
        return gain * shared
