"""Looped files of one box are in step, picture by picture, also after one's worker was replaced."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from tests.e2e.box import children
from touchline.live.job import CameraJob
from touchline.live.link import Message, Report
from touchline.live.supervisor import Supervisor
from touchline.media.decode import Decoder
from touchline.media.picture import picture_of
from touchline.media.sources.pattern import Painter, read_barcode
from touchline.types import MEDIA_CLOCK, Packet, StreamInfo

FPS, FRAMES = 25, 100


def write_counted(path: Path) -> Path:
    """Pictures that carry their number, 4 s of them."""
    painter = Painter(640, 360, FPS, seed=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.options = {"preset": "ultrafast", "bf": "0", "g": str(FPS)}
        for number in range(FRAMES):
            picture = picture_of(painter.paint(number, 0))
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


class Viewer:
    """Decodes all that the box gets: the number in each picture by its media time."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict[int, int]] = defaultdict(dict)
        self.restarts = 0
        self._decoders: dict[str, Decoder] = {}

    def hear(self, camera: str, message: Message) -> None:
        match message:
            case StreamInfo():
                self._decoders[camera] = Decoder(message)
            case Packet():
                for frame in self._decoders[camera].decode(message):
                    self.numbers[camera][frame.pts] = read_barcode(frame.y)[0]
            case Report():
                self.restarts += "restarts" in message.fields
            case _:
                pass

    def shared(self) -> set[int]:
        """The moments that both cameras have shown."""
        return self.numbers["a"].keys() & self.numbers["b"].keys()


async def until(true: object, running: asyncio.Task[None]) -> None:
    assert callable(true)
    async with asyncio.timeout(60):
        while not true():
            assert not running.done()
            await asyncio.sleep(0.05)


async def watch(viewer: Viewer, jobs: dict[str, CameraJob]) -> None:
    running = asyncio.create_task(Supervisor(jobs, viewer.hear, os.environ).run())
    try:
        await until(lambda: len(viewer.shared()) > 50, running)
        (victim,) = (
            pid
            for pid in children(os.getpid())
            if b"TOUCHLINE_WORKER=b" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        )
        os.kill(victim, signal.SIGKILL)
        await until(lambda: viewer.restarts, running)
        before = len(viewer.shared())
        await until(lambda: len(viewer.shared()) > before + 50, running)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def test_two_looped_files_show_the_same_picture_at_the_same_time(tmp_path: Path) -> None:
    files = {"a": write_counted(tmp_path / "a.mp4"), "b": write_counted(tmp_path / "b.mkv")}
    epoch = time.monotonic()
    jobs = {name: CameraJob(name, str(file), epoch=epoch, loop=True) for name, file in files.items()}
    viewer = Viewer()
    asyncio.run(watch(viewer, jobs))
    for numbers in viewer.numbers.values():
        assert all(number == round(pts * FPS / MEDIA_CLOCK) % FRAMES for pts, number in numbers.items())
