"""How people and balls move: a bank of constant-velocity filters, and the motion they share.

One row per track, four axes a row: centre x, centre y, width, height (px). Each axis has its own position
and velocity, so every covariance is a 2×2 matrix that is updated in closed form, for all rows at once. Places
wander; sizes sway about what they mostly are.
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


def _nobody() -> Floats:
    return np.zeros((5, 0, 4))


@dataclass(slots=True)
class Bank:
    """The filters' state, float64 (5, N, 4), of which the five are `x`, `v`, `pp`, `pv` and `vv`, each (N, 4)."""

    state: Floats = field(default_factory=_nobody)

    def __len__(self) -> int:
        return self.state.shape[1]

    @property
    def x(self) -> Floats:
        """Place, px."""
        return self.state[0]

    @property
    def v(self) -> Floats:
        """Speed relative to the common motion, px/s; of width and height the one at which they come back."""
        return self.state[1]

    @property
    def pp(self) -> Floats:
        """Variance of the place, px²."""
        return self.state[2]

    @property
    def pv(self) -> Floats:
        """Covariance of place and speed, px²/s."""
        return self.state[3]

    @property
    def vv(self) -> Floats:
        """Variance of the speed, px²/s²."""
        return self.state[4]

    def pick(self, rows: NDArray[np.intp]) -> Bank:
        """A copy of some rows."""
        return Bank(self.state.take(rows, axis=1))

    def copy(self) -> Bank:
        """All of it, to keep."""
        return Bank(self.state.copy())

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all other rows."""
        self.state = self.state[:, rows]

    def add(self, other: Bank) -> None:
        """Take the rows of ``other`` behind one's own."""
        self.state = np.concatenate([self.state, other.state], axis=1)

    def exchange(self, rows: NDArray[np.intp], other: Bank, theirs: NDArray[np.intp]) -> None:
        """``rows`` of this for the rows ``theirs`` of ``other``, in place."""
        self.state[:, rows], other.state[:, theirs] = other.state[:, theirs], self.state[:, rows]

    def scale(self, by: Floats) -> None:
        """Into a picture whose axes (4,) are ``by`` times as long."""
        self.state[:2] *= by
        self.state[2:] *= by * by


class Motion:
    """Predicts and corrects a `Bank` under one `MotionConfig`, and learns how noisy the detector is."""

    def __init__(self, config: MotionConfig) -> None:
        self._noise = np.array(config.noise).reshape(2, 2) ** 2  # of the centre and of the sides
        back = (sway / tau for sway, tau in zip(config.sway, config.sway_memory, strict=True))
        self._speed = np.array([*config.speed, *back]) ** 2
        self._growth = np.array([0.0, 0.0, *config.growth]) ** 2
        self._jerk = np.array(config.jerk) ** 2
        self._told = config.told**2
        self._memory, self._sway_memory = config.memory, config.sway_memory
        self._rougher = 1.0  # variance of this detector's noise, as a multiple of the configured one

    def measured(self, boxes: Floats) -> Floats:
        """Variance (N, 4), px², of detected ``boxes`` (N, 4: centre x, y, width, height)."""
        sides = np.maximum(boxes[:, None, 2:], SMALLEST_PX)
        return (sides * sides * (self._rougher * self._noise)).reshape(-1, 4)

    def start(self, bank: Bank, boxes: Floats) -> None:
        """Add a row for each of ``boxes``: at rest against the common motion, as unsure of it as usual."""
        height = np.maximum(boxes[:, 3:], SMALLEST_PX)
        rest = np.zeros_like(boxes)
        bank.add(Bank(np.stack([boxes, rest, self.measured(boxes), rest, self._speed * height * height])))

    def predict(self, dt: float, *banks: Bank) -> None:
        """Carry all rows ``dt`` seconds on: speeds fade, sizes come back to what they mostly are.

        A place's speed is an Ornstein–Uhlenbeck process, so doubt about it grows with the square of short times
        and in proportion to long ones: the reach of someone out of sight. Of a size not the speed is such a
        process but how far it is off, so doubt about it soon grows no more but by ``growth``.
        """
        place = _wandering(self._memory, dt)
        width, height = (_swaying(tau, dt) for tau in self._sway_memory)
        of_speed = np.array([place, place, width, height]).T  # (5, 4)
        fade, reach = of_speed[:2]
        grown = self._speed * of_speed[2:, None]  # (3, 1, 4): what is added to pp, pv and vv, heights
        grown[0] += self._jerk + self._growth * dt
        for bank in (some for some in banks if len(some)):
            x, v, pp, pv, vv = bank.state
            unit = np.maximum(x[:, 3:], SMALLEST_PX)
            x += reach * v
            np.maximum(x[:, 2:], SMALLEST_PX, out=x[:, 2:])
            drift = reach * vv
            pp += reach * (2 * pv + drift)
            pv += drift
            pv *= fade
            v *= fade
            vv *= fade * fade
            bank.state[2:] += unit * unit * grown

    def correct(self, bank: Bank, rows: NDArray[np.intp], boxes: Floats) -> None:
        """Take ``boxes`` (M, 4) as seen of ``rows`` (M,)."""
        state = bank.pick(rows).state
        x, v, pp, pv, vv = state
        gain, speed_gain = state[2:4] / (pp + self.measured(boxes))
        error = boxes - x
        x += gain * error
        v += speed_gain * error
        vv -= speed_gain * pv
        state[2:4] *= 1 - gain
        bank.state[:, rows] = state

    def follow(
        self, bank: Bank, rows: NDArray[np.intp], before: Bank, moved: Floats, dt: float, pan: Floats
    ) -> None:
        """Take the movement ``moved`` (M, 4), px, since ``before`` as measured of ``rows``, ``dt`` seconds later.

        ``before``: those rows as they were. ``pan`` (2,): speed of the common motion, px/s.
        """
        height = np.maximum(before.x[:, 3:], SMALLEST_PX)
        variance = self._told * height * height
        x, v, pp, pv, vv = state = before.state.copy()
        x += moved
        pp += variance
        if dt > 0:
            gain = vv[:, :2] / (vv[:, :2] + variance / (dt * dt))
            v[:, :2] += gain * (moved[:, :2] / dt - pan - v[:, :2])
            vv[:, :2] *= 1 - gain
            pv[:, :2] *= 1 - gain
        bank.state[:, rows] = state

    def learn(self, bank: Bank, rows: NDArray[np.intp], boxes: Floats) -> None:
        """Adjust the noise to this detector's, before `correct`: by heights, which change least of themselves.

        Squared errors beyond two deviations count as four, so that mistaken matches teach little; of a Gaussian's
        that leaves 0.92 on average. Where movement makes most of the error it says nothing about noise.
        """
        height = np.maximum(boxes[:, 3], SMALLEST_PX)
        measured = self._rougher * self._noise[1, 1] * height * height
        error, total = boxes[:, 3] - bank.x[:, 3][rows], bank.pp[:, 3][rows] + measured
        surprise = np.minimum(error * error / total, 4.0) - 0.92
        step = LEARNING * float((surprise * measured / total).sum())
        self._rougher = min(max(self._rougher * exp(min(step, 1.0)), 1.0), 9.0)


Step = tuple[float, float, float, float, float]
"""What some seconds make of a speed of variance 1: the share that is left of it, the seconds of it that have been
gone, and what is added to the variance of the place, to the covariance of the two and to the speed's variance."""


def _wandering(tau: float, dt: float) -> Step:
    """``dt`` seconds of a place whose speed is forgotten in ``tau``.

    Exact discretisation as in R. A. Singer, "Estimating Optimal Tracking Filter Performance for Manned
    Maneuvering Targets", 1970.
    """
    fade = exp(-dt / tau)
    place = tau * tau * (2 * dt / tau - 3 + 4 * fade - fade * fade)
    return fade, tau * (1 - fade), max(place, 0.0), tau * (1 - fade) ** 2, 1 - fade * fade


def _swaying(tau: float, dt: float) -> Step:
    """``dt`` seconds of what is off its mean by ``tau`` × its speed back, and forgets that in ``tau``."""
    fade = exp(-dt / tau)
    new = 1 - fade * fade
    return fade, tau * (1 - fade), tau * tau * new, -tau * new, new


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
