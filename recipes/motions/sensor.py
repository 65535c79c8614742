"""What an ideal sensor feels → what one that can be bought tells: turned, biased, noisy, clipped, at its rate."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from recipes.motions.chain import RATE, Curve

_G = 9.81


def told(force: Curve, rates: Curve, rng: np.random.Generator) -> Curve:
    """m/s² and rad/s at `RATE` → rows of t in s, acceleration in g and turning in °/s: (n, 7)."""
    place = Rotation.from_euler("xyz", rng.uniform(-180, 180, 3), degrees=True).as_matrix()
    acceleration, turning = force @ place / _G, np.degrees(rates @ place)
    if rng.random() < 0.35:  # a watch that takes gravity out itself
        acceleration = acceleration - gaussian_filter1d(acceleration, rng.uniform(0.5, 1.5) * RATE, axis=0)
    blur = rng.uniform(0.002, 0.01) * RATE
    acceleration, turning = (gaussian_filter1d(each, blur, axis=0) for each in (acceleration, turning))
    rate = float(rng.choice([10.0, 25.0, 26.0, 50.0, 52.0, 100.0], p=[0.35, 0.15, 0.15, 0.15, 0.1, 0.1]))
    times = np.arange(0, (len(force) - 1) / RATE, 1 / rate)
    at = times * RATE
    if rate == 10.0:  # polled by a program, which sometimes comes too early for a new value
        at = np.where(rng.random(len(at)) < 0.08, np.maximum(at - RATE / rate, 0), at)
    ticks = np.arange(len(force))
    values = np.stack([np.interp(at, ticks, each) for each in (*acceleration.T, *turning.T)], 1)
    values[:, :3] += rng.normal(0, 0.02, 3) + rng.normal(0, rng.uniform(0.002, 0.012), (len(at), 3))
    values[:, 3:] += rng.normal(0, 1.0, 3) + rng.normal(0, rng.uniform(0.05, 0.6), (len(at), 3))
    most, fastest = rng.choice([3.0, 4.0, 8.0, 16.0]), rng.choice([1000.0, 2000.0])
    values[:, :3] = np.clip(values[:, :3], -most, most)
    values[:, 3:] = np.clip(values[:, 3:], -fastest, fastest)
    return np.column_stack([times, values])
