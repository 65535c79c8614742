"""Clips for the benches: cut from a recording, coded anew, read as packets and frames."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from touchline.media.capture import Capture
from touchline.media.decode import Decoder
from touchline.types import MEDIA_CLOCK, Frame, Packet, StreamInfo


def read(path: str | Path) -> tuple[StreamInfo, list[Packet]]:
    """A recording's description and all its packets, as the frame road gets them."""
    capture = Capture(
        str(path), clock=lambda: 0.0, stop=threading.Event(), on_state=lambda _, __: None, realtime=False
    )
    info, packets = None, []
    for item in capture.packets():
        if isinstance(item, Packet):
            packets.append(item)
        else:
            info = item
    assert info is not None
    return info, packets


def frames(info: StreamInfo, packets: Iterable[Packet], *, motion: bool = False) -> Iterator[Frame]:
    """The packets' frames in presentation order."""
    decoder = Decoder(info, motion=motion)
    for packet in packets:
        yield from decoder.decode(packet)
    yield from decoder.flush()


def window(frame: Frame, left: int, top: int, width: int, height: int) -> Frame:
    """A part of a frame, a view; left and top are even."""
    right, bottom = left + width, top + height
    half = np.s_[top // 2 : (bottom + 1) // 2, left // 2 : (right + 1) // 2]
    return Frame(
        frame.pts,
        frame.y[top:bottom, left:right],
        frame.u[half],
        frame.v[half],
        full_range=frame.full_range,
        bt709=frame.bt709,
    )


def code(pictures: Iterable[Frame], fps: Fraction, codec: str = "libx264") -> tuple[StreamInfo, list[Packet]]:
    """Pictures coded as a camera does it, without B-frames: x264 veryfast zerolatency or x265 ultrafast."""
    encoder: VideoCodecContext | None = None
    packets: list[av.Packet] = []
    for number, picture in enumerate(pictures):
        if encoder is None:
            encoder = av.CodecContext.create(codec, "w")
            assert isinstance(encoder, VideoCodecContext)
            encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "yuv420p"
            encoder.framerate, encoder.time_base, encoder.thread_count = fps, 1 / fps, 1
            encoder.options = (
                {"preset": "veryfast", "tune": "zerolatency", "bf": "0", "crf": "23"}
                if codec == "libx264"
                else {"preset": "ultrafast", "x265-params": "bframes=0:log-level=none"}
            )
        image = av.VideoFrame(picture.width, picture.height, "yuv420p")
        for plane, source in zip(image.planes, (picture.y, picture.u, picture.v), strict=True):
            rows, columns = source.shape
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:rows, :columns] = source
        image.pts, image.time_base = number, 1 / fps
        packets += encoder.encode(image)
    assert encoder is not None
    packets += encoder.encode(None)
    tick = MEDIA_CLOCK / fps
    info = StreamInfo("h264" if codec == "libx264" else "hevc", encoder.width, encoder.height, float(fps))
    return info, [Packet(bytes(p), round((p.pts or 0) * tick), p.is_keyframe) for p in packets]
