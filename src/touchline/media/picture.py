"""Frames ⇄ FFmpeg's pictures, without a copy where there is a way."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from touchline.types import Frame

_SAME = ("yuv420p", "yuvj420p")


def picture_of(frame: Frame, *, even: bool = False) -> VideoFrame:
    """A yuv420p (or yuvj420p) picture of ``frame``, the decoder's own where it fits.

    ``even`` pads odd sizes by repeating the last row and column.
    """
    native = frame.native
    fits = not even or (frame.width % 2 == 0 and frame.height % 2 == 0)
    if isinstance(native, VideoFrame) and fits and native.format.name in _SAME:
        return native
    width, height = frame.width, frame.height
    if even:
        width, height = width + width % 2, height + height % 2
    picture = VideoFrame(width, height, "yuv420p")
    for target, source in zip(planes_of(picture), (frame.y, frame.u, frame.v), strict=True):
        _fill(target, source)
    return picture


def planes_of(picture: VideoFrame) -> list[NDArray[np.uint8]]:
    """Views of an 8-bit planar picture's planes, each uint8 (height, width)."""
    planes: list[NDArray[np.uint8]] = []
    for plane in picture.planes:
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        planes.append(lines[: plane.height, : plane.width])
    return planes


def _fill(target: NDArray[np.uint8], source: NDArray[np.uint8]) -> None:
    rows, columns = source.shape
    target[:rows, :columns] = source
    target[:rows, columns:] = source[:, -1:]
    target[rows:] = target[rows - 1]
