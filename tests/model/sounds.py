"""Folders of made recordings: sounds and motions that are easily told apart, under noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import wavfile

CLASSES = ("tone", "hiss")


def write_sounds(folder: Path, groups: int = 6, rate: int = 16_000) -> Path:
    """Two recordings of 1.5 s of each class in each of ``groups`` groups."""
    rng = np.random.default_rng(5)
    time = np.arange(int(1.5 * rate)) / rate
    for label in CLASSES:
        for group in range(groups):
            place = folder / label / f"g{group}"
            place.mkdir(parents=True)
            for take in range(2):
                sound = rng.normal(0, 0.003, len(time))
                if label == "tone":
                    sound += 0.3 * np.sin(2 * np.pi * rng.uniform(500, 3000) * time)
                else:
                    sound += rng.normal(0, 0.1, len(time))
                wavfile.write(place / f"{take}.wav", rate, (sound * 32767).astype(np.int16))
    return folder


def write_motions(folder: Path, people: int = 5) -> Path:
    """A recording of 3 s at 100 Hz of each of two classes by each of ``people``."""
    rng = np.random.default_rng(6)
    time = np.arange(300) / 100
    for label, hertz in (("slow", 1.0), ("fast", 6.0)):
        for person in range(people):
            place = folder / label / f"p{person}"
            place.mkdir(parents=True)
            rows = np.zeros((len(time), 7))
            rows[:, 0] = time
            rows[:, 1:] = rng.normal(0, 0.02, (len(time), 6))
            rows[:, 3] += 1
            rows[:, 1] += np.sin(2 * np.pi * hertz * time + rng.uniform(0, 6))
            rows[:, 4] += 100 * np.cos(2 * np.pi * hertz * time)
            np.savetxt(place / "0.csv", rows, "%.5f", ",", header="t,ax,ay,az,gx,gy,gz", comments="")
    return folder
