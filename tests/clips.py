"""Small real video files for tests, made on the spot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream


def write_clip(
    path: Path,
    *,
    codec: str = "libx264",
    width: int = 640,
    height: int = 360,
    fps: int = 25,
    frames: int = 75,
    b_frames: int = 0,
    pixel_format: str = "yuv420p",
    key_every: int = 0,
    rotation: int = 0,
    aspect: Fraction | None = None,
) -> Path:
    """A moving picture in the container that ``path``'s ending names; a key picture a second unless said.

    ``rotation``: degrees counter-clockwise that players are told to turn it by. ``aspect``: what they are told of
    its pixels (SAR).
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "bf": str(b_frames), "g": str(key_every or fps)}
            if b_frames:
                stream.options = stream.options | {"preset": "veryfast"}
        elif codec == "libx265":
            stream.options = {"preset": "ultrafast", "x265-params": "log-level=error"}
        stream.gop_size = fps
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        rows = np.arange(height, dtype=np.int32)[:, None]
        columns = np.arange(width, dtype=np.int32)[None, :]
        for at in range(frames):
            luma = ((rows + columns + 4 * at) & 255).astype(np.uint8)
            image = np.stack([luma, luma[:, ::-1], 255 - luma], axis=2)
            x = at * 5 % max(1, width - 40)
            image[height // 3 : height // 3 + 40, x : x + 40] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def damage(path: Path, *numbers: int) -> Path:
    """Overwrite with noise what the packets of these ``numbers``, from 0, hold behind their first bytes."""
    data, places = bytearray(path.read_bytes()), _places(path)
    noise = np.random.default_rng(0)
    for number in numbers:
        at, size = places[number]
        data[at + 8 : at + size] = noise.integers(0, 256, size - 8, np.uint8).tobytes()
    path.write_bytes(data)
    return path


def cut(path: Path, first: int, end: int) -> Path:
    """Take the bytes of the packets from ``first`` to before ``end`` out of an MPEG transport stream."""
    data, places = path.read_bytes(), _places(path)
    path.write_bytes(data[: places[first][0]] + data[places[end][0] :])
    return path


def _places(path: Path) -> list[tuple[int, int]]:
    """Of every packet: where it begins in the file, and its size."""
    with av.open(str(path)) as container:
        return [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]


def write_sound(path: Path) -> Path:
    """Two seconds of a tone, and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        for at in range(2 * 16000 // 1024):
            tone = 0.3 * np.sin(2 * np.pi * 440 * (np.arange(1024) + 1024 * at) / 16000)
            frame = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, 1024 * at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
