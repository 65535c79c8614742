"""The closed forms against the matrices they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from touchline.vision.track_config import MotionConfig
from touchline.vision.track_motion import SMALLEST_PX, Bank, CommonMotion, Motion

CONFIG = MotionConfig(
    noise=(0.1, 0.2, 0.05, 0.03),
    speed=(1.0, 0.5),
    memory=0.8,
    sway=(0.06, 0.05),
    sway_memory=(0.2, 0.3),
    growth=(0.1, 0.07),
    jerk=(0.01, 0.02, 0.03, 0.04),
)
BOX = np.array([[300.0, 200.0, 40.0, 100.0]])


def started() -> tuple[Motion, Bank]:
    motion, bank = Motion(CONFIG), Bank()
    motion.start(bank, BOX)
    bank.v[:] = [[120.0, -30.0, 5.0, -4.0]]
    bank.pv[:] = 0.2 * np.sqrt(bank.pp * bank.vv)
    return motion, bank


def covariance(bank: Bank, axis: int) -> np.ndarray:
    return np.array([[bank.pp[0, axis], bank.pv[0, axis]], [bank.pv[0, axis], bank.vv[0, axis]]])


@pytest.mark.parametrize("dt", [0.001, 0.04, 0.2, 1.0])
@pytest.mark.parametrize("axis", range(4))
def test_prediction_is_the_exact_discretisation(dt: float, axis: int) -> None:
    """Van Loan's method for the same linear system."""
    motion, bank = started()
    before, state = covariance(bank, axis), np.array([bank.x[0, axis], bank.v[0, axis]])
    if axis < 2:
        tau, sigma = CONFIG.memory, CONFIG.speed[axis] * 100.0
        drive = np.diag([0, 2 * sigma**2 / tau])
    else:  # size = mean + sway, speed = -sway / tau
        tau, sway, growth = (these[axis - 2] for these in (CONFIG.sway_memory, CONFIG.sway, CONFIG.growth))
        off = np.array([1, -1 / tau])
        drive = 2 * (sway * 100.0) ** 2 / tau * np.outer(off, off) + np.diag([(growth * 100.0) ** 2, 0])
    drift = np.array([[0, 1], [0, -1 / tau]])
    block = expm(np.block([[-drift, drive], [np.zeros((2, 2)), drift.T]]) * dt)
    step = block[2:, 2:].T
    grown = step @ before @ step.T + step @ block[:2, 2:]
    grown[0, 0] += (CONFIG.jerk[axis] * 100.0) ** 2
    motion.predict(dt, bank)
    assert covariance(bank, axis) == pytest.approx(grown, rel=1e-6, abs=1e-6)
    assert [bank.x[0, axis], bank.v[0, axis]] == pytest.approx((step @ state).tolist())


@pytest.mark.parametrize("axis", range(4))
def test_correction_is_kalmans(axis: int) -> None:
    motion, bank = started()
    before, state = covariance(bank, axis), np.array([bank.x[0, axis], bank.v[0, axis]])
    seen = BOX + np.array([[7.0, -3.0, 2.0, 1.0]])
    noise = (CONFIG.noise[axis] * seen[0, (2, 3, 2, 3)[axis]]) ** 2
    gain = before[:, 0] / (before[0, 0] + noise)
    motion.correct(bank, np.array([0]), seen)
    assert [bank.x[0, axis], bank.v[0, axis]] == pytest.approx(
        (state + gain * (seen[0, axis] - state[0])).tolist()
    )
    assert covariance(bank, axis) == pytest.approx(before - np.outer(gain, before[0]))


def test_no_box_shrinks_below_the_smallest() -> None:
    motion, bank = started()
    bank.v[:, 2:] = -1e6
    motion.predict(0.2, bank)
    assert (bank.x[:, 2:] == SMALLEST_PX).all()


def test_a_size_comes_back_to_what_it_mostly_was() -> None:
    """Who stretched both arms when last seen is expected as wide as before, with little doubt, a second later."""
    motion, bank = Motion(MotionConfig()), Bank()
    motion.start(bank, BOX)
    everybody = np.array([0])
    for _ in range(50):
        motion.predict(0.2, bank)
        motion.correct(bank, everybody, BOX)
    motion.predict(0.2, bank)
    motion.correct(bank, everybody, BOX * (1, 1, 1.6, 1))
    assert bank.x[0, 2] > 56
    for _ in range(25):
        motion.predict(0.04, bank)
    assert bank.x[0, 2] < 50
    assert (np.sqrt(bank.pp[0, 2:]) < 15).all()


def test_told_movement_leaves_a_covariance() -> None:
    motion, bank = Motion(MotionConfig()), Bank()
    motion.start(bank, BOX)
    everybody = np.array([0])
    for _ in range(10):
        for _ in range(4):
            before = bank.copy()
            motion.predict(0.04, bank)
            motion.follow(bank, everybody, before, np.zeros((1, 4)), 0.04, np.zeros(2))
            assert (bank.pv**2 <= bank.pp * bank.vv).all()
        motion.predict(0.04, bank)
        motion.correct(bank, everybody, BOX)
        assert (bank.pv**2 <= bank.pp * bank.vv).all()


@pytest.mark.parametrize(("times", "least", "most"), [(1.0, 1.0, 1.5), (2.0, 3.0, 5.0)])
def test_a_rougher_detector_is_found_out(times: float, least: float, most: float) -> None:
    """Standing people, boxes with ``times`` the configured noise: the variance found is its square."""
    rng = np.random.default_rng(1)
    motion, bank = Motion(MotionConfig()), Bank()
    truth = np.tile([[300.0, 200.0, 40.0, 100.0]], (10, 1))
    sides = truth[:, (2, 3, 2, 3)]
    motion.start(bank, truth)
    for _ in range(300):
        motion.predict(0.04, bank)
        seen = truth + rng.normal(size=(10, 4)) * times * 0.032 * sides
        motion.learn(bank, np.arange(10), seen)
        motion.correct(bank, np.arange(10), seen)
    found = float(motion.measured(truth)[0, 3] / (0.032 * 100) ** 2)
    assert least - 1e-9 <= found <= most


def test_the_common_motion_is_the_middle_one_and_is_remembered_as_speed() -> None:
    camera = CommonMotion(MotionConfig())
    for _ in range(20):
        expected = camera.step(0.04)
        missed = np.array([[8.0, -2.0]] * 6 + [[90.0, 90.0]]) - expected
        camera.correct(missed, 0.0001)
    assert camera.speed == pytest.approx([200, -50], rel=0.02)
    assert camera.step(0.04) == pytest.approx([8, -2], rel=0.02)


def test_the_common_speed_does_not_depend_on_how_many_steps_were_made_between_two_looks() -> None:
    speeds: list[float] = []
    for steps in (1, 5):
        camera, moved = CommonMotion(MotionConfig()), 0.0
        for k in range(1, 40):
            moved += sum(float(camera.step(0.2 / steps)[0]) for _ in range(steps))
            moved += float(camera.correct(np.array([[10.0 * k - moved, 0.0]] * 6), 0.001)[0])
        speeds.append(float(camera.speed[0]))
    assert speeds == pytest.approx([50, 50], rel=0.01)
