"""Small real video files, made by FFmpeg's encoders when a test needs them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """RGB uint8 (height, width, 3): a ball that moves, on a slope of colours."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(30, 200, width, dtype=np.uint8)[None]
    image[..., 1] = np.linspace(60, 160, height, dtype=np.uint8)[:, None]
    image[..., 2] = 90
    cv2.circle(image, (20 + number * 5 % (width - 40), height // 2), 14, (250, 240, 230), -1)
    return image


def make_clip(
    path: Path,
    *,
    codec: str = "libx264",
    width: int = 320,
    height: int = 240,
    fps: int = 25,
    frames: int = 50,
    b_frames: int = 0,
    gop: int = 25,
    pixel_format: str = "yuv420p",
    container: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write ``frames`` pictures to ``path`` and return it."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        stream.options = {"preset": "ultrafast", "b_strategy": "0"} if codec == "libx264" else {}
        stream.options |= options or {}
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="rgb24")
            frame.pts = number
            frame.time_base = Fraction(1, fps)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def make_sound(path: Path, seconds: float = 1.0) -> Path:
    """A file that holds sound alone."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48_000, layout="mono")
        for start in range(0, int(seconds * 48_000), 1024):
            wave = np.sin((np.arange(1024) + start) / 20).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def with_order(path: Path) -> Path:
    """Write the display order of ``path``'s pictures beside it, for the RTSP server."""
    with av.open(str(path)) as source:
        shown = [packet.pts for packet in source.demux(video=0) if packet.size and packet.pts is not None]
    places = {pts: place for place, pts in enumerate(sorted(shown))}
    path.with_name(path.name + ".order").write_text("\n".join(str(places[pts]) for pts in shown))
    return path
