"""Referees' whistles.

With a pea: air over an edge sounds a chamber of 2 to 4 kHz; the pea, carried round by the vortex, opens and shuts
the chamber 20 to 60 times a second, which moves pitch and loudness together. Without: two or three chambers of
neighbouring pitch that beat. Pitch rises with the blow (weakly: about its tenth power), so it glides in and out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recipes.sounds.basics import RATE, Rng, Sound, band, coloured, decibels, level, log_uniform, resonance, slow


@dataclass(frozen=True)
class Whistle:
    """``tones``: of the chambers, Hz. ``pea``: turns a second, 0 without one. ``swing``: of the pitch, a share.
    ``depth``: of the loudness, 0 to 1. ``breath``: dB of air noise. ``overtones``: dB of each."""

    tones: tuple[float, ...]
    pea: float
    swing: float
    depth: float
    breath: float
    overtones: tuple[float, ...]


def some_whistle(rng: Rng) -> Whistle:
    first = rng.uniform(1900, 4300)
    pea = rng.uniform(18, 62) if rng.random() < 0.75 else 0.0
    more = int(rng.integers(0, 2)) if pea else int(rng.integers(1, 3))
    tones = [first]
    for _ in range(more):
        tones.append(tones[-1] * rng.uniform(1.02, 1.16))
    return Whistle(
        tuple(tones),
        pea,
        log_uniform(rng, 0.004, 0.05),
        rng.uniform(0.25, 0.95),
        rng.uniform(-32, -8),
        tuple(rng.uniform((-34, -44), (-12, -20))),
    )


def blasts(rng: Rng, whistle: Whistle, n: int) -> Sound:
    """One, two or many blows one after another, so that no half second is silent."""
    sound = np.zeros(n)
    at = int(rng.uniform(0, 0.15) * RATE)
    lasts = log_uniform(rng, 0.15, 2.5)
    while at < n - RATE // 10:
        length = min(int(lasts * rng.uniform(0.7, 1.4) * RATE), n - at)
        sound[at : at + length] += blow(rng, whistle, length)
        at += length + int(rng.uniform(0.04, 0.4) * RATE)
    return sound


def blow(rng: Rng, whistle: Whistle, n: int) -> Sound:
    time = np.arange(n) / RATE
    end = n / RATE
    attack, decay = log_uniform(rng, 0.005, 0.06), log_uniform(rng, 0.015, 0.15)
    pressure = np.clip(time / attack, 0, 1) * np.clip((end - time) / decay, 0, 1)
    pressure *= np.exp(0.12 * slow(rng, n, 4))
    glide = np.maximum(pressure, 0.02) ** rng.uniform(0.02, 0.12)
    drift = 1 + rng.uniform(-0.015, 0.015) * time / max(end, 0.2)  # whoever blows it walks
    turn, gate = np.zeros(n), np.ones(n)
    if whistle.pea:
        rate = whistle.pea * np.maximum(pressure, 0.2) ** 0.3 * (1 + 0.08 * slow(rng, n, 8))
        phase = 2 * np.pi * np.cumsum(rate) / RATE + rng.uniform(0, 6)
        turn = np.sin(phase) + 0.3 * np.sin(2 * phase + 1)
        gate = 1 - whistle.depth * (0.5 - 0.5 * np.cos(phase)) ** rng.uniform(0.6, 2.0)
    sound = np.zeros(n)
    for index, tone in enumerate(whistle.tones):
        hertz = tone * glide * drift * (1 + whistle.swing * turn) * (1 + 0.002 * slow(rng, n, 60))
        phase = 2 * np.pi * np.cumsum(hertz) / RATE + rng.uniform(0, 6)
        part = np.sin(phase)
        for number, db in enumerate(whistle.overtones, 2):
            if tone * number < 0.47 * RATE:
                part += decibels(db) * np.sin(number * phase)
        sound += part * (1.0 if index == 0 else rng.uniform(0.3, 1.0))
    air = resonance(coloured(rng, n, 0), whistle.tones[0], 900) * 4 + 0.1 * band(coloured(rng, n, 0), 500, 8000)
    air *= decibels(whistle.breath) * level(sound) / level(air)
    return (sound * gate + air) * pressure
