"""Planes to a network's input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.types import Frame
from touchline.vision.prepare import Fit, blocks, colours, fit_fixed, fit_free, shrink


def flat(y: int, u: int, v: int, *, size: tuple[int, int] = (64, 32), **flags: bool) -> Frame:
    width, height = size
    chroma = ((height + 1) // 2, (width + 1) // 2)
    planes = np.full((height, width), y, np.uint8), np.full(chroma, u, np.uint8), np.full(chroma, v, np.uint8)
    return Frame(0, *planes, **flags)


# Colour bars of ITU-R BT.709 and BT.601, 8 bit, worked out by the Recommendations' own equations.
@pytest.mark.parametrize(
    ("yuv", "flags", "rgb"),
    [
        ((63, 102, 240), {"bt709": True}, (255, 0, 0)),
        ((173, 42, 26), {"bt709": True}, (0, 255, 0)),
        ((32, 240, 118), {"bt709": True}, (0, 0, 255)),
        ((81, 90, 240), {"bt709": False}, (255, 0, 0)),
        ((145, 54, 34), {"bt709": False}, (0, 255, 0)),
        ((235, 128, 128), {"bt709": True}, (255, 255, 255)),
        ((16, 128, 128), {"bt709": False}, (0, 0, 0)),
        ((76, 85, 255), {"bt709": False, "full_range": True}, (255, 0, 0)),
    ],
)
def test_colours_follow_matrix_and_range(yuv: tuple, flags: dict, rgb: tuple) -> None:
    fit = fit_fixed((64, 32), (64, 32))
    picture = colours(flat(*yuv, **flags), fit, bgr=False, rim=0)
    assert np.abs(picture.astype(int) - rgb).max() <= 2
    reverse = colours(flat(*yuv, **flags), fit, bgr=True, rim=0)
    assert (reverse[..., ::-1] == picture).all()


def test_the_rim_lies_right_and_below() -> None:
    picture = colours(flat(235, 128, 128, size=(64, 32)), fit_fixed((64, 32), (96, 96)), bgr=True, rim=114)
    assert (picture[:48] == 255).all()
    assert (picture[48:] == 114).all()


def test_blocks_keep_every_pixel_in_its_place() -> None:
    y = np.arange(16 * 32, dtype=np.uint16).reshape(16, 32).astype(np.uint8)
    u, v = np.full((8, 16), 90, np.uint8), np.full((8, 16), 200, np.uint8)
    out = np.zeros((6, 16, 16), np.uint8)
    blocks(Frame(0, y, u, v), Fit((32, 32), (32, 16), (1.0, 1.0)), out)
    assert (out[0, :8] == y[::2, ::2]).all()
    assert (out[1, :8] == y[::2, 1::2]).all()
    assert (out[2, :8] == y[1::2, ::2]).all()
    assert (out[3, :8] == y[1::2, 1::2]).all()
    assert (out[4, :8] == 90).all()
    assert (out[5, :8] == 200).all()
    assert (out[:, 8:] == 128).all()


def test_full_range_is_brought_to_video_range() -> None:
    out = np.zeros((6, 16, 32), np.uint8)
    blocks(flat(255, 255, 0, full_range=True), Fit((64, 32), (64, 32), (1.0, 1.0)), out)
    assert (out[:4] == 235).all()
    assert (out[4] == 240).all()
    assert (out[5] == 16).all()


@given(st.integers(2, 5000), st.integers(2, 5000), st.integers(64, 2000))
def test_every_shape_costs_the_same_and_keeps_its_aspect(width: int, height: int, analysis: int) -> None:
    fit = fit_free((width, height), analysis, 32)
    for size, content in zip(fit.size, fit.content, strict=True):
        assert size % 32 == 0
        assert size - 32 < content <= size
    wanted = analysis * (9 / 16 * width / height) ** 0.5
    assert abs(fit.content[0] - wanted) <= 2
    assert fit.scale == (width / fit.content[0], height / fit.content[1])


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(32, 640), st.integers(32, 640))
def test_a_fixed_input_holds_the_whole_picture(width: int, height: int, wide: int, high: int) -> None:
    fit = fit_fixed((width, height), (wide, high))
    assert 2 <= fit.content[0] <= wide
    assert 2 <= fit.content[1] <= high
    assert wide - fit.content[0] < 1 or high - fit.content[1] < 1


@given(st.integers(300, 2000), st.integers(300, 2000), st.floats(0.25, 4))
def test_what_is_looked_at_has_the_proportions_of_the_place(width: int, height: int, aspect: float) -> None:
    for fit in (fit_free((width, height), 960, 32, aspect), fit_fixed((width, height), (640, 640), aspect)):
        wide, high = fit.content
        assert abs(wide - high * width * aspect / height) <= 2 + 2 * width * aspect / height
        assert fit.scale == (width / wide, height / high)


@given(st.integers(2, 300), st.integers(2, 300), st.integers(2, 300), st.integers(2, 300))
def test_shrink_gives_the_size_asked_for(width: int, height: int, wide: int, high: int) -> None:
    plane = np.full((height, width), 77, np.uint8)
    small = shrink(plane, (wide, high))
    assert small.shape == (high, wide)
    assert (small == 77).all()


def test_shrink_is_as_clean_as_averaging() -> None:
    rng = np.random.default_rng(1)
    plane = cv2.GaussianBlur(rng.integers(0, 255, (720, 1280), np.uint8), (0, 0), 2)
    mean = cv2.resize(plane, (416, 234), interpolation=cv2.INTER_AREA)
    plain = cv2.resize(plane, (416, 234), interpolation=cv2.INTER_NEAREST)
    error = np.abs(shrink(plane, (416, 234)).astype(float) - mean).mean()
    assert error < 0.5 * np.abs(plain.astype(float) - mean).mean()
