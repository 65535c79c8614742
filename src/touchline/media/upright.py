"""Pictures the right way up. A phone held upright films lying down, and notes how its pictures are turned."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.types import Frame

_TURNS = (None, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)


def turn(frame: Frame, turns: int) -> Frame:
    """``frame`` turned counter-clockwise by ``turns`` quarters, 0 to 3, its motion vectors with it."""
    code = _TURNS[turns]
    if code is None:
        return frame
    y, u, v = (np.asarray(cv2.rotate(plane, code), np.uint8) for plane in (frame.y, frame.u, frame.v))
    motion = None if frame.motion is None else _turn_motion(frame.motion, turns, frame.width, frame.height)
    aspect = 1 / frame.sample_aspect if turns % 2 else frame.sample_aspect
    return replace(frame, y=y, u=u, v=v, motion=motion, native=None, sample_aspect=aspect)


def _turn_motion(motion: NDArray[np.int16], turns: int, width: int, height: int) -> NDArray[np.int16]:
    x, y, dx, dy, wide, high = motion.T
    match turns:
        case 1:
            columns = (y, width - x, dy, -dx, high, wide)
        case 2:
            columns = (width - x, height - y, -dx, -dy, wide, high)
        case _:
            columns = (height - y, x, -dy, dx, high, wide)
    return np.stack(columns, axis=1).astype(np.int16)
