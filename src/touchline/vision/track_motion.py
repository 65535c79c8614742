"""How people and balls move: a bank of constant-velocity filters, and the motion they share.

One row per track, four axes a row: centre x, centre y, width, height (px). Each axis has its own position
and velocity, so every covariance is a 2×2 matrix that is updated in closed form, for all rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_PX = 2.0
"""No box is taken to be smaller than this, so that noise in heights never vanishes."""


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """How the boxes of one kind of thing move. All lengths are in box heights, so that near and far are alike.

    ``noise``: standard deviation of a detector's box, as a share of the box's own width (x, width) and height (y,
    height). ``speed``: usual speed of the axes x, y, width, height relative to the common motion, heights/s.
    ``jerk``: movement between two detections that no speed foretells, standard deviation in heights. ``memory``: seconds after which a speed is forgotten, for the place and for the size.
    ``camera_acceleration``: how fast the common motion changes, heights/s². ``camera_shake``: movement of the
    picture between two detections that no speed foretells, heights.
    """

    noise: tuple[float, float, float, float] = (0.035, 0.035, 0.05, 0.035)
    speed: tuple[float, float, float, float] = (1.5, 0.7, 1.5, 0.6)
    memory: tuple[float, float] = (1.0, 0.1)
    jerk: tuple[float, float, float, float] = (0.02, 0.01, 0.02, 0.01)
    camera_acceleration: float = 4.0
    camera_shake: float = 0.01


@dataclass(slots=True)
class Bank:
    """The filters' state. ``x``, ``v``: place (px) and speed relative to the common motion (px/s), float64 (N, 4).
    ``pp``, ``pv``, ``vv``: their covariances, float64 (N, 4), px², px²/s, px²/s²."""

    x: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    v: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    pp: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    pv: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    vv: Floats = field(default_factory=lambda: np.zeros((0, 4)))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all other rows."""
        self.x, self.v = self.x[rows], self.v[rows]
        self.pp, self.pv, self.vv = self.pp[rows], self.pv[rows], self.vv[rows]


class Motion:
    """Predicts and corrects a `Bank` under one `MotionConfig`."""

    def __init__(self, config: MotionConfig) -> None:
        self._noise = np.array(config.noise) ** 2
        self._speed = np.array(config.speed) ** 2
        place, size = config.memory
        self._memory = np.array([place, place, size, size])
        self._jerk = np.array(config.jerk) ** 2

    def measured(self, boxes: Floats) -> Floats:
        """Variance (N, 4), px², of detected ``boxes`` (N, 4: centre x, y, width, height)."""
        sides = np.maximum(boxes[:, (2, 3, 2, 3)], SMALLEST_PX)
        return self._noise * sides * sides

    def start(self, bank: Bank, boxes: Floats) -> None:
        """Add a row for each of ``boxes``: at rest against the common motion, as unsure of it as usual."""
        height = np.maximum(boxes[:, 3:], SMALLEST_PX)
        bank.x = np.concatenate([bank.x, boxes])
        bank.v = np.concatenate([bank.v, np.zeros_like(boxes)])
        bank.pp = np.concatenate([bank.pp, self.measured(boxes)])
        bank.pv = np.concatenate([bank.pv, np.zeros_like(boxes)])
        bank.vv = np.concatenate([bank.vv, self._speed * height * height])

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
        drive = self._speed * height * height
        bank.x += reach * bank.v
        bank.pp += reach * (2 * bank.pv + reach * bank.vv)
        bank.pp += self._jerk * height * height
        bank.pp += drive * (tau * tau * (2 * dt / tau - 3 + 4 * fade - fade * fade))
        bank.pv *= fade
        bank.pv += reach * fade * bank.vv + drive * (tau * (1 - fade) ** 2)
        bank.vv *= fade * fade
        bank.vv += drive * (1 - fade * fade)
        bank.v *= fade

    def correct(self, bank: Bank, rows: NDArray[np.intp], boxes: Floats) -> None:
        """Take ``boxes`` (M, 4) as seen of ``rows`` (M,)."""
        pp, pv = bank.pp[rows], bank.pv[rows]
        total = pp + self.measured(boxes)
        gain, speed_gain = pp / total, pv / total
        error = boxes - bank.x[rows]
        bank.x[rows] += gain * error
        bank.v[rows] += speed_gain * error
        bank.pp[rows] = pp * (1 - gain)
        bank.pv[rows] = pv * (1 - gain)
        bank.vv[rows] -= speed_gain * pv


class CommonMotion:
    """What all tracks do together: the camera's panning, as a speed in px/s that is filtered over time."""

    def __init__(self, config: MotionConfig) -> None:
        self._acceleration = config.camera_acceleration**2
        self._shake = config.camera_shake**2
        self.speed = np.zeros(2)
        self._moved = 0.0  # variance of the movement of this step, heights²
        self._doubt = 1.0  # variance of the speed, (heights/s)²
        self._cross = 0.0

    def step(self, dt: float) -> Floats:
        """The movement (2,), px, to expect in ``dt`` seconds."""
        q = self._acceleration
        self._moved = self._doubt * dt * dt + q * dt**3 / 3 + self._shake
        self._cross = self._doubt * dt + q * dt**2 / 2
        self._doubt = min(self._doubt + q * dt, 25.0)
        return self.speed * dt

    def correct(self, errors: Floats, variance: float, height: float) -> Floats:
        """Learn from the matched tracks' errors (M, 2), px, of ``variance`` (heights²) at usual ``height`` (px).

        Returns the movement (2,), px, that the step missed.
        """
        middle = np.sort(errors, axis=0)
        m = len(errors)
        shared = (middle[(m - 1) // 2] + middle[m // 2]) / 2
        # A median of m is as sure as the mean of 0.64 m; players who run together look like a camera.
        total = self._moved + 1.57 * variance / m
        gain, speed_gain = self._moved / total, self._cross / total
        self.speed = self.speed + speed_gain * shared
        self._doubt = max(self._doubt - speed_gain * self._cross, 1e-6)
        self._moved *= 1 - gain
        self._cross *= 1 - gain
        return gain * shared


def fade(dt: float, memory: float) -> float:
    """The share of something that is left after ``dt`` seconds when it is forgotten in ``memory``."""
    return exp(-dt / memory)
