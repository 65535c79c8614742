"""What this box can really decode and encode: each is tried on a small clip whose picture is known."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Sequence

import av
import av.error
import imageio_ffmpeg
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from touchline.media.encode import Encoder
from touchline.types import Frame
from touchline.types.finding import Finding

_FAMILY = "codecs"
_SIDE = 64
_DARK, _BRIGHT = 60, 200
"""Luma of the left and the right half of every picture here."""
_OFF = 8
_FFMPEG_S = 20

H264 = (
    "00001XJh~htV|*yG#~%~0{|cZ00u$gM8Yrt0004K=tB!EivR!s0cD7S1^@o`b9@SDCc;#=+R9dnZF@?yx&}+uXotB!rg$L$0003&"
    "njMH&|NZf;fB"
)
"""Two pictures, 64×64, as an Annex B stream."""
H265 = (
    "00001KmiN^|NjAC00093kN^M!000939+rTR00001LID8*U;qFE0FVFx0{{R603M(qfd!UYl1#2>2mk;B00;m80|3ZC00001L;=Ba"
    "v?4$N00AfguQv3NxBu|@I;{C>OUPgV000330niD45XNl!4g"
)
"""The same in H.265."""


def probe_codecs() -> list[Finding]:
    """Decode H.264 and H.265, encode H.264, and let the ffmpeg program read a stream."""
    libraries = f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"
    reinstall = "install PyAV's own wheel again: .venv/bin/pip install --force-reinstall av"
    return [
        _tried("H.264 decoder", lambda: _decode("h264", H264), libraries, reinstall, needed=True),
        _tried("H.265 decoder", lambda: _decode("hevc", H265), libraries, reinstall),
        _tried("H.264 encoder (x264)", _encode, libraries, reinstall, needed=True),
        _tried("ffmpeg program", _program, _version(), ".venv/bin/pip install --force-reinstall imageio-ffmpeg"),
        _tried("SRT", _srt, "of the ffmpeg program", "install imageio-ffmpeg's own wheel, which has it"),
    ]


def _tried(name: str, attempt: Callable[[], str], found: str, remedy: str, *, needed: bool = False) -> Finding:
    """``attempt`` answers what is wrong, or nothing."""
    try:
        wrong = attempt()
    except (av.error.FFmpegError, ValueError, OSError, subprocess.SubprocessError, RuntimeError) as error:
        wrong = " ".join(str(error).split())[:200] or type(error).__name__
    if wrong:
        return Finding(_FAMILY, name, False, f"{found}: {wrong}", remedy, needed)
    return Finding(_FAMILY, name, True, found, needed=needed)


def _decode(codec: str, clip: str) -> str:
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101  # for the type checker
    data = base64.b85decode(clip)
    packets = [*context.parse(data), *context.parse(b"")]
    frames = [frame for packet in packets for frame in context.decode(packet)] + list(context.decode(None))
    return _wrong([_luma(frame) for frame in frames])


def _encode() -> str:
    """Our own encoder's packets, decoded."""
    luma = np.full((_SIDE, _SIDE), _DARK, np.uint8)
    luma[:, _SIDE // 2 :] = _BRIGHT
    grey = np.full((_SIDE // 2, _SIDE // 2), 128, np.uint8)
    encoder = Encoder(_SIDE, _SIDE, 25.0)
    packets = [packet for k in range(2) for packet in encoder.encode(Frame(3600 * k, luma, grey, grey))]
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101  # for the type checker
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet.data))]
    return _wrong([_luma(frame) for frame in [*frames, *context.decode(None)]])


def _program() -> str:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "h264", "-i", "pipe:0"]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]
    done = subprocess.run(
        command, input=base64.b85decode(H264), capture_output=True, timeout=_FFMPEG_S, check=False
    )
    if done.returncode != 0 or len(done.stdout) % (_SIDE * _SIDE * 3 // 2):
        return done.stderr.decode("utf-8", "replace").strip()[:200] or f"ends with status {done.returncode}"
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, _SIDE * 3 // 2, _SIDE)
    return _wrong(list(pictures[:, :_SIDE]))


def _srt() -> str:
    return "" if "srt" in _asked("-protocols").split() else "is not among its protocols"


def _version() -> str:
    try:
        return " ".join(_asked("-version").split()[:3])
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return "cannot be started"


def _asked(question: str) -> str:
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", question],
        capture_output=True,
        text=True,
        timeout=_FFMPEG_S,
        check=True,
    )
    return done.stdout


def _luma(frame: VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="yuv420p")[:_SIDE, :_SIDE], np.uint8)


def _wrong(pictures: Sequence[NDArray[np.uint8]]) -> str:
    """What is wrong with the clip's pictures, or nothing."""
    if len(pictures) != 2:
        return f"gave {len(pictures)} pictures of 2"
    for picture in pictures:
        halves = picture[:, : _SIDE // 2], picture[:, _SIDE // 2 :]
        found = [float(half.astype(np.float64).mean()) for half in halves]
        if abs(found[0] - _DARK) > _OFF or abs(found[1] - _BRIGHT) > _OFF:
            return f"gave luma {found[0]:.0f} and {found[1]:.0f}, not {_DARK} and {_BRIGHT}"
    return ""
