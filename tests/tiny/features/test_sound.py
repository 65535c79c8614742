"""Log-mel and MFCC: near the formula in float, and C with the very bits of numpy, here and on both boards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.needs import need
from tests.tiny.features.adapter import run_c
from tests.tiny.features.signals import edges
from touchline.tiny import toolchain
from touchline.tiny.features import LogMel, Mfcc
from touchline.tiny.features.sound import DB_A_DOUBLING
from touchline.types.errors import ConfigError, ShapeError

EXACT_DB, RANGE_DB = 0.02, 80.0
"""How far bands may be from the formula's, and how far below all that is in the row that holds."""


def formula(mel: LogMel, samples: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """librosa's melspectrogram(center=False, htk=True, norm=None), in float64: energies (rows, bands), and of all
    bins (rows, 1)."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(mel.window) / mel.window)
    first = -(-mel.window // mel.hop) * mel.hop
    frames = np.lib.stride_tricks.sliding_window_view(samples[first - mel.window :] / 32768, mel.window)[
        :: mel.hop
    ]
    power = np.abs(np.fft.rfft(frames * window, mel.fft)) ** 2
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (mel.low_hz, mel.high))
    corners = 700 * (10 ** (np.linspace(low, high, mel.bands + 2) / 2595) - 1)
    hz = np.arange(mel.fft // 2 + 1) * mel.rate / mel.fft
    rise = (hz - corners[:-2, None]) / (corners[1:-1, None] - corners[:-2, None])
    fall = (corners[2:, None] - hz) / (corners[2:, None] - corners[1:-1, None])
    return power @ np.maximum(0, np.minimum(rise, fall)).T, power.sum(1, keepdims=True)


def error_db(mel: LogMel, samples: NDArray[np.int16]) -> float:
    """The largest difference of decibels, of the bands that the promise is about."""
    energy, whole = formula(mel, samples)
    decibels = 10 * np.log10(np.maximum(energy, 1e-30))
    ours = mel.levels(samples) / 65536 * DB_A_DOUBLING
    promised = (energy > whole / 10 ** (RANGE_DB / 10)) & (decibels > mel.floor_db)
    return float(np.abs(ours - np.maximum(decibels, mel.floor_db))[promised].max(initial=0.0))


CONFIGS = {
    "default": LogMel(),
    "25 and 10 ms, 64 bands": LogMel(window=400, hop=160, fft=1024, bands=64, low_hz=60, high_hz=7600, frames=4),
    "odd, short": LogMel(rate=8000, window=101, hop=7, fft=128, bands=9, low_hz=100, high_hz=3500, scale=0.3),
    "no overlap": LogMel(window=256, hop=256, fft=256, bands=10, low_hz=0.0, zero_point=-128, frames=3),
    "long": LogMel(rate=48_000, window=2048, hop=512, fft=4096, bands=128, low_hz=50, floor_db=-150),
    "least": LogMel(window=2, hop=1, fft=8, bands=1),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_bands_are_the_formula_s(name: str) -> None:
    mel = CONFIGS[name]
    for kind, samples in edges(mel.window + 9 * mel.hop).items():
        assert error_db(mel, samples) < EXACT_DB, kind


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 32767),
    st.floats(0.002, 0.498),
    st.floats(0, 1000),
    st.integers(0, 2**32 - 1),
)
def test_bands_are_the_formula_s_at_any_level(peak: int, pitch: float, noise: float, seed: int) -> None:
    at = np.arange(2000)
    sound = peak * np.sin(2 * np.pi * pitch * at) + np.random.default_rng(seed).normal(0, noise, 2000)
    assert error_db(LogMel(), np.clip(np.rint(sound), -32768, 32767).astype(np.int16)) < EXACT_DB


def test_int8_is_decibels_in_the_steps_that_were_asked_for() -> None:
    mel = LogMel()
    samples = edges(16_000)["sine in noise"]
    decibels = 10 * np.log10(formula(mel, samples)[0])
    ours = (mel.compute(samples).astype(float) - mel.zero_point) * mel.scale
    inside = (decibels > -79) & (decibels < 47)
    assert np.abs(ours - decibels)[inside].max() < mel.scale / 2 + EXACT_DB
    assert inside.mean() > 0.9


def test_silence_is_the_floor() -> None:
    assert (LogMel().compute(np.zeros(16_000, np.int16)) == -128).all()
    assert (LogMel(floor_db=-20).compute(np.zeros(16_000, np.int16)) == -20 / 0.5 + 32).all()


def test_mfcc_is_scipy_s_transform_of_the_decibels() -> None:
    mfcc = Mfcc(LogMel(), coefficients=13, scale=2.0)
    compared = 0
    for kind, samples in edges(4800).items():
        energy, whole = formula(mfcc.mel, samples)
        decibels = np.maximum(10 * np.log10(np.maximum(energy, 1e-30)), mfcc.mel.floor_db)
        if not (energy >= whole / 10 ** (RANGE_DB / 10)).all():
            continue  # such bands are not promised
        wanted = scipy.fft.dct(decibels, type=2, norm="ortho")[:, :13] / mfcc.scale
        inside = np.abs(wanted) < 126
        assert np.abs(mfcc.compute(samples) - wanted)[inside].max() < 0.5 + 0.02, kind
        compared += 1
    assert compared > 5


@pytest.mark.parametrize("name", CONFIGS)
def test_c_gives_the_same_bits_under_sanitisers(tmp_path: Path, name: str) -> None:
    need("cc")
    mel = CONFIGS[name]
    samples = np.concatenate(list(edges(mel.window + 12 * mel.hop).values()))
    made, _ = run_c(mel, samples, tmp_path, "host", ("-O1", *toolchain.SANITISERS))
    np.testing.assert_array_equal(made, mel.inputs(samples))


@pytest.mark.parametrize("name", ["default", "odd, short"])
def test_mfcc_in_c_gives_the_same_bits_under_sanitisers(tmp_path: Path, name: str) -> None:
    need("cc")
    mfcc = Mfcc(CONFIGS[name], coefficients=9, scale=0.5)
    samples = np.concatenate(list(edges(mfcc.mel.window + 12 * mfcc.mel.hop).values()))
    made, _ = run_c(mfcc, samples, tmp_path, "host", ("-O1", *toolchain.SANITISERS))
    np.testing.assert_array_equal(made, mfcc.inputs(samples))


def test_c_gives_the_same_bits_in_steps_so_fine_that_each_rounding_shows(tmp_path: Path) -> None:
    need("cc")
    mel = LogMel(scale=0.05, zero_point=0)
    samples = np.rint(np.random.default_rng(1).normal(0, 1000, 400 * mel.hop)).astype(np.int16)
    rows = mel.inputs(samples)
    assert (np.abs(rows.astype(int)) < 127).mean() > 0.8
    made, _ = run_c(mel, samples, tmp_path, "host", ("-O1", *toolchain.SANITISERS))
    np.testing.assert_array_equal(made, rows)


@pytest.mark.parametrize("core", toolchain.CORES)
@pytest.mark.parametrize("features", [LogMel(), Mfcc(LogMel(window=400, hop=160, frames=3))], ids=["mel", "mfcc"])
def test_c_gives_the_same_bits_on_boards(tmp_path: Path, core: str, features: LogMel | Mfcc) -> None:
    need("arm-none-eabi-gcc", "qemu-system-arm")
    mel = features if isinstance(features, LogMel) else features.mel
    samples = np.concatenate(list(edges(mel.window + 3 * mel.hop).values()))
    made, instructions = run_c(features, samples, tmp_path, f"qemu:{core}")  # type: ignore[arg-type]
    np.testing.assert_array_equal(made, features.inputs(samples))
    assert instructions is not None
    assert instructions / (len(samples) // mel.hop) < 60_000, "what the guide promises"


def test_rows_come_once_a_window_is_full() -> None:
    mel = LogMel(window=480, hop=320)
    assert mel.compute(np.zeros(639, np.int16)).shape == (0, 40)
    assert mel.compute(np.zeros(640, np.int16)).shape == (1, 40)
    assert mel.compute(np.zeros(16_000, np.int16)).shape == (49, 40)
    assert replace(mel, frames=49).inputs(np.zeros(16_320, np.int16)).shape == (2, 49, 40)
    assert replace(mel, frames=49).inputs(np.zeros(15_000, np.int16)).shape == (0, 49, 40)


def test_a_long_recording_is_the_same_in_parts() -> None:
    mel = LogMel(window=64, hop=16, fft=64, bands=6, low_hz=100)
    samples = edges(16 * 1300)["loudest noise"]
    rows = mel.compute(samples)
    np.testing.assert_array_equal(rows[600:], mel.compute(samples[16 * 600 :]))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"fft": 500}, "power of two"),
        ({"window": 600}, "window 600"),
        ({"hop": 0}, "hop 0"),
        ({"bands": 128}, "no bin"),
        ({"high_hz": 9000.0}, "no range"),
        ({"low_hz": 5000.0, "high_hz": 4000.0}, "no range"),
        ({"scale": 0.0}, "scale 0.0"),
        ({"scale": float("nan")}, "scale nan"),
        ({"scale": 1e-7}, "too fine"),
        ({"zero_point": 128}, "zero_point 128"),
        ({"frames": 0}, "frames 0"),
        ({"floor_db": float("nan")}, "floor_db nan"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(change: dict[str, float], what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        replace(LogMel(), **change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("samples", [np.zeros(9), np.zeros((9, 2), np.int16)])
def test_other_arrays_are_refused(samples: NDArray[np.int16]) -> None:
    with pytest.raises(ShapeError, match="int16"):
        LogMel().compute(samples)


@pytest.mark.parametrize("name", ["Ears", "9lives", "touchline_sound", "a b", ""])
def test_names_that_c_cannot_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        LogMel().write_c(tmp_path, name)
    assert not list(tmp_path.iterdir())
