"""What else there is to hear: nothing much, weather, traffic, machines, balls, steps, tones and music."""

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


def quiet(rng: Rng, n: int) -> Sound:
    return coloured(rng, n, rng.uniform(0, 2))


def hum(rng: Rng, n: int) -> Sound:
    time = np.arange(n) / RATE
    mains = float(rng.choice([50, 60, rng.uniform(30, 400)]))
    parts = [
        log_uniform(rng, 0.05, 1) * np.sin(2 * np.pi * mains * k * time + rng.uniform(0, 6)) for k in range(1, 14)
    ]
    return np.sum(parts, 0) + 0.3 * coloured(rng, n, rng.uniform(0, 2))


def wind(rng: Rng, n: int) -> Sound:
    gusts = np.exp(0.8 * slow(rng, n, 1.5))
    howl = resonance(coloured(rng, n, 0), log_uniform(rng, 200, 900), log_uniform(rng, 30, 200))
    return gusts * (
        band(coloured(rng, n, 2), 20, log_uniform(rng, 150, 1200)) + rng.uniform(0, 0.5) * howl / level(howl)
    )


def rain(rng: Rng, n: int) -> Sound:
    drops = np.zeros(n)
    at = rng.integers(0, n, int(log_uniform(rng, 30, 6000)))
    np.add.at(drops, at, np.exp(rng.normal(size=len(at))))
    drop = resonance(rng.normal(size=400) * np.exp(-np.arange(400) / 60), log_uniform(rng, 1500, 6500), 2500)
    falling = fftconvolve(drops, drop)[:n]
    return falling / level(falling) + rng.uniform(0, 1.5) * band(coloured(rng, n, 0.5), 400, 8000)


def traffic(rng: Rng, n: int) -> Sound:
    time = np.arange(n) / RATE
    turns = log_uniform(rng, 25, 130) * np.exp(rng.uniform(-0.3, 0.3) * time + 0.03 * slow(rng, n, 3))
    phase = 2 * np.pi * np.cumsum(turns) / RATE
    engine = np.sum(
        [log_uniform(rng, 0.05, 1) / k**0.5 * np.sin(k * phase + rng.uniform(0, 6)) for k in range(1, 20)], 0
    )
    tyres = band(coloured(rng, n, 1), 100, log_uniform(rng, 800, 4000)) * np.exp(0.5 * slow(rng, n, 1))
    return engine / level(engine) * rng.uniform(0, 1) + tyres


def thuds(rng: Rng, n: int) -> Sound:
    """Balls kicked, bounced and caught; steps; doors; things that fall."""
    sound = np.zeros(n)
    rate = log_uniform(rng, 1.0, 4.5)
    low, ring = log_uniform(rng, 50, 500), log_uniform(rng, 0.01, 0.12)
    snap = log_uniform(rng, 0.02, 1.0)
    at = rng.uniform(0, 0.4)
    while at < n / RATE - 0.02:
        start = int(at * RATE)
        length = min(n - start, int(0.4 * RATE))
        time = np.arange(length) / RATE
        hertz = low * (1 + 0.6 * np.exp(-time / 0.015)) * rng.uniform(0.9, 1.1)
        body = np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * np.exp(-time / ring)
        click = band(rng.normal(size=length), 100, log_uniform(rng, 500, 5000)) * np.exp(
            -time / log_uniform(rng, 0.002, 0.03)
        )
        sound[start : start + length] += rng.uniform(0.4, 1) * (body + snap * click)
        at += rng.uniform(0.7, 1.3) / rate
    return sound


def squeaks(rng: Rng, n: int) -> Sound:
    """Shoes on a gym's floor, brakes, birds: short glides."""
    sound = np.zeros(n)
    bird = rng.random() < 0.5
    at = rng.uniform(0, 0.3)
    while at < n / RATE - 0.05:
        start = int(at * RATE)
        length = min(n - start, int(log_uniform(rng, 0.03, 0.3) * RATE))
        sweep = np.linspace(0, 1, length)
        hertz = log_uniform(rng, 2000, 7000) if bird else log_uniform(rng, 700, 3500)
        hertz = hertz * np.exp(
            rng.uniform(-0.5, 0.5) * sweep + rng.uniform(-0.2, 0.2) * np.sin(2 * np.pi * sweep * rng.uniform(0, 4))
        )
        phase = 2 * np.pi * np.cumsum(hertz) / RATE
        tone = (
            np.sin(phase)
            if bird
            else np.sum([np.sin(k * phase) / k for k in range(1, 5)], 0) + 0.4 * rng.normal(size=length)
        )
        sound[start : start + length] += tone * fade(length, 0.01, 0.03) * rng.uniform(0.3, 1)
        at += length / RATE + rng.uniform(0.03, 0.4)
    return sound


def tones(rng: Rng, n: int) -> Sound:
    """Beeps, horns, buzzers, sirens, bells: steady or slowly moving, never trilled by a pea."""
    time = np.arange(n) / RATE
    base = log_uniform(rng, 150, 4000)
    hertz = np.full(n, base)
    if rng.random() < 0.3:
        hertz = base * np.exp(rng.uniform(0.1, 0.6) * np.sin(2 * np.pi * rng.uniform(0.3, 4) * time))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    steep = rng.uniform(0.3, 3)
    sound = np.zeros(n)
    for k in range(1, max(2, min(30, int(7500 / hertz.max())) + 1)):
        sound += np.sin(k * phase + rng.uniform(0, 6)) / k**steep
    if rng.random() < 0.6:
        rate, share = log_uniform(rng, 0.7, 8), rng.uniform(0.3, 0.9)
        on = ((time * rate + rng.uniform()) % 1 < share).astype(float)
        sound *= np.convolve(on, np.hanning(160) / np.hanning(160).sum(), "same")
    elif rng.random() < 0.4:
        sound *= np.exp(-((time * rng.uniform(1, 3)) % 1) * rng.uniform(3, 12))
    return sound


def music(rng: Rng, n: int) -> Sound:
    sound = np.zeros(n)
    step = rng.uniform(0.12, 0.5)
    root = log_uniform(rng, 55, 330)
    scale = [0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 19]
    steep, bright = rng.uniform(0.6, 2.2), int(rng.integers(3, 16))
    drums = rng.random() < 0.6
    for start in np.arange(0, n / RATE - 0.05, step):
        first = int(start * RATE)
        for _ in range(int(rng.integers(1, 4))):
            length = min(n - first, int(step * rng.choice([1, 2, 4]) * RATE))
            time = np.arange(length) / RATE
            hertz = root * 2 ** (int(rng.choice(scale)) / 12)
            swing = 1 + rng.uniform(0, 0.01) * np.sin(2 * np.pi * 5.5 * time)
            phase = 2 * np.pi * hertz * np.cumsum(swing) / RATE
            note = np.sum(
                [np.sin(k * phase) / k**steep for k in range(1, bright) if k * hertz < 7500] or [np.sin(phase)], 0
            )
            sound[first : first + length] += (
                note * fade(length, log_uniform(rng, 0.003, 0.1), 0.05) * np.exp(-time * rng.uniform(0, 6))
            )
        if drums and rng.random() < 0.8:
            length = min(n - first, int(0.15 * RATE))
            time = np.arange(length) / RATE
            hit = rng.normal(size=length) * np.exp(-time / log_uniform(rng, 0.01, 0.06))
            kick = np.sin(2 * np.pi * 70 * np.exp(-8 * time) * time * 3) * np.exp(-time / 0.05)
            sound[first : first + length] += (
                band(hit, rng.choice([200.0, 3000.0]), 8000) if rng.random() < 0.5 else 3 * kick
            ) * rng.uniform(0.3, 1.5)
    return sound


def machine(rng: Rng, n: int) -> Sound:
    """Fans, mowers, generators, projectors: noise and harmonics that a turning thing beats."""
    time = np.arange(n) / RATE
    rate = log_uniform(rng, 5, 120)
    beat = 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rate * time)
    noise = band(coloured(rng, n, rng.uniform(0, 1.5)), log_uniform(rng, 40, 800), log_uniform(rng, 1500, 7900), 1)
    whine = np.sin(2 * np.pi * log_uniform(rng, 200, 5000) * time * (1 + 0.0005 * slow(rng, n, 2)))
    return beat * noise / level(noise) + rng.uniform(0, 0.6) * whine


def engine(rng: Rng, n: int) -> Sound:
    """Strokes, one after another: diesels, steam, rotors, hammers, rattles."""
    rate = log_uniform(rng, 5, 90) * np.exp(rng.uniform(-0.4, 0.4) * np.arange(n) / RATE + 0.02 * slow(rng, n, 3))
    phase = np.cumsum(rate) / RATE
    strokes = np.zeros(n)
    strokes[1:] = np.diff(np.floor(phase)) * np.exp(0.3 * rng.normal(size=n - 1))
    length = int(0.1 * RATE)
    hit = rng.normal(size=length) * np.exp(-np.arange(length) / RATE / log_uniform(rng, 0.003, 0.04))
    body = fftconvolve(strokes, resonance(hit, log_uniform(rng, 60, 2000), log_uniform(rng, 50, 900)))[:n]
    hiss = band(coloured(rng, n, 0.5), log_uniform(rng, 50, 1500), 8000) * (phase % 1) ** rng.uniform(0, 3)
    return body / level(body) + rng.uniform(0, 0.7) * hiss / level(hiss)


def animal(rng: Rng, n: int) -> Sound:
    """Barks, moos, bleats: one throat, no words."""
    sound = np.zeros(n)
    at = rng.uniform(0, 0.3)
    hertz0, lasts = log_uniform(rng, 90, 700), log_uniform(rng, 0.1, 1.0)
    while at < n / RATE - 0.08:
        start = int(at * RATE)
        length = min(n - start, int(lasts * rng.uniform(0.8, 1.2) * RATE))
        sweep = np.linspace(0, 1, length)
        hertz = hertz0 * np.exp(0.5 * np.sin(np.pi * sweep) - 0.2 * sweep)
        pulses = 2 * (np.cumsum(hertz) / RATE % 1) - 1 + rng.uniform(0.1, 0.8) * rng.normal(size=length)
        call = resonance(pulses, log_uniform(rng, 400, 1000), 250) + 0.6 * resonance(
            pulses, log_uniform(rng, 1000, 2200), 350
        )
        sound[start : start + length] += call * fade(length, 0.02, lasts / 3)
        at += length / RATE + rng.uniform(0.1, 0.6)
    return sound


KINDS = {
    "quiet": quiet,
    "hum": hum,
    "wind": wind,
    "rain": rain,
    "traffic": traffic,
    "thuds": thuds,
    "squeaks": squeaks,
    "tones": tones,
    "music": music,
    "machine": machine,
    "animal": animal,
    "engine": engine,
}
BACKGROUNDS = ("quiet", "hum", "wind", "rain", "traffic", "machine")


def background(rng: Rng, n: int) -> Sound:
    """Of RMS 1, without anything that happens."""
    sound = KINDS[str(rng.choice(BACKGROUNDS))](rng, n)
    return sound / level(sound) * decibels(0)
