"""What people do, as joint angles over time: a function for each class, its numbers drawn anew each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from recipes.motions.chain import RATE, Curve, Pose

Rng = np.random.Generator
_G = 9.81


@dataclass(frozen=True)
class Person:
    """``stride``: Hz of two steps at an easy walk. ``swing``: how far the arms go, of an average. ``spring``: how
    far the trunk goes up and down, of an average. ``hard``: how hard heels strike."""

    upper: float
    fore: float
    stride: float
    swing: float
    spring: float
    hard: float

    @classmethod
    def drawn(cls, rng: Rng) -> Person:
        tall = rng.normal(1, 0.08)
        return cls(
            0.30 * tall,
            0.26 * tall,
            rng.normal(0.92, 0.07) / np.sqrt(tall),
            rng.lognormal(0, 0.3),
            rng.lognormal(0, 0.2),
            rng.lognormal(0, 0.4),
        )


def still(_: Person, count: int, rng: Rng) -> Pose:
    """Standing, sitting, waiting: sway, and a small gesture now and then."""
    pose = Pose.rest(count)
    pose.raise_ += rng.uniform(-0.2, 1.2)
    pose.bend += rng.uniform(0.0, 2.0)
    pose.roll += rng.uniform(-1.5, 1.5)
    pose.trunk += 0.004 * np.stack([wander(count, 0.4, rng) for _ in range(3)], 1)
    often, far = rng.uniform(0.0, 0.5), rng.uniform(0.02, 0.5)
    moving = np.clip(wander(count, 0.15, rng) - 1.5 + 3 * often, 0, 1)
    for joint in (pose.raise_, pose.bend, pose.roll, pose.turn):
        joint += moving * far * wander(count, 0.7, rng) + 0.01 * wander(count, 0.5, rng)
    return pose


def walk(who: Person, count: int, rng: Rng) -> Pose:
    pace = who.stride * rng.uniform(0.8, 1.15)
    swing = min(0.55, 0.38 * who.swing * rng.choice([1.0, 1.0, 1.0, 0.35]))
    strike = rng.uniform(0.2, 1.5)
    return _gait(count, rng, who, pace=pace, swing=swing, bend=rng.uniform(0.1, 0.6), rise=0.022, strike=strike)


def run(who: Person, count: int, rng: Rng) -> Pose:
    pace = rng.uniform(1.2, 1.65)
    swing = max(0.4, 0.62 * who.swing**0.6 * rng.uniform(0.7, 1.2))
    rise, strike = rng.uniform(0.02, 0.05), rng.uniform(0.3, 8.0)
    return _gait(count, rng, who, pace=pace, swing=swing, bend=rng.uniform(0.5, 1.9), rise=rise, strike=strike)


def jump(who: Person, count: int, rng: Rng) -> Pose:
    """Crouch, leap, land; arms thrown up or kept. Pauses are shorter than a window."""
    pose = Pose.rest(count)
    height, arms = rng.uniform(0.12, 0.45) * who.spring, rng.uniform(0.1, 2.2)
    bent, depth = rng.uniform(0.1, 1.6), rng.uniform(0.12, 0.35)
    at = 0
    while at < count:
        leap = np.sqrt(2 * _G * height * rng.uniform(0.8, 1.2))
        up = _leap(leap, depth, rng.uniform(0.2, 0.45), rng.uniform(0.25, 0.5))
        pause = int(rng.uniform(0.05, 0.8) * RATE)
        end = min(count, at + len(up))
        pose.trunk[at:end, 2] += up[: end - at]
        pushes = _bump(len(up), 0.45, 0.16) - 0.5 * _bump(len(up), 0.2, 0.12)
        pose.raise_[at:end] += arms * pushes[: end - at]
        pose.bend[at:end] += 0.4 * arms * _bump(len(up), 0.5, 0.2)[: end - at]
        at = end + pause
    pose.bend += bent
    pose.trunk[:, 2] = gaussian_filter1d(pose.trunk[:, 2], 0.012 * RATE)
    _fidget(pose, rng, 0.05)
    return pose


def swing(_: Person, count: int, rng: Rng) -> Pose:
    """Strokes and throws, over the head and beside the body, and small steps in between."""
    pose = Pose.rest(count)
    ready = np.array([rng.uniform(0.3, 1.0), rng.uniform(-0.1, 0.3), rng.uniform(0.8, 1.8), 0.0, 0.0])
    marks: list[tuple[float, Curve]] = [(0.0, ready)]
    now = rng.uniform(0.1, 0.8)
    power = rng.lognormal(0, 0.2)
    while now < count / RATE:
        back = rng.uniform(0.25, 0.7)
        sweep = rng.uniform(0.18, 0.45) / power
        # raise, spread, bend, roll, turn
        if rng.random() < 0.5:
            begin = np.array([rng.uniform(1.6, 2.9), rng.uniform(0.0, 0.9), rng.uniform(1.4, 2.3), -0.9, -0.6])
            finish = np.array([rng.uniform(0.2, 1.0), rng.uniform(-0.3, 0.3), rng.uniform(0.1, 0.6), 0.9, 0.6])
        else:
            begin = np.array([rng.uniform(-0.6, 0.5), rng.uniform(0.4, 1.4), rng.uniform(0.6, 1.6), -1.0, -0.7])
            finish = np.array([rng.uniform(0.9, 2.0), rng.uniform(-0.5, 0.3), rng.uniform(0.2, 1.0), 1.0, 0.8])
        vary, whole = rng.normal(1, 0.15, 5), rng.uniform(0.35, 1.0)
        begin, finish = (ready + whole * (each * vary - ready) for each in (begin, finish))
        marks += [(now + back, begin), (now + back + sweep, finish)]
        now += back + sweep + rng.uniform(0.3, 0.6)
        marks.append((now, ready + rng.normal(0, 0.15, 5)))
        now += rng.uniform(0.05, 0.9)
    times = np.arange(count) / RATE
    path = _minimum_jerk(times, marks)
    pose.raise_, pose.spread, pose.bend, pose.roll, pose.turn = path.T.copy()
    steps = np.clip(wander(count, 0.5, rng), 0, 1.5)[:, None]
    pose.trunk += steps * 0.02 * np.stack([wander(count, 2.0, rng) for _ in range(3)], 1)
    _fidget(pose, rng, 0.08)
    return pose


ACTS: dict[str, Callable[[Person, int, Rng], Pose]] = {
    "still": still,
    "walk": walk,
    "run": run,
    "jump": jump,
    "swing": swing,
}


def wander(count: int, hertz: float, rng: Rng) -> Curve:
    """Smooth noise of deviation 1 with nothing much above ``hertz``: (count,)."""
    few = rng.normal(0, 1, int(count / RATE * hertz * 2) + 4)
    rough = np.interp(np.linspace(0, len(few) - 1, count), np.arange(len(few)), few)
    smooth = gaussian_filter1d(rough, RATE / hertz / 4)
    return smooth / (smooth.std() + 1e-9)


def _gait(
    count: int, rng: Rng, who: Person, *, pace: float, swing: float, bend: float, rise: float, strike: float
) -> Pose:
    """Two steps a stride: the trunk goes up and down at the step's rate, the arm at the stride's."""
    pose = Pose.rest(count)
    phase = 2 * np.pi * np.cumsum(pace * (1 + 0.03 * wander(count, 0.3, rng))) / RATE + rng.uniform(0, 2 * np.pi)
    size = 1 + 0.12 * wander(count, 0.4, rng)
    skew = rng.normal(0, 0.15)
    arm = np.sin(phase) + skew * np.sin(2 * phase + 1)
    pose.raise_ += rng.uniform(-0.1, 0.3) + swing * size * arm
    pose.bend += bend + np.abs(swing) * rng.uniform(0.1, 0.6) * size * np.sin(phase + rng.normal(-0.3, 0.3))
    pose.spread += rng.uniform(0.0, 0.3) + 0.3 * swing * np.sin(phase + rng.uniform(0, 2 * np.pi))
    pose.roll += rng.uniform(-0.8, 0.8) + 0.3 * swing * np.sin(phase + rng.uniform(0, 2 * np.pi))
    pose.turn += 0.25 * swing * np.sin(phase + np.pi)
    rise *= who.spring
    pose.trunk[:, 2] += rise * size * np.sin(2 * phase + rng.normal(0, 0.3))
    pose.trunk[:, 0] += 0.5 * rise * np.sin(2 * phase + rng.uniform(0, 2 * np.pi))
    pose.trunk[:, 1] += 0.7 * rise * np.sin(phase + rng.uniform(0, 2 * np.pi))
    # A heel's strike as it comes through to the arm: some 30 ms, once a step.
    steps = np.flatnonzero(np.diff(np.floor(phase / np.pi)))
    hits = np.zeros(count)
    hits[steps] = rng.lognormal(0, 0.25, len(steps))
    shock = strike * who.hard * gaussian_filter1d(hits, 0.015 * RATE) * 0.015 * RATE * 2.5
    velocity = np.cumsum(shock) / RATE
    place = np.cumsum(velocity - gaussian_filter1d(velocity, 0.1 * RATE)) / RATE
    pose.trunk[:, 2] += place - gaussian_filter1d(place, 0.1 * RATE)
    _fidget(pose, rng, 0.04)
    return pose


def _fidget(pose: Pose, rng: Rng, far: float) -> None:
    for joint in (pose.raise_, pose.spread, pose.bend, pose.roll, pose.turn):
        joint += far * wander(len(joint), 0.8, rng)


def _leap(speed: float, depth: float, down: float, rest: float) -> Curve:
    """The trunk's height while somebody leaps at ``speed`` m/s from a crouch of ``depth`` m."""
    t = np.arange(0, down, 1 / RATE)
    crouch = -depth * (1 - np.cos(np.pi * t / down)) / 2
    push = np.arange(0, 2 * depth / speed, 1 / RATE)
    rises = -depth + speed**2 / (4 * depth) * push**2
    fly = np.arange(0, 2 * speed / _G, 1 / RATE)
    flies = speed * fly - _G / 2 * fly**2
    brake = np.arange(0, 2 * depth / speed, 1 / RATE)
    lands = -speed * brake + speed**2 / (4 * depth) * brake**2
    t = np.arange(0, rest, 1 / RATE)
    stands = -depth * (1 + np.cos(np.pi * t / rest)) / 2
    return np.concatenate([crouch, rises, flies, lands, stands])


def _bump(count: int, at: float, wide: float) -> Curve:
    """A bell over ``count`` samples, its middle and deviation as parts of them."""
    return np.exp(-0.5 * ((np.arange(count) / count - at) / wide) ** 2)


def _minimum_jerk(times: Curve, marks: list[tuple[float, Curve]]) -> Curve:
    """From mark to mark as hands move (Flash and Hogan 1985): (n, values)."""
    whens = np.array([when for when, _ in marks])
    values = np.stack([value for _, value in marks])
    which = np.clip(np.searchsorted(whens, times, "right") - 1, 0, len(marks) - 2)
    part = np.clip((times - whens[which]) / (whens[which + 1] - whens[which]), 0, 1)[:, None]
    eased = part**3 * (10 - 15 * part + 6 * part**2)
    return values[which] + eased * (values[which + 1] - values[which])
