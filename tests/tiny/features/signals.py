"""Sounds at the edges of what 16 bits hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def edges(length: int, seed: int = 0) -> dict[str, NDArray[np.int16]]:
    """By name, ``length`` samples each."""
    rng = np.random.default_rng(seed)
    at = np.arange(length)
    impulse = np.zeros(length)
    impulse[length // 3] = -32768
    impulse[length // 2] = 1
    found = {
        "silence": np.zeros(length),
        "lowest": np.full(length, -32768),
        "highest": np.full(length, 32767),
        "square, Nyquist": np.where(at % 2, 32767, -32768),
        "square, slow": np.where(at // 37 % 2, 32767, -32768),
        "impulses": impulse,
        "one step": np.where(at % 7, 0, -1),
        "smallest noise": rng.integers(-1, 2, length),
        "loudest noise": rng.integers(-32768, 32768, length),
        "extremes": rng.choice([-32768, 32767], length),
        "sine": 32767 * np.sin(2 * np.pi * at * 0.0817),
        "quiet sine": 3 * np.sin(2 * np.pi * at * 0.0817),
        "sine in noise": 30000 * np.sin(2 * np.pi * at * 0.21) + rng.normal(0, 20, length),
    }
    return {name: np.rint(values).astype(np.int16) for name, values in found.items()}
