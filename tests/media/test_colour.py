"""Colours there and back, against the formulas of ITU-R BT.601 and BT.709."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchline.media.colour import frame_from_rgb, rgb_from_frame
from touchline.types import Frame, ShapeError

COLOUR = st.tuples(*[st.integers(0, 255)] * 3)


def ycc(rgb: tuple[int, ...], *, bt709: bool, full: bool) -> list[float]:
    """BT.709 3.2–3.4 and BT.601 2.5: luma weights, colour differences, quantisation."""
    kr, kb = (0.2126, 0.0722) if bt709 else (0.299, 0.114)
    r, g, b = (value / 255 for value in rgb)
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    if full:
        return [255 * y, 128 + 255 * cb, 128 + 255 * cr]
    return [16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr]


@settings(deadline=None)
@given(COLOUR, st.integers(2, 40), st.integers(2, 40))
def test_rgb_becomes_bt709_limited(rgb: tuple[int, ...], width: int, height: int) -> None:
    frame = frame_from_rgb(np.full((height, width, 3), rgb, np.uint8), 42)
    assert (frame.pts, frame.bt709, frame.full_range) == (42, True, False)
    for plane, wanted in zip((frame.y, frame.u, frame.v), ycc(rgb, bt709=True, full=False), strict=True):
        assert np.abs(plane - wanted).max() < 2.5


@settings(deadline=None)
@given(COLOUR, st.booleans(), st.booleans(), st.integers(2, 40), st.integers(2, 40))
def test_any_frame_becomes_its_rgb(rgb: tuple[int, ...], bt709: bool, full: bool, width: int, height: int) -> None:
    y, u, v = np.round(ycc(rgb, bt709=bt709, full=full)).clip(0, 255).astype(np.uint8)
    chroma = ((height + 1) // 2, (width + 1) // 2)
    planes: list[NDArray[np.uint8]] = [np.full((height, width), y), np.full(chroma, u), np.full(chroma, v)]
    image = rgb_from_frame(Frame(0, *planes, bt709=bt709, full_range=full))
    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - rgb).max() <= 5


@pytest.mark.parametrize(("aspect", "size"), [(16 / 11, (128, 66)), (0.75, (88, 88)), (1.0, (88, 66))])
def test_people_get_square_pixels(aspect: float, size: tuple[int, int]) -> None:
    y = np.full((66, 88), 16, np.uint8)
    y[:, 44:] = 235
    grey = np.full((33, 44), 128, np.uint8)
    image = rgb_from_frame(Frame(0, y, grey, grey, sample_aspect=aspect))
    assert image.shape == (size[1], size[0], 3)
    assert (image[:, : size[0] // 2 - 2] < 3).all()
    assert (image[:, size[0] // 2 + 2 :] > 252).all()


def test_a_picture_survives_there_and_back() -> None:
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    image = np.stack([np.tile(ramp, (48, 1)), np.tile(ramp[::-1], (48, 1)), np.full((48, 64), 90, np.uint8)], 2)
    back = rgb_from_frame(frame_from_rgb(image, 0))
    assert np.abs(back.astype(int) - image).mean() < 4


def test_views_are_taken_as_they_are() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, :15] = 255
    frame = frame_from_rgb(image[:, ::-1], 0)
    assert frame.y[10, 2] < 30
    assert frame.y[10, 27] > 220


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(image: NDArray[np.uint8]) -> None:
    with pytest.raises(ShapeError):
        frame_from_rgb(image, 0)
