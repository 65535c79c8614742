"""What a pair of track and box costs, and who hides whom, against the formulas box by box."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_t

from touchline.vision.track_association import Floats, Pairs, cover

TAIL = 7.0
sizes = st.integers(0, 6)
seeds = st.integers(0, 2**32 - 1)


def some_boxes(rng: np.random.Generator, count: int) -> Floats:
    """Centre x, y, width, height of people so near each other that some overlap."""
    return np.concatenate([rng.uniform(0, 200, (count, 2)), rng.uniform((10, 40), (60, 160), (count, 2))], axis=1)


def shared(a: Floats, b: Floats) -> float:
    """Area of two boxes' common part, by their edges."""
    low = np.maximum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    high = np.minimum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2)
    return float(np.maximum(high - low, 0).prod())


def expected_cost(x: Floats, variance: Floats, box: Floats, prior: float, worth: float) -> float:
    """By SciPy's density, whose constant and whose unit, px, are not the tracker's: box heights without one."""
    density = multivariate_t(x, np.diag(variance), df=TAIL)
    constant = density.logpdf(x) + 0.5 * log(variance.prod())
    common = shared(x, box)
    overlap = common / (x[2] * x[3] + box[2] * box[3] - common)
    return constant - density.logpdf(box) - 4 * log(x[3]) + prior - worth * overlap


@given(tracks=sizes, found=sizes, seed=seeds, worth=st.sampled_from([0.0, 1.0]))
def test_a_pair_costs_its_log_likelihood_wherever_the_camera_has_moved(
    tracks: int, found: int, seed: int, worth: float
) -> None:
    rng = np.random.default_rng(seed)
    everybody, boxes = some_boxes(rng, tracks + 2), some_boxes(rng, found)
    live = np.sort(rng.permutation(tracks + 2)[:tracks])
    variance, measured = rng.uniform(1, 400, (tracks, 4)), rng.uniform(1, 40, (found, 4))
    prior = rng.normal(size=tracks)
    pairs = Pairs(live, everybody[live], variance, boxes, measured, prior, worth, TAIL)
    for moved in ((0.0, 0.0), (35.0, -12.0)):
        x = np.add(everybody, (*moved, 0.0, 0.0))
        match = pairs.match(x)
        expected = [
            [
                expected_cost(x[row], variance[k] + measured[d], boxes[d], prior[k], worth)
                for d in range(len(boxes))
            ]
            for k, row in enumerate(live)
        ]
        assert match.cost == pytest.approx(np.reshape(expected, (tracks, found)), abs=1e-9)
        assert (match.cost[match.places, match.columns] < 0).all()
        assert match.rows.tolist() == live[match.places].tolist()
        assert len(set(match.columns.tolist())) == len(match.columns)


@given(count=sizes, seed=seeds)
def test_whoever_stands_lower_hides_the_other(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, there = some_boxes(rng, count), rng.random(count) < 0.7
    expected = [
        max(
            (
                shared(box, other) / (box[2] * box[3])
                for other, present in zip(boxes, there, strict=True)
                if present and other[1] + other[3] / 2 > box[1] + box[3] / 2
            ),
            default=0.0,
        )
        for box in boxes
    ]
    assert cover(boxes, there) == pytest.approx(np.array(expected))
