"""The shape of a stream's pixels: its sample aspect ratio (SAR), which few cameras' is not 1:1."""

from __future__ import annotations

from fractions import Fraction

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

MOST = 4
"""No camera squeezes its pictures more: what says so is damaged, and would cost memory without end."""


def plausible(ratio: Fraction | None) -> float:
    """``ratio`` as `StreamInfo.sample_aspect`; 1.0 where it is not said or is no camera's."""
    return float(ratio) if ratio and Fraction(1, MOST) <= ratio <= MOST else 1.0


def aspect_of_hevc(parameter_sets: bytes) -> Fraction | None:
    """What H.265 ``parameter_sets`` (Annex B) say. It stands behind all that only a decoder wants to know, so
    FFmpeg's is asked."""
    decoder: VideoCodecContext = av.CodecContext.create("hevc", "r")
    decoder.extradata, decoder.thread_count = parameter_sets, 1
    try:
        decoder.open()
    except FFmpegError:
        return None
    return decoder.sample_aspect_ratio
