"""Moving pictures whose every motion is known, and their packets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from touchline.types import MEDIA_CLOCK, Packet, StreamInfo

Luma = NDArray[np.uint8]
Place = Callable[[int], tuple[float, float]]
STEP = MEDIA_CLOCK // 25


def texture(width: int, height: int, seed: int, low: int = 40, high: int = 215) -> Luma:
    """Soft blots that a codec and an eye can follow."""
    noise = np.random.default_rng(seed).random((height, width), np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray(cv2.normalize(soft, None, low, high, cv2.NORM_MINMAX), np.uint8)


@dataclass(frozen=True)
class Sprite:
    """A textured rectangle; ``place`` gives its left and top, px of the world, at frame k."""

    width: int
    height: int
    place: Place
    seed: int = 1


@dataclass(frozen=True)
class Scene:
    """Sprites before a large still world, seen by a camera whose left and top ``camera`` gives."""

    width: int
    height: int
    sprites: tuple[Sprite, ...] = ()
    camera: Place = lambda _: (100.0, 100.0)

    def boxes(self, k: int) -> NDArray[np.float32]:
        """float32 (N, 4): where the sprites lie in picture k."""
        x, y = self.camera(k)
        rows = []
        for sprite in self.sprites:
            left, top = sprite.place(k)
            rows.append([left - x, top - y, left - x + sprite.width, top - y + sprite.height])
        return np.array(rows, np.float32).reshape(-1, 4)

    def picture(self, k: int) -> Luma:
        """Luma of picture k, whole-pixel positions."""
        world = texture(self.width + 400, self.height + 400, seed=0)
        for sprite in self.sprites:
            left, top = (round(value) for value in sprite.place(k))
            world[top : top + sprite.height, left : left + sprite.width] = texture(
                sprite.width, sprite.height, sprite.seed + 100, 0, 255
            )
        x, y = (round(value) for value in self.camera(k))
        return world[y : y + self.height, x : x + self.width]


def coded(
    pictures: Iterable[Luma],
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    pixel_format: str = "yuv420p",
    key_every: int = 1000,
    aspect: Fraction | None = None,
) -> tuple[StreamInfo, list[Packet]]:
    """Pictures as packets at 25 Hz from pts 0. x264 codes without B-frames unless ``options`` say otherwise.
    ``aspect``: the SAR that is told."""
    encoder: VideoCodecContext | None = None
    packets: list[av.Packet] = []
    height = width = 0
    for k, luma in enumerate(pictures):
        height, width = luma.shape
        if encoder is None:
            encoder = _encoder(codec, options, pixel_format, key_every, (width, height))
            if aspect is not None:
                encoder.sample_aspect_ratio = aspect
        frame = av.VideoFrame(width, height, "gray")
        plane = frame.planes[0]
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, :width] = luma
        frame = frame.reformat(format=pixel_format, src_color_range="JPEG")
        frame.pts, frame.time_base = k, Fraction(1, 25)
        packets += encoder.encode(frame)
    assert encoder is not None
    packets += encoder.encode(None)
    name = {"libx264": "h264", "libx265": "hevc", "libvpx": "vp8", "libvpx-vp9": "vp9", "libsvtav1": "av1"}
    b_frames = bool(encoder.max_b_frames) or int((options or {}).get("bf", 0)) > 0
    info = StreamInfo(
        name.get(codec, codec), width, height, 25.0, pixel_format=pixel_format, has_b_frames=b_frames
    )
    return info, [Packet(bytes(packet), (packet.pts or 0) * STEP, packet.is_keyframe) for packet in packets]


def _encoder(
    codec: str, options: Mapping[str, str] | None, pixel_format: str, key_every: int, size: tuple[int, int]
) -> VideoCodecContext:
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = pixel_format
    encoder.time_base = Fraction(1, 25)
    encoder.framerate = Fraction(25)
    encoder.gop_size = key_every
    encoder.thread_count = 1
    if codec.startswith(("mpeg", "mjpeg")):
        encoder.bit_rate = 8_000_000
    defaults = {
        "libx264": {"preset": "veryfast", "bf": "0", "refs": "1", "crf": "18"},
        "libx265": {"preset": "ultrafast", "x265-params": f"bframes=0:log-level=none:keyint={key_every}"},
        "libvpx": {"deadline": "realtime", "lag-in-frames": "0"},
        "libvpx-vp9": {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"},
        "libsvtav1": {"preset": "12", "svtav1-params": "lookahead=0:pred-struct=1"},
    }
    encoder.options = {**defaults.get(codec, {}), **(options or {})}
    return encoder
