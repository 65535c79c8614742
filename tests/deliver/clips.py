"""Streams for the tests of delivery, made on the spot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from touchline.deliver.fanout import CameraStream
from touchline.types import MEDIA_CLOCK
from touchline.types.packet import Packet, StreamInfo


def encode(
    width: int = 320, height: int = 240, frames: int = 60, fps: int = 30, gop: int = 30, bit_rate: int = 400_000
) -> tuple[StreamInfo, list[Packet]]:
    """A moving pattern as H.264 without B-frames: pts from 0, a key picture every ``gop``."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = Fraction(1, MEDIA_CLOCK)
    codec.framerate = Fraction(fps)
    codec.bit_rate = bit_rate
    codec.gop_size = gop
    codec.thread_count = 1  # one slice a picture, as cameras make them
    # Key pictures no larger than a camera makes them.
    rate = f"vbv-maxrate={bit_rate // 1000}:vbv-bufsize={bit_rate // 3000}"
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"keyint={gop}:scenecut=0:repeat-headers=1:{rate}",
    }
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 255, (height, width * 2), np.uint8)
    packets: list[Packet] = []
    for i in range(frames):
        picture = np.full((height, width, 3), 40, np.uint8)
        shift = 2 * i % width
        picture[: height // 2, :, 1] = texture[: height // 2, shift : shift + width] // 4 + 90
        # The picture's number as the test source writes it: a row of 32 cells along the top.
        for bit in range(32):
            picture[: height // 30, bit * width // 32 : (bit + 1) * width // 32] = 235 * (i >> 31 - bit & 1)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = i * MEDIA_CLOCK // fps
        packets += [Packet(bytes(p), p.pts, p.is_keyframe) for p in codec.encode(frame)]
    packets += [Packet(bytes(p), p.pts, p.is_keyframe) for p in codec.encode(None)]
    return StreamInfo("h264", width, height, float(fps), bytes(codec.extradata or b"")), packets


def endless(packets: list[Packet], fps: int = 30, start: int = 0) -> Iterator[Packet]:
    """The packets over and over with rising time stamps."""
    step = MEDIA_CLOCK // fps
    index = 0
    while True:
        packet = packets[index % len(packets)]
        yield Packet(packet.data, start + index * step, packet.is_key)
        index += 1


async def play(stream: CameraStream, packets: Iterator[Packet], fps: int = 30) -> None:
    """Publish in real time until cancelled."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for packet in packets:
        stream.publish(packet)
        due += 1 / fps
        await asyncio.sleep(max(0.0, due - loop.time()))
