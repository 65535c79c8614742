"""Boxes carried along with pictures whose motion is known, through real codecs."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.scene import STEP, Scene, Sprite, coded, texture
from touchline.media.decode import Decoder
from touchline.types import Frame, ShapeError
from touchline.vision.propagate import Propagator

Boxes = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

LEFT = Sprite(40, 96, lambda k: (160 + 5 * k, 150), seed=1)
RIGHT = Sprite(40, 96, lambda k: (330 - 4 * k, 170 + k), seed=2)
STILL = Scene(384, 288, (LEFT, RIGHT))
PAN = replace(STILL, camera=lambda k: (100 + 8 * k, 100 - 2 * k))
STANDING = Scene(384, 288, (Sprite(40, 96, lambda k: (220, 150)),), camera=lambda k: (100 + 6 * k, 100))
PORTRAIT = Scene(208, 368, (Sprite(48, 96, lambda k: (140, 150 + 5 * k)),))
SMALL = Scene(
    384, 288, (Sprite(12, 24, lambda k: (200 + 3 * k, 180)), Sprite(16, 30, lambda k: (300, 160 + 3 * k)))
)


def frames_of(scene: Scene, count: int, codec: str = "libx264", **more: object) -> list[Frame]:
    info, packets = coded((scene.picture(k) for k in range(count)), codec, **more)  # type: ignore[arg-type]
    decoder = Decoder(info, motion=True)
    return [frame for packet in packets for frame in decoder.decode(packet)] + decoder.flush()


def overlap(a: Boxes, b: Boxes) -> Boxes:
    """IoU of row and row, (N,)."""
    sides = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None)
    areas = [(c[:, 2:] - c[:, :2]).prod(axis=1) for c in (a, b)]
    shared = sides.prod(axis=1)
    return shared / (areas[0] + areas[1] - shared)


def carried(scene: Scene, frames: list[Frame], first: int = 1) -> Boxes:
    """The boxes of frame ``first`` carried to the last."""
    propagator, boxes = Propagator(), scene.boxes(first)
    propagator.start(frames[first])
    for frame in frames[first + 1 :]:
        boxes = propagator.follow(frame, boxes)
        assert np.isfinite(boxes).all()
    return boxes


@pytest.mark.parametrize(
    "scene", [STILL, PAN, STANDING, PORTRAIT, SMALL], ids=["still", "pan", "standing", "portrait", "small"]
)
@pytest.mark.parametrize(
    "way",
    [
        {"codec": "libx264"},
        {"codec": "libx264", "key_every": 4},
        {"codec": "libx264", "options": {"bf": "2"}},
        {"codec": "libx265"},
        {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    ],
    ids=["h264", "h264 keys", "h264 b-frames", "hevc", "mjpeg"],
)
def test_boxes_stay_on_what_moves(scene: Scene, way: dict[str, str]) -> None:
    frames = frames_of(scene, 10, **way)
    boxes = carried(scene, frames)
    assert overlap(boxes, scene.boxes(9)).min() > 0.85
    hold = overlap(scene.boxes(1), scene.boxes(9))
    assert hold.max() < 0.5, "the scene must move enough to tell"


def test_vectors_are_used_where_there_are_some() -> None:
    """A frame whose picture says nothing, but whose vectors do, moves its boxes by these."""
    luma = np.full((288, 384), 90, np.uint8)
    flat = Frame(0, luma, luma[::2, ::2], luma[::2, ::2])
    y, x = np.mgrid[8:288:16, 8:384:16].reshape(2, -1)
    block = np.full_like(x, 16)
    motion = np.stack([x, y, 0 * x + 12, 0 * y - 6, block, block], axis=1).astype(np.int16)
    propagator = Propagator()
    propagator.start(flat)
    boxes = np.array([[100, 100, 140, 200]], np.float32)
    moved = propagator.follow(replace(flat, pts=STEP, motion=motion), boxes)
    assert moved.tolist() == [[103, 98.5, 143, 198.5]]


@pytest.mark.parametrize("left", [160, 32], ids=["small", "most of the picture"])
def test_the_body_is_what_moves_against_the_camera(left: int) -> None:
    """Of five equal columns in a box two stand still like the ground, the others go 2, 5 and 8 px: so it goes 5.

    All samples' median would be 2. Where the box is most of the picture, the ground is what lies outside of it.
    """
    luma = np.full((288, 400), 90, np.uint8)
    flat = Frame(0, luma, luma[::2, ::2], luma[::2, ::2])
    y, x = np.mgrid[8:288:16, 8:400:16].reshape(2, -1)
    wide = 400 - 2 * left
    box = np.array([[left, 0, 400 - left, 288]], np.float32)
    column = (x - left) * 5 // wide
    dx = np.where((column >= 0) & (column < 5), np.array([0, 8, 20, 32, 0])[np.clip(column, 0, 4)], 0)
    motion = np.stack([x, y, dx, 0 * y, 0 * x + 16, 0 * x + 16], axis=1).astype(np.int16)
    propagator = Propagator()
    propagator.start(flat)
    moved = propagator.follow(replace(flat, pts=STEP, motion=motion), box)
    assert (moved - box).tolist() == [[5, 0, 5, 0]]


def test_a_lost_frame_does_not_lose_the_box() -> None:
    """Every other frame was dropped: the vectors tell of a step from a frame that was never seen."""
    frames = frames_of(STILL, 10)
    propagator, boxes = Propagator(), STILL.boxes(3)
    for frame in frames[:4]:
        propagator.start(frame)
    for k in (5, 7, 9):
        boxes = propagator.follow(frames[k], boxes)
    assert overlap(boxes, STILL.boxes(9)).min() > 0.85


def test_a_slower_rate_is_no_loss() -> None:
    """A camera that halves its rate in the dark has lost nothing: its vectors are trusted again soon."""
    luma = np.full((288, 384), 90, np.uint8)
    flat = Frame(0, luma, luma[::2, ::2], luma[::2, ::2])
    y, x = np.mgrid[8:288:16, 8:384:16].reshape(2, -1)
    motion = np.stack([x, y, 0 * x + 8, 0 * y, 0 * x + 16, 0 * x + 16], axis=1).astype(np.int16)
    propagator, pts = Propagator(), 0
    propagator.start(flat)
    boxes = np.array([[100, 100, 140, 200]], np.float32)
    for k in range(40):
        pts += STEP if k < 20 else 2 * STEP
        moved = propagator.follow(replace(flat, pts=pts, motion=motion), boxes)
    assert (moved - boxes).tolist() == [[2, 0, 2, 0]]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_what_the_picture_cannot_tell_is_nan(codec: str) -> None:
    frames = frames_of(STILL, 4, codec)
    sure = STILL.boxes(2)
    outside = np.array([[-80, 10, -20, 90], [500, 10, 560, 90], [10, 400, 40, 500]], np.float32)
    odd = np.array(
        [[50, 50, 20, 20], [np.nan, 1, 2, 3], [np.inf, 0, 5, 5], [-1e30, -1e30, 1e30, 1e30]], np.float32
    )
    boxes = np.concatenate([outside, sure, odd])
    propagator = Propagator()
    propagator.start(frames[2])
    moved = propagator.follow(frames[3], boxes)
    told = np.isfinite(moved).all(axis=1)
    assert told.tolist() == [False] * 3 + [True] * 2 + [False] * 4
    assert np.isnan(moved[~told]).all()
    assert overlap(moved[told], STILL.boxes(3)).min() > 0.9


def test_the_first_frame_and_a_new_size_tell_nothing() -> None:
    frames, others = frames_of(STILL, 3), frames_of(PORTRAIT, 3)
    propagator = Propagator()
    assert np.isnan(propagator.follow(frames[1], STILL.boxes(1))).all()
    assert np.isfinite(propagator.follow(frames[2], STILL.boxes(1))).all()
    assert np.isnan(propagator.follow(others[1], PORTRAIT.boxes(1))).all()
    assert np.isfinite(propagator.follow(others[2], PORTRAIT.boxes(1))).all()


def test_no_boxes_are_no_boxes() -> None:
    frames = frames_of(STILL, 3)
    propagator = Propagator()
    for frame in frames:
        assert propagator.follow(frame, np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_the_boxes_given_are_left_alone() -> None:
    frames = frames_of(STILL, 3)
    propagator, boxes = Propagator(), STILL.boxes(1)
    propagator.start(frames[1])
    propagator.follow(frames[2], boxes)
    assert np.array_equal(boxes, STILL.boxes(1))


@pytest.mark.parametrize("boxes", [np.zeros((2, 4)), np.zeros((2, 5), np.float32), np.zeros(4, np.float32)])
def test_other_shapes_are_refused(boxes: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="follow"):
        Propagator().follow(frames_of(STILL, 1)[0], boxes)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_one_frame_is_held_and_no_more(codec: str) -> None:
    frames = frames_of(STILL, 8, codec)
    refs = [weakref.ref(frame.y.base) for frame in frames]
    propagator, boxes = Propagator(), STILL.boxes(0)
    while frames:
        boxes = propagator.follow(frames.pop(0), boxes)
        boxes[np.isnan(boxes)] = 50
    gc.collect()
    assert [ref() is not None for ref in refs] == [False] * 7 + [True]


_FRAMES = {codec: frames_of(STILL, 3, codec) for codec in ("libx264", "libx265")}
_NUMBERS = st.one_of(st.floats(-500, 900, width=32), st.floats(width=32))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@settings(max_examples=80, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=_NUMBERS))
def test_any_boxes_give_as_many_rows_finite_or_nan(codec: str, boxes: Boxes) -> None:
    propagator = Propagator()
    propagator.start(_FRAMES[codec][1])
    moved = propagator.follow(_FRAMES[codec][2], boxes)
    assert moved.shape == boxes.shape
    assert moved.dtype == np.float32
    told = np.isfinite(moved)
    assert (told.all(axis=1) | np.isnan(moved).all(axis=1)).all()
    rows = told.all(axis=1)
    sizes = [(some[rows, 2:] - some[rows, :2]) for some in (moved, boxes)]
    assert np.allclose(*sizes, atol=1e-2)


@settings(max_examples=80, deadline=None)
@given(
    arrays(np.int16, st.tuples(st.integers(0, 400), st.just(6)), elements=st.integers(-(2**15), 2**15 - 1)),
    st.sampled_from([(384, 288), (383, 287), (17, 33), (2, 2)]),
)
def test_any_vectors_do_no_harm(motion: np.ndarray, size: tuple[int, int]) -> None:
    luma = texture(size[0], size[1], 5)
    chroma = np.zeros(((size[1] + 1) // 2, (size[0] + 1) // 2), np.uint8)
    propagator = Propagator()
    propagator.start(Frame(0, luma, chroma, chroma))
    boxes = np.array([[0, 0, size[0], size[1]], [1, 1, 2, 2], [5, 5, 30, 30]], np.float32)
    moved = propagator.follow(Frame(STEP, luma, chroma, chroma, motion=motion), boxes)
    assert (np.isfinite(moved).all(axis=1) | np.isnan(moved).all(axis=1)).all()
