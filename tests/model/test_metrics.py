"""Average precision against pycocotools 2.0.11, which gave the numbers below for these scenes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from touchline.model.metrics import average_precision, iou

Scene = tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]


def scene(seed: int) -> Scene:
    """Twelve pictures: boxes found a little off, some missed, one twice, some false."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(12):
        count = int(rng.integers(0, 9))
        corner = rng.uniform(0, 300, (count, 2))
        real = np.concatenate([corner, corner + rng.uniform(10, 60, (count, 2))], 1).astype(np.float32)
        seen = real[rng.random(count) < 0.85]
        seen = seen + rng.normal(0, 4, seen.shape)
        extra = int(rng.integers(0, 5))
        corner = rng.uniform(0, 300, (extra, 2))
        false = np.concatenate([corner, corner + rng.uniform(10, 60, (extra, 2))], 1)
        boxes = np.concatenate([seen, seen[:1] + 2, false]).astype(np.float32)
        truth.append(real)
        found.append((boxes, rng.uniform(0.05, 1, len(boxes)).astype(np.float32)))
    return found, truth


@pytest.mark.parametrize(
    ("seed", "least", "golden"),
    [
        (1, 0.5, 0.5023192277311207),
        (1, 0.75, 0.07217199980867652),
        (2, 0.5, 0.41755887356561977),
        (2, 0.75, 0.043394571447376726),
        (3, 0.5, 0.6030139418619304),
        (3, 0.75, 0.10452887394002558),
    ],
)
def test_as_coco(seed: int, least: float, golden: float) -> None:
    assert average_precision(*scene(seed), least) == pytest.approx(golden, abs=1e-9)


def test_ends() -> None:
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    box = np.array([[0, 0, 10, 10]], np.float32)
    assert math.isnan(average_precision([nothing], [nothing[0]]))
    assert average_precision([nothing], [box]) == 0
    assert average_precision([(box, np.ones(1, np.float32))], [box]) == 1


def test_iou() -> None:
    a = np.array([[0, 0, 2, 2], [0, 0, 0, 0]], np.float32)
    b = np.array([[1, 1, 3, 3], [0, 0, 2, 1], [5, 5, 6, 6]], np.float32)
    assert iou(a, b) == pytest.approx(np.array([[1 / 7, 1 / 2, 0], [0, 0, 0]]))
