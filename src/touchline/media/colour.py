"""RGB pictures ⇄ frames. The matrices are those of ITU-R BT.601 and BT.709, by way of swscale."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from touchline.media.picture import picture_of, planes_of
from touchline.types import Frame, ShapeError


def frame_from_rgb(image: NDArray[np.uint8], pts: int) -> Frame:
    """A BT.709 limited-range frame of ``image``, uint8 (H, W, 3) RGB, at ``pts`` (1/90,000 s).

    Raises `ShapeError` for another shape or dtype.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ShapeError(f"a picture must be uint8 (height, width, 3), is {image.dtype} {image.shape}")
    picture = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    y, u, v = planes_of(picture)
    return Frame(pts=pts, y=y, u=u, v=v, native=picture)


def rgb_from_frame(frame: Frame) -> NDArray[np.uint8]:
    """``frame`` as uint8 (H, W, 3) RGB, full range, by the matrix and range that the frame names.

    Its pixels are square: where the frame's are not, it is that much wider or higher than the frame.
    """
    width, height = _square(frame)
    picture = picture_of(frame).reformat(
        width=width,
        height=height,
        format="rgb24",
        src_colorspace=Colorspace.ITU709 if frame.bt709 else Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if frame.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    return np.asarray(picture.to_ndarray(), np.uint8)


def _square(frame: Frame) -> tuple[int, int]:
    """Width and height in px of ``frame`` with square pixels, none of its own given up."""
    aspect = frame.sample_aspect
    if aspect == 1:
        return frame.width, frame.height
    # Even, so that an encoder need not pad it.
    wide, high = frame.width * max(1.0, aspect), frame.height * max(1.0, 1 / aspect)
    return round(wide / 2) * 2, round(high / 2) * 2
