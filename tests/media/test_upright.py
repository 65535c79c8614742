"""Clips of a phone: whichever way it was held, pictures and their motion come upright."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.clips import write_clip
from tests.media.taking import read_all
from touchline.media.decode import Decoder
from touchline.media.upright import turn
from touchline.types import Frame


def decoded(path: Path) -> tuple[list[Frame], tuple[int, int]]:
    (info,), packets = read_all(str(path))
    decoder = Decoder(info, motion=True)
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    return [*frames, *decoder.flush()], info.upright_size


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_pictures_come_as_players_show_them(tmp_path: Path, rotation: int, b_frames: int) -> None:
    plain, _ = decoded(write_clip(tmp_path / "plain.mp4", frames=8, b_frames=b_frames))
    turned, size = decoded(write_clip(tmp_path / "phone.mp4", frames=8, b_frames=b_frames, rotation=rotation))
    assert len(plain) == len(turned) == 8
    for before, after in zip(plain, turned, strict=True):
        for name in "yuv":
            assert (getattr(after, name) == np.rot90(getattr(before, name), rotation // 90)).all()
        assert (after.width, after.height) == size
        assert (before.motion is None) == (after.motion is None)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_motion_turns_with_the_picture(turns: int) -> None:
    """A block that came from a bright spot still does, in the turned picture."""
    luma = np.zeros((96, 160), np.uint8)
    left, top, wide, high = 32, 64, 16, 8
    dx, dy = 24, 20
    luma[top + 2 - dy : top + 6 - dy, left + 6 - dx : left + 10 - dx] = 255
    row = [left + wide // 2, top + high // 2, 4 * dx, 4 * dy, wide, high]
    chroma = np.zeros((48, 80), np.uint8)
    frame = turn(Frame(7, luma, chroma, chroma, motion=np.array([row], np.int16)), turns)
    assert frame.pts == 7
    assert frame.motion is not None
    assert frame.motion.dtype == np.int16
    x, y, move_x, move_y, block_wide, block_high = frame.motion[0].tolist()
    assert (block_wide, block_high) == ((wide, high) if turns % 2 == 0 else (high, wide))
    assert frame.y[y - move_y // 4, x - move_x // 4] == 255


def test_four_turns_are_none() -> None:
    rng = np.random.default_rng(3)
    planes = [rng.integers(0, 255, size, np.uint8) for size in ((31, 45), (16, 23), (16, 23))]
    start = Frame(0, *planes, motion=rng.integers(0, 30, (9, 6)).astype(np.int16))
    frame = start
    for _ in range(4):
        frame = turn(frame, 1)
    assert (frame.y == start.y).all()
    assert (frame.u == start.u).all()
    assert frame.motion is not None
    assert start.motion is not None
    assert (frame.motion == start.motion).all()
