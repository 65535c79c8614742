"""``touchline analyse``: recordings down the frame road, as fast as they go, into files."""

from __future__ import annotations

import functools
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import av
from av.error import FFmpegError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

import touchline
from touchline.live.job import CameraJob, Clocks, Signals
from touchline.live.pulse import Pulse
from touchline.media.sources import Kind, Location
from touchline.types import Fact, InputError, JsonValue, Packet, SourceError, StreamInfo

Summary = dict[str, Any]
"""What summary.json holds."""


def analyse_files(
    files: list[Path], out: Path, *, model: str, detect_hz: float, console: Console
) -> list[Summary]:
    """Analyse each of ``files`` into ``out`` (into a folder below it each, if several) → their summaries.

    A file that cannot be read does not keep the others from being analysed: its error is raised at the end.
    Raises `InputError`.
    """
    summaries: list[Summary] = []
    errors: list[SourceError] = []
    folders = _folders(files, out)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        for file, folder in zip(files, folders, strict=True):
            bar: TaskID | None = None
            try:
                source = _recording(file)
                bar = progress.add_task(file.name, total=_frames(file))
                moved = functools.partial(_move, progress, bar)
                summaries.append(_analyse(source, file, folder, model, detect_hz, moved))
            except SourceError as error:
                errors.append(error)
                if bar is not None:
                    progress.remove_task(bar)
    if errors:
        raise InputError("; ".join(str(error) for error in errors))
    return summaries


def _recording(file: Path) -> str:
    """``file`` as `Capture` takes it. Raises `SourceError` for what has no end: a camera, a stream."""
    text = str(file)
    # A path has lost one of a URL's two slashes.
    location = Location.parse(re.sub(r"^([A-Za-z]+):/(?!/)", r"\1://", text))
    if location.kind is Kind.FILE:
        return text
    if file.is_file():
        return f"./{text}"  # a file that is called 0
    raise SourceError(
        location.shown,
        "is live, and analyse takes recordings",
        f"name a file, or: touchline live {location.shown}",
        retry=False,
    )


def _move(progress: Progress, bar: TaskID, frames: int) -> None:
    progress.update(bar, completed=frames)


class _Files:
    """The road's end: facts into files, as they come."""

    def __init__(self, tracks: IO[str], facts: IO[str]) -> None:
        self.frames = 0
        self.ids: dict[int, str] = {}
        self.boxes = 0
        self.info: StreamInfo | None = None
        self.last_pts = 0
        self._tracks = tracks
        self._facts = facts

    def send(self, message: StreamInfo | Packet | Fact, /) -> None:
        """Write a fact; packets have no business here."""
        if not isinstance(message, Fact):
            return
        self._facts.write(json.dumps(message.to_json(), separators=(",", ":"), ensure_ascii=False) + "\n")
        if message.kind == "tracks":
            self.frames += 1
            self.last_pts = message.pts
            rows = message.data["tracks"]
            assert isinstance(rows, list)  # noqa: S101  # for the type checker: `tracks_data` makes it one
            for row in rows:
                self._write_row(row)

    def _write_row(self, row: JsonValue) -> None:
        # MOTChallenge: frame from 1, id, left, top, width, height, confidence, and -1 for world coordinates.
        assert isinstance(row, dict)  # noqa: S101
        identity, box, score, label = row["id"], row["box"], row["score"], row["label"]
        assert isinstance(identity, int) and isinstance(box, list) and isinstance(label, str)  # noqa: S101, PT018
        left, top, right, bottom = (float(value) for value in box if isinstance(value, int | float))
        size = f"{right - left:.1f},{bottom - top:.1f}"
        self._tracks.write(f"{self.frames},{identity},{left:.1f},{top:.1f},{size},{score},-1,-1,-1\n")
        self.ids[identity] = label
        self.boxes += 1


def _analyse(
    source: str, file: Path, folder: Path, model: str, detect_hz: float, tell: Callable[[int], None]
) -> dict[str, Any]:
    from touchline.live.road import frame_road

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); name another with --out") from error
    job = CameraJob(id=file.stem, source=source, model=model, detect_hz=detect_hz, realtime=False)
    signals = Signals(threading.Event(), threading.Event(), threading.Event())
    clocks = Clocks(media=time.monotonic, unix_ms=lambda: time.time_ns() // 1_000_000)
    pulse, started, errors = Pulse(), time.monotonic(), list[BaseException]()
    with (folder / "tracks.txt").open("w") as tracks, (folder / "facts.jsonl").open("w") as facts:
        files = _Files(tracks, facts)

        def run() -> None:
            try:
                frame_road(job, files, clocks, signals, pulse)
            except BaseException as error:  # noqa: BLE001  # raised again below, in the main thread
                errors.append(error)

        # In a thread of its own, so that Ctrl-C reaches this one and ends the road in order.
        road = threading.Thread(target=run, name="road")
        road.start()
        try:
            while road.is_alive():
                road.join(0.1)
                tell(files.frames)
        finally:
            signals.stop.set()
            road.join()
    if errors:
        raise errors[0]
    seconds, media = time.monotonic() - started, files.last_pts / 90_000
    health = pulse.read(0)
    labels = sorted(set(files.ids.values()))
    summary: Summary = {
        "file": str(file),
        "out": str(folder),
        "codec": health.get("codec"),
        "width": health.get("width"),
        "height": health.get("height"),
        "frames": files.frames,
        "media_seconds": round(media, 3),
        "seconds": round(seconds, 3),
        "speed": round(media / seconds, 2),
        "model": model,
        "detect_hz": detect_hz,
        "tracks": len(files.ids),
        "tracks_by_label": {label: list(files.ids.values()).count(label) for label in labels},
        "boxes": files.boxes,
        "touchline": touchline.__version__,
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return summary


def _folders(files: list[Path], out: Path) -> list[Path]:
    if len(files) == 1:
        return [out]
    stems = [file.stem for file in files]
    return [
        out / (file.stem if stems.count(file.stem) == 1 else f"{number}-{file.stem}")
        for number, file in enumerate(files, 1)
    ]


def _frames(file: Path) -> int | None:
    """How many frames the file says it has: for the progress bar alone, so a file that can't be read has none."""
    try:
        with av.open(str(file), timeout=10) as container:
            stream = container.streams.video[0]
            if stream.frames:
                return stream.frames
            if container.duration and stream.average_rate:
                return round(container.duration / av.time_base * float(stream.average_rate))
    except (FFmpegError, OSError, IndexError):
        return None
    return None
