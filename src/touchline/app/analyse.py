"""``touchline analyse``: recordings down the frame road, as fast as they go, into files."""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

import touchline
from touchline.app.results import Results
from touchline.live.job import CameraJob, Clocks, Signals
from touchline.live.pulse import Pulse
from touchline.media.sources import Kind, Location
from touchline.types import MEDIA_CLOCK, InputError, SourceError

Summary = dict[str, Any]
"""What summary.json holds."""


def analyse_files(
    files: list[Path], out: Path, *, model: str, detect_hz: float, console: Console
) -> tuple[list[Summary], list[InputError]]:
    """Analyse each of ``files`` into ``out`` (into a folder below it each, if several).

    Returns the summaries of those that could be, and the errors of those that could not and left no results. A
    file that cannot be read does not keep the others from being analysed; what would be the same with every
    file, such as a full disk or a missing model, ends the work.
    """
    summaries: list[Summary] = []
    errors: list[InputError] = []
    folders = _folders(files, out)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_interactive,  # a log has no use for a bar, and gets an empty line at its end
    ) as progress:
        for file, folder in zip(files, folders, strict=True):
            bar: TaskID | None = None
            try:
                source = _recording(file)
                bar = progress.add_task(file.name, total=_frames(file))
                moved = functools.partial(_move, progress, bar)
                summaries.append(_analyse(source, file, folder, model, detect_hz, moved))
            except InputError as error:
                errors.append(error)
                if bar is not None:
                    progress.remove_task(bar)
                if not isinstance(error, SourceError):
                    break
    return summaries, errors


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


def _analyse(
    source: str, file: Path, folder: Path, model: str, detect_hz: float, tell: Callable[[int], None]
) -> dict[str, Any]:
    from touchline.live.road import frame_road

    job = CameraJob(id=file.stem, source=source, model=model, detect_hz=detect_hz, realtime=False)
    signals = Signals(threading.Event(), threading.Event(), threading.Event())
    clocks = Clocks(media=time.monotonic, unix_ms=lambda: time.time_ns() // 1_000_000)
    pulse, started, errors = Pulse(), time.monotonic(), list[BaseException]()
    with Results(folder) as results:

        def run() -> None:
            try:
                frame_road(job, results, clocks, signals, pulse)
            except BaseException as error:  # noqa: BLE001  # raised again below, in the main thread
                errors.append(error)

        # In a thread of its own, so that Ctrl-C reaches this one and ends the road in order.
        road = threading.Thread(target=run, name="road")
        road.start()
        try:
            while road.is_alive():
                road.join(0.1)
                tell(results.frames)
        finally:
            signals.stop.set()
            road.join()
        if errors:
            raise errors[0]
        seconds, media = time.monotonic() - started, results.last_pts / MEDIA_CLOCK
        health = pulse.read(0)
        if not results.frames:
            raise InputError(f"{file}: no picture of it could be decoded; it is damaged, copy it again")
        labels = sorted(set(results.ids.values()))
        summary: Summary = {
            "file": str(file),
            "out": str(folder),
            "codec": health.get("codec"),
            "width": health.get("width"),
            "height": health.get("height"),
            "frames": results.frames,
            "frames_lost": health["pictures"] - results.frames,
            "media_seconds": round(media, 3),
            "seconds": round(seconds, 3),
            "speed": round(media / seconds, 2),
            "model": model,
            "detect_hz": detect_hz,
            "tracks": len(results.ids),
            "tracks_by_label": {label: list(results.ids.values()).count(label) for label in labels},
            "boxes": results.boxes,
            "touchline": touchline.__version__,
        }
        results.finish(summary)
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
