"""A body from trunk to wrist as rigid links: joint angles over time → what an ideal sensor at the wrist feels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
RATE = 200.0
"""Hz, at which motion is computed."""
GRAVITY = np.array([0.0, 0.0, -9.81])


@dataclass
class Pose:
    """Curves over time (n,). ``trunk`` (n, 3): the shoulder's place in m, x forward, y to the left, z up.

    Angles in rad: ``turn`` of the trunk about z, ``raise_`` of the upper arm forward from hanging, ``spread`` of
    it sideways, ``bend`` of the elbow, ``roll`` of the forearm about itself.
    """

    trunk: Curve
    turn: Curve
    raise_: Curve
    spread: Curve
    bend: Curve
    roll: Curve

    @classmethod
    def rest(cls, count: int) -> Pose:
        return cls(np.zeros((count, 3)), *(np.zeros(count) for _ in range(5)))


def felt(pose: Pose, upper: float, fore: float) -> tuple[Curve, Curve]:
    """Specific force in m/s² and turning in rad/s, both (n, 3), of a sensor at the wrist in the forearm's frame.
    ``upper``, ``fore``: lengths of the links, m."""
    turn = _about(2, pose.turn)
    arm = turn @ _about(0, pose.spread) @ _about(1, -pose.raise_)
    forearm = arm @ _about(1, -pose.bend)
    down = np.array([0.0, 0.0, -1.0])
    side = turn @ np.array([0.0, 0.2, 0.0])
    wrist = pose.trunk + side + arm @ (upper * down) + forearm @ (fore * down)
    frame = forearm @ _about(2, pose.roll)
    acceleration = np.gradient(np.gradient(wrist, axis=0), axis=0) * RATE**2
    turned = np.swapaxes(frame, 1, 2) @ np.gradient(frame, axis=0) * RATE
    rates = np.stack([turned[:, 2, 1], turned[:, 0, 2], turned[:, 1, 0]], 1)
    force = np.einsum("nji,nj->ni", frame, acceleration - GRAVITY)
    return force, rates


def _about(axis: int, angle: Curve) -> Curve:
    """Rotations about one axis, (n, 3, 3)."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    made = np.zeros((len(angle), 3, 3))
    made[:, axis, axis] = 1
    made[:, first, first] = made[:, second, second] = np.cos(angle)
    made[:, second, first] = np.sin(angle)
    made[:, first, second] = -np.sin(angle)
    return made
