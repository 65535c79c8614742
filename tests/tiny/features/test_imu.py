"""Motion: what registers mean, and C with the very bits of numpy, here and on both boards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.needs import need
from tests.tiny.features.adapter import run_c
from touchline.tiny import toolchain
from touchline.tiny.features import ImuWindow
from touchline.types.errors import ConfigError, ShapeError

CONFIGS = {
    "default": ImuWindow(length=20, hop=7),
    "without gravity": ImuWindow(length=20, hop=20, gravity_shift=6, zero_point=-5),
    "quick gravity": ImuWindow(length=5, hop=1, gravity_shift=1, scale=1 / 100),
    "slow gravity": ImuWindow(length=5, hop=5, gravity_shift=15),
    "accelerometer": ImuWindow(length=3, hop=2, gyro_lsb=0, gravity_shift=3),
    "gyroscope": ImuWindow(length=1, hop=1, accel_lsb=0, gravity_shift=3),
    "saturating": ImuWindow(length=4, hop=4, accel_range=0.5, gyro_range=20.0, gravity_shift=2),
}


def motion(count: int, axes: int, seed: int = 0) -> NDArray[np.int16]:
    """Still, shaken, at the ends of the register's range and jumping between them."""
    rng = np.random.default_rng(seed)
    parts = [
        np.tile([0, 0, 4096, 3, -2, 1][:axes], (count, 1)),
        rng.normal(0, 6000, (count, axes)),
        np.full((count, axes), -32768),
        np.full((count, axes), 32767),
        rng.choice([-32768, 32767], (count, axes)),
        rng.integers(-32768, 32768, (count, axes)),
    ]
    return np.clip(np.rint(np.concatenate(parts)), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("target", ["host", *(f"qemu:{core}" for core in toolchain.CORES)])
def test_c_gives_the_same_bits(tmp_path: Path, name: str, target: toolchain.Target) -> None:
    imu = CONFIGS[name]
    if target == "host":
        need("cc")
    elif name not in ("default", "without gravity"):
        return
    else:
        need("arm-none-eabi-gcc", "qemu-system-arm")
    samples = motion(40, imu.axes)
    made, _ = run_c(imu, samples, tmp_path, target, ("-O1", *toolchain.SANITISERS) if target == "host" else ())
    np.testing.assert_array_equal(made, imu.compute(samples))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1 / 128, 0.01, 0.002]), st.integers(-100, 100))
def test_int8_is_the_part_of_the_range(seed: int, scale: float, zero_point: int) -> None:
    imu = ImuWindow(length=1, hop=1, scale=scale, zero_point=zero_point)
    samples = motion(20, 6, seed)
    real = samples * np.array([1 / 4096 / 8.0] * 3 + [1 / 16.4 / 1000.0] * 3)
    wanted = np.clip(real / scale + zero_point, -128, 127)
    assert np.abs(imu.compute(samples)[:, 0] - wanted).max() <= 0.5 + 1e-4


def test_gravity_is_taken_out_of_the_accelerometer_alone() -> None:
    still = np.tile(np.array([500, -700, 4000, 90, 80, 70], np.int16), (300, 1))
    imu = ImuWindow(length=300, hop=300, gravity_shift=5)
    (window,) = imu.compute(still)
    assert (window[:, :3] == 0).all(), "also at the first sample: it begins there"
    assert (window[:, 3:] == replace(imu, gravity_shift=0).compute(still)[0, :, 3:]).all()
    turned = np.concatenate([still, still[:, [2, 0, 1, 3, 4, 5]]])
    windows = replace(imu, length=20, hop=1).compute(turned)
    assert np.abs(windows[301 - 20, -1, :3]).max() > 5
    assert np.abs(windows[-1, :, :3]).max() <= 1, "nine time constants later"


def test_windows_slide() -> None:
    samples = np.arange(60, dtype=np.int16).reshape(10, 6) * 500
    imu = ImuWindow(length=4, hop=3)
    windows, rows = imu.compute(samples), replace(imu, length=1, hop=1).compute(samples)[:, 0]
    assert windows.shape == (3, 4, 6)
    for index, window in enumerate(windows):
        np.testing.assert_array_equal(window, rows[3 * index : 3 * index + 4])
    assert imu.compute(samples[:3]).shape == (0, 4, 6)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"length": 0}, "length 0"),
        ({"hop": 101}, "hop 101"),
        ({"gravity_shift": 16}, "gravity_shift 16"),
        ({"accel_lsb": 0.0, "gyro_lsb": 0.0}, "neither"),
        ({"accel_lsb": 9.0}, "accel_lsb 9.0"),
        ({"gyro_range": 0.0}, "gyro_range 0.0"),
        ({"gyro_range": float("nan")}, "gyro_range nan"),
        ({"scale": -1.0}, "scale -1.0"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(change: dict[str, float], what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        replace(ImuWindow(), **change)
    assert "\n" not in str(caught.value)


def test_other_arrays_are_refused() -> None:
    for samples in (np.zeros((4, 6)), np.zeros((4, 3), np.int16), np.zeros(6, np.int16)):
        with pytest.raises(ShapeError, match="int16"):
            ImuWindow().compute(samples)
