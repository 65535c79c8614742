"""Made sounds are what they are called, and the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.sounds import speech
from recipes.sounds.basics import RATE, Rng, channel, in_parts, level, room
from recipes.sounds.crowd import Crowd
from recipes.sounds.other import KINDS, background
from recipes.sounds.whistle import blasts, some_whistle

N = 2 * RATE


def people() -> list[np.ndarray]:
    """Two throats that hum a vowel or so."""
    time = np.arange(RATE) / RATE
    return [np.sign(np.sin(2 * np.pi * hertz * time)) * np.sin(2 * np.pi * 3 * time) for hertz in (110, 190)]


def peak_hertz(sound: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound))


@pytest.mark.parametrize("seed", range(8))
def test_a_whistle_sounds_its_chamber_and_its_pea(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whistle = some_whistle(rng)
    sound = blasts(rng, whistle, N)
    assert 0.8 * min(whistle.tones) < peak_hertz(sound) < 1.15 * max(whistle.tones)
    # No half second is silent: wherever a window lies, there is something to learn.
    parts = np.sqrt((sound[: N // 8000 * 8000].reshape(-1, 8000) ** 2).mean(1))
    assert (parts > 0.05 * parts.max()).all()


def test_applause_is_bursts_and_cheering_is_not() -> None:
    crowd = Crowd(np.random.default_rng(1), people(), voices=6)

    def burstiness(sound: np.ndarray) -> float:
        """Greatest energy of 2 ms over the mean of 100 ms around it."""
        energy = (sound.reshape(-1, 50, 32) ** 2).mean(2)
        return float(np.median(energy.max(1) / energy.mean(1)))

    clapped = [burstiness(crowd.applause(np.random.default_rng(seed), N)) for seed in range(10)]
    shouted = [burstiness(crowd.cheering(np.random.default_rng(seed), N)) for seed in range(10)]
    assert np.median(clapped) > 1.5 * np.median(shouted)


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_sound_is_some_sound(kind: str) -> None:
    for seed in range(3):
        sound = KINDS[kind](np.random.default_rng(seed), N)
        assert sound.shape == (N,)
        assert np.isfinite(sound).all()
        assert level(sound) > 0


def test_the_same_seed_makes_the_same_sound() -> None:
    def made(rng: Rng) -> np.ndarray:
        crowd = Crowd(rng, people(), voices=4)
        mixed = blasts(rng, some_whistle(rng), N) + crowd.cheering(rng, N) + background(rng, N)
        return channel(rng, room(rng, in_parts(rng, mixed)))

    one, same, other = (made(np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01
    assert np.isfinite(one).all()


def test_no_second_is_without_a_piece() -> None:
    for seed in range(20):
        whole = in_parts(np.random.default_rng(seed), np.ones(N))
        heard = [whole[at : at + RATE].mean() for at in range(0, N - RATE + 1, 800)]
        assert min(heard) > 0.1


def test_speech_fills_the_time() -> None:
    said = speech.talk(np.random.default_rng(2), people(), N)
    assert said.shape == (N,)
    assert level(said[RATE // 2 :]) > 0.3 * level(said)
