"""Many people: cheering (voices and the roar they become far off) and applause.

Claps follow L. Peltola et al., Synthesis of Hand Clapping Sounds, IEEE TASLP 15(3), 2007: each a burst of noise in
a band of 0.6 to 2.5 kHz that dies in milliseconds, 2 to 5 a second and person.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from recipes.sounds.basics import (
    RATE,
    Rng,
    Sound,
    band,
    coloured,
    decibels,
    fade,
    level,
    log_uniform,
    resonance,
    slow,
)


class Crowd:
    """People to draw crowds from.

    ``voices``: made of recordings of single people, each some seconds long, of RMS 1: (voices, n). Three of five
    hold a vowel, as cheering people do, the others call words, both higher than they were spoken.
    """

    def __init__(self, rng: Rng, recordings: list[Sound], voices: int = 240, seconds: float = 2.5) -> None:
        n = int(seconds * RATE)
        made = [(_drawn_out if number % 5 < 3 else _called)(rng, recordings, n) for number in range(voices)]
        self.voices = np.stack(made).astype(np.float32)

    def cheering(self, rng: Rng, n: int) -> Sound:
        """A few shouting people, a stand full of them, or a stadium's roar; free, chanting, booing or groaning."""
        mood = str(rng.choice(["cheer", "chant", "boo"], p=[0.5, 0.35, 0.15]))
        beat = _beat(rng, n) if mood == "chant" else np.ones(n)
        near = self._some(rng, n, int(log_uniform(rng, 3, 40)), free=mood == "cheer")
        far = self._some(rng, n, int(log_uniform(rng, 40, 200)), free=False)
        shape = np.exp(0.35 * slow(rng, n, 0.8)) * beat
        if rng.random() < 0.5:
            shape *= np.linspace(*np.exp(rng.uniform(-1, 1, 2)), n)  # it swells, it dies away
        far = band(far, 150, log_uniform(rng, 1500, 7000), 1) / level(far)
        sound = (near / level(near) * decibels(rng.uniform(-15, 8)) + far) * shape
        effort = band(sound, log_uniform(rng, 500, 1200), 8000, 1)  # who shouts has more above 1 kHz
        sound = sound + rng.uniform(0, 4) * effort
        if mood == "chant":
            sound = _sung(rng, sound)
        roar = _roar(rng, n) * np.exp(0.25 * slow(rng, n, 3)) * shape
        sound = sound / level(sound) + roar / level(roar) * decibels(rng.uniform(-25, 0))
        if rng.random() < 0.25:
            hands = self.applause(rng, n)
            sound += hands / level(hands) * level(sound) * decibels(rng.uniform(-24, -9))
        return sound

    def applause(self, rng: Rng, n: int) -> Sound:
        """From two hands to a full hall; each for himself or in time."""
        people = int(log_uniform(rng, 1, 12) if rng.random() < 0.25 else log_uniform(rng, 12, 400))
        together = rng.random() < 0.15 and people > 4
        beat = rng.uniform(1.8, 4.5)
        kinds = min(people, 32)
        trains = np.zeros((kinds, n))
        for person in range(people):
            rate = beat if together else float(np.clip(rng.normal(4, 0.8), 2, 6))
            times = np.arange(0.0 if together else rng.uniform(-0.5, 0), n / RATE + 0.5, 1 / rate)
            times = times + rng.normal(0, rng.uniform(0.005, 0.035), len(times))
            at = (times * RATE).astype(int)
            at = at[(at >= 0) & (at < n)]
            far = log_uniform(rng, 0.1, 1.0)
            np.add.at(trains[person % kinds], at, far * np.exp(0.3 * rng.normal(size=len(at))))
        sound = np.zeros(n)
        for train in trains:
            sound += fftconvolve(train, _clap(rng))[:n]
        sound /= level(sound)
        if rng.random() < 0.35:
            voices = self._some(rng, n, int(log_uniform(rng, 2, 60)), free=True)
            sound += voices / level(voices) * decibels(rng.uniform(-26, -9))
        return sound

    def _some(self, rng: Rng, n: int, people: int, *, free: bool) -> Sound:
        """``people`` at once. ``free``: each calls, breathes, and calls again."""
        sound = np.zeros(n)
        for _ in range(people):
            voice = self.voices[int(rng.integers(len(self.voices)))]
            voice = np.roll(voice, int(rng.integers(len(voice))))[:n] * log_uniform(rng, 0.15, 1.0)
            if free:
                voice = voice * np.clip(slow(rng, n, rng.uniform(0.7, 2.5)) + rng.uniform(0, 1.2), 0, 1.5)
            sound += voice
        return sound


def _drawn_out(rng: Rng, recordings: list[Sound], n: int) -> Sound:
    """A loud place of a recording, a vowel as a rule, held for ``n`` samples at a shouting pitch: overlapping
    grains from near that place, which wander."""
    said = recordings[int(rng.integers(len(recordings)))]
    up = log_uniform(rng, 1.0, 2.1)  # read faster, it is higher
    said = np.interp(np.arange(0, len(said) - 1, up), np.arange(len(said)), said)
    power = np.convolve(said**2, np.ones(480), "same")
    loud = np.flatnonzero(power > 0.4 * power.max())
    centre = float(loud[int(rng.integers(len(loud)))])
    grain = int(log_uniform(rng, 0.05, 0.14) * RATE)
    shape = np.hanning(grain)
    sound = np.zeros(n + grain)
    reach = rng.uniform(0.1, 0.6) * grain
    for at in range(0, n, grain // 3):
        centre += rng.normal() * 0.1 * grain
        start = int(np.clip(centre + rng.uniform(-reach, reach), 0, max(len(said) - grain - 1, 0)))
        piece = said[start : start + grain]
        sound[at : at + len(piece)] += piece * shape[: len(piece)]
    sound = sound[:n]
    return sound / level(sound)


def _sung(rng: Rng, sound: Sound) -> Sound:
    """All of them in a tune of few notes: read faster and slower, note by note."""
    note = int(rng.uniform(0.15, 0.7) * RATE)
    steps = rng.choice([-5, -3, -2, 0, 0, 2, 4, 5], size=len(sound) // note + 1)
    speed = np.repeat(2.0 ** (steps / 12), note)[: len(sound)]
    speed = np.convolve(np.pad(speed, 400, "edge"), np.ones(801) / 801, "valid")
    return np.interp(np.cumsum(speed) % (len(sound) - 1), np.arange(len(sound)), sound)


def _called(rng: Rng, recordings: list[Sound], n: int) -> Sound:
    """Words, louder and higher."""
    up = log_uniform(rng, 1.05, 1.7)
    sound = np.zeros(0)
    while len(sound) < n:
        said = recordings[int(rng.integers(len(recordings)))]
        start = int(rng.integers(max(1, len(said) - n)))
        said = said[start : start + n]
        said = np.interp(np.arange(0, len(said) - 1, up), np.arange(len(said)), said)
        sound = np.concatenate([sound, said / level(said), np.zeros(int(rng.uniform(0, 0.2) * RATE))])
    return sound[:n] / level(sound[:n])


def _roar(rng: Rng, n: int) -> Sound:
    noise = band(
        coloured(rng, n, rng.uniform(0.3, 1.3)), log_uniform(rng, 150, 500), log_uniform(rng, 1400, 4500), 1
    )
    hump = resonance(noise, log_uniform(rng, 450, 1500), log_uniform(rng, 250, 900))
    return noise / level(noise) + hump / level(hump) * rng.uniform(0, 2)


def _beat(rng: Rng, n: int) -> Sound:
    rate = rng.uniform(1.2, 3.5)
    phase = (np.arange(n) / RATE * rate + rng.uniform()) % 1
    return 0.12 + np.clip(np.sin(np.pi * np.minimum(phase / rng.uniform(0.5, 0.95), 1)), 0, 1)


def _clap(rng: Rng) -> Sound:
    n = int(0.15 * RATE)
    time = np.arange(n) / RATE
    burst = rng.normal(size=n) * np.exp(-time / log_uniform(rng, 0.003, 0.010))
    burst += 0.25 * rng.normal(size=n) * np.exp(-time / log_uniform(rng, 0.012, 0.04))
    centre = log_uniform(rng, 700, 2600)
    clap = resonance(burst, centre, centre / rng.uniform(0.7, 3.0))
    crack = band(burst, log_uniform(rng, 500, 2000), 8000, 1)
    clap = clap / level(clap) + rng.uniform(0.05, 0.7) * crack / level(crack)
    return clap * fade(n, 0.0007, 0.03)
