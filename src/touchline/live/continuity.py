"""What of a camera goes on over the lives of its workers: its counters and its track numbers. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

from touchline.live.job import CameraJob
from touchline.live.link import LinkError, Message, Report
from touchline.types import MEDIA_CLOCK, Fact, FactJson, JsonValue, fact_id

COUNTED = (
    "frames_skipped",
    "source_dropped",
    "line_dropped",
    "facts_dropped",
    "decode_errors",
    "pictures_late",
    "reconnects",
)
"""Fields of `CameraStatus` that a worker counts from its own start."""

AT_REST: dict[str, Any] = {
    "fps_in": 0.0,
    "fps_analysed": 0.0,
    "fps_detected": 0.0,
    "analysis_waits": False,
    "retry_at": None,
    "shed": [],
}
"""What is true of a camera that has no worker."""


class Continuity:
    """Hears all that one camera's workers say, one worker after another."""

    def __init__(self) -> None:
        self._ended = Counter[str]()
        self._running = Counter[str]()
        self._next_track = 1
        self._open: dict[int, tuple[int, JsonValue]] = {}
        self._pts = 0

    def brief(self, job: CameraJob) -> CameraJob:
        """``job`` as the next worker is to begin it: its first track has a number that none had before."""
        return replace(job, first_track=self._next_track)

    def take(self, message: Message) -> Message:
        """What the box is to hear in place of ``message``, the running worker's: counters since the box's start.

        Raises `LinkError` where a fact that must be read is no JSON object.
        """
        match message:
            case Report(fields):
                said = {name: fields[name] for name in COUNTED if name in fields}
                self._running.update({name: count - self._running[name] for name, count in said.items()})
                return Report(fields | {name: self._ended[name] + count for name, count in said.items()})
            case FactJson():
                self._follow(message)
            case _:
                pass
        return message

    def end(self, camera: str, unix_ms: int) -> list[Message]:
        """The worker has ended, and all it followed with it: each one's ``track_ended``, and a camera at rest.

        The next worker counts from 0. ``unix_ms``: for the facts' ids.
        """
        self._ended += self._running
        self._running.clear()
        told: list[Message] = []
        for track, (came, label) in self._open.items():
            seconds = round((self._pts - came) / MEDIA_CLOCK, 3)
            data: dict[str, JsonValue] = {"track": track, "label": label, "seconds": seconds}
            told.append(FactJson.of(Fact(fact_id(unix_ms), camera, "track_ended", self._pts, data)))
        self._open.clear()
        return [*told, Report(AT_REST)]

    def _follow(self, fact: FactJson) -> None:
        """Who came and who left; facts of other kinds tell the time."""
        self._pts = max(self._pts, fact.pts)
        if fact.kind not in ("track_started", "track_ended"):
            return
        try:
            data = json.loads(fact.data)
        except ValueError as error:
            raise LinkError(f"unreadable fact: {error}") from error
        if not isinstance(data, dict):
            raise LinkError(f"unreadable fact: no object but {type(data).__name__}")
        track = data.get("track")
        if fact.kind == "track_started" and isinstance(track, int):
            self._open[track] = (fact.pts, data.get("label"))
            self._next_track = max(self._next_track, track + 1)
        elif isinstance(track, int):
            self._open.pop(track, None)
