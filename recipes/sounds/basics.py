"""Noises, filters, envelopes, rooms. Sound is float64 (n,) at `RATE`, ±1 at most where it matters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

RATE = 16_000
Sound = NDArray[np.float64]
Rng = np.random.Generator


def log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def decibels(db: float) -> float:
    return 10 ** (db / 20)


def level(sound: Sound) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(sound**2)) + 1e-12)


def coloured(rng: Rng, n: int, slope: float) -> Sound:
    """Noise of RMS 1 whose power falls as frequency^-slope: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    spectrum *= np.maximum(frequency, 20.0) ** (-slope / 2)
    sound = np.fft.irfft(spectrum, n)
    return sound / level(sound)


def band(sound: Sound, low: float, high: float, order: int = 2) -> Sound:
    """Butterworth: what lies between, in Hz; 0 or half the rate leave that side open."""
    half = RATE / 2
    if low > 0:
        sound = sosfilt(butter(order, min(low, 0.95 * half), "high", fs=RATE, output="sos"), sound)
    if high < 0.97 * half:
        sound = sosfilt(butter(order, high, "low", fs=RATE, output="sos"), sound)
    return sound


def resonance(sound: Sound, hertz: float, wide: float) -> Sound:
    """A two-pole resonator of bandwidth ``wide``, 1 at its peak or so."""
    r = np.exp(-np.pi * wide / RATE)
    angle = 2 * np.pi * hertz / RATE
    gain = (1 - r) * np.sqrt(1 - 2 * r * np.cos(2 * angle) + r * r)
    return lfilter([gain], [1, -2 * r * np.cos(angle), r * r], sound)


def slow(rng: Rng, n: int, hertz: float) -> Sound:
    """A smooth random curve around 0 of deviation 1 that moves as fast as ``hertz``."""
    points = max(4, int(n / RATE * hertz * 2) + 4)
    return CubicSpline(np.arange(points), rng.normal(size=points))(np.linspace(0, points - 1, n))


def fade(n: int, attack: float, decay: float) -> Sound:
    """A note's envelope: from 0 to 1 in ``attack`` seconds, back in ``decay``."""
    time = np.arange(n) / RATE
    return np.clip(time / max(attack, 1e-3), 0, 1) * np.clip((n / RATE - time) / max(decay, 1e-3), 0, 1)


def in_parts(rng: Rng, sound: Sound) -> Sound:
    """Pieces of it with nothing in between, so near together that no second is without most of one."""
    period = rng.uniform(0.5, 0.95)
    share = rng.uniform(0.2, min(0.5, period - 0.1)) / period
    phase = (np.arange(len(sound)) / RATE / period + rng.uniform()) % 1
    edge = 0.01 / period
    return sound * np.clip(np.minimum(phase, share - phase) / edge, 0, 1)


def room(rng: Rng, sound: Sound) -> Sound:
    """As heard in some place: direct sound, early reflections, a diffuse end that loses its treble."""
    if rng.random() < 0.2:
        return sound
    seconds = log_uniform(rng, 0.15, 2.5)  # until 60 dB less
    n = int(min(seconds, 1.2) * RATE)
    time = np.arange(n) / RATE
    tail = rng.normal(size=n) * 10 ** (-3 * time / seconds)
    tail = band(tail, 100, log_uniform(rng, 2000, 7900), 1)
    for _ in range(int(rng.integers(0, 8))):
        tail[int(rng.integers(1, min(n, 1600)))] += rng.normal() * 3
    tail /= np.sqrt((tail**2).sum()) + 1e-9
    wet = fftconvolve(sound, tail)[: len(sound)]
    return sound + wet * decibels(rng.uniform(-18, 6))


def channel(rng: Rng, sound: Sound) -> Sound:
    """Through air, microphone and amplifier: band limits, a tilt, a resonance, clipping, bits, level, noise."""
    low = log_uniform(rng, 20, 350) if rng.random() < 0.7 else 0
    high = log_uniform(rng, 2400, 7900) if rng.random() < 0.65 else RATE / 2
    sound = band(sound, low, high, int(rng.integers(1, 5)))
    if rng.random() < 0.5:
        shelf = band(sound, 0, log_uniform(rng, 400, 3000), 1)
        sound = sound + shelf * rng.uniform(-0.6, 1.5)
    if rng.random() < 0.3:
        sound = sound + 0.7 * resonance(sound, log_uniform(rng, 300, 6000), log_uniform(rng, 100, 1500))
    loud = decibels(rng.uniform(-36, -3)) / (np.abs(sound).max() + 1e-9)
    sound = sound * loud
    if rng.random() < 0.1:
        top = decibels(rng.uniform(-14, -3)) * np.abs(sound).max()
        sound = np.clip(sound, -top, top)
    if rng.random() < 0.25:  # as old recordings have it
        steps = rng.uniform(60, 127) / np.abs(sound).max()
        sound = np.round(sound * steps) / steps
    if rng.random() < 0.15:
        return sound
    hiss = decibels(rng.uniform(-90, -52)) * coloured(rng, len(sound), rng.uniform(0, 1))
    return sound + hiss
