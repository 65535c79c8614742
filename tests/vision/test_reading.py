"""What the detector makes of a network's word: one box for one person, at the width it was told to look."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.bright_square import confidence, write_square_detector
from tests.vision.test_detect import constant_model
from touchline.types import Frame
from touchline.vision.detect import load_detector


def test_a_person_found_twice_is_one_person(tmp_path: Path) -> None:
    output = np.zeros((1, 6, 5), np.float32)
    output[0, :, 0] = [20, 30, 16, 40, 0.7, 0]
    output[0, :, 1] = [21, 30, 16, 40, 0.9, 0]  # the same, and surer
    output[0, :, 2] = [48, 30, 16, 40, 0.6, 0]  # another
    output[0, :, 3] = [21, 30, 16, 40, 0, 0.5]  # a ball before the first
    (tmp_path / "m.toml").write_text('decode = "ultralytics"\nlabels = ["player", "ball"]\n')
    detector = load_detector(constant_model(tmp_path / "m.onnx", [output]))
    grey = np.full((64, 64), 100, np.uint8)
    found = detector.detect(Frame(0, grey, grey[::2, ::2], grey[::2, ::2]))
    labels = [found.labels[kind] for kind in found.classes]
    assert list(zip(found.scores.round(3).tolist(), labels, strict=True)) == [
        (pytest.approx(0.9), "player"),
        (pytest.approx(0.6), "player"),
        (pytest.approx(0.5), "ball"),
    ]


def test_a_new_width_counts_from_the_next_picture_on(tmp_path: Path) -> None:
    detector = load_detector(write_square_detector(tmp_path / "square.onnx"))
    luma = np.full((180, 320), 60, np.uint8)
    luma[64:112, 80:128] = 220
    half = np.full((90, 160), 128, np.uint8)
    for width in (320, 192, 256, 320):
        detector.set_width(width)
        found = detector.detect(Frame(0, luma, half, half))
        assert found.scores.tolist() == [pytest.approx(confidence(width), abs=1e-4)]
        assert found.boxes[0].tolist() == pytest.approx([80, 64, 128, 112], abs=2.5)
