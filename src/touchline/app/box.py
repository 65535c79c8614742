"""What the box knows: each camera's health and stream, facts, viewers. Told by workers, asked by HTTP."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from dataclasses import dataclass, field, fields

from touchline.deliver.factlog import FactLog
from touchline.deliver.fanout import CameraStream
from touchline.deliver.webrtc import WhepSessions
from touchline.live.link import Command, Message, Report
from touchline.story.sensors import Sensors
from touchline.types import (
    ALL_CAMERAS,
    MEDIA_CLOCK,
    CameraState,
    CameraStatus,
    FactJson,
    LinkStatus,
    NodeStatus,
    Packet,
    StreamInfo,
)

log = logging.getLogger(__name__)

_TIMES = frozenset(("latency_ms", "picture_age_ms", "next_try_ms"))
_OURS = _TIMES | {"id", "name", "packets_dropped", "viewers", "sample_aspect"}
"""What of `CameraStatus` the box finds out by itself; all else is for the camera's worker to say."""

_REPORTED = frozenset(field.name for field in fields(CameraStatus)) - _OURS

LOOP_RESTARTS, LOOP_S = 3, 300.0
"""A camera whose worker was replaced so often in so many seconds is ill, though it be live in between."""

_SMOOTHING = 0.05
"""Weight of one picture in the average of their ages."""


@dataclass
class Box:
    """The state of a running box. All of it lives on one event loop's thread.

    ``epoch``: media time 0 in seconds of the system's monotonic clock. ``unguarded``: whether others than this
    machine's users can reach the box. ``links``: the broker and the serial lines that ``sensors`` are heard by.
    ``stopping`` is set when it is to end, with ``exit_status``.
    """

    statuses: dict[str, CameraStatus]
    streams: dict[str, CameraStream]
    facts: FactLog
    sessions: WhepSessions
    epoch: float
    unguarded: bool
    sensors: Sensors = field(default_factory=lambda: Sensors(()))
    links: list[LinkStatus] = field(default_factory=list[LinkStatus])
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    exit_status: int = 0
    lived: bool = False
    """Whether a camera was ever live."""
    faulty: set[str] = field(default_factory=set[str])
    """The cameras whose own step, of the user's, failed at least once, by id."""
    _retry_at: dict[str, float | None] = field(default_factory=dict[str, float | None])
    """Media time of the next try to reach each camera, s."""
    _restarted: dict[str, deque[float]] = field(default_factory=dict[str, deque[float]])

    def hear(self, camera: str, message: Message) -> None:
        """What ``camera``'s worker says → viewers, facts, health."""
        stream, status = self.streams[camera], self.statuses[camera]
        match message:
            case Packet():
                stream.publish(message)
                # A source that caught up after a stall is placed a little ahead, until its timeline has followed.
                age = max(0.0, (self.media_time() - message.pts / MEDIA_CLOCK) * 1000)
                before = age if status.latency_ms is None else status.latency_ms
                status.latency_ms = round(before + _SMOOTHING * (age - before), 1)
            case FactJson():
                stream.publish_fact(message)
                self.facts.add(message)
            case StreamInfo():
                stream.publish_info(message)
                status.sample_aspect = message.sample_aspect
            case Report():
                if message.fields.get("restarts", 0) > status.restarts:
                    self._restarted.setdefault(camera, deque(maxlen=LOOP_RESTARTS)).append(self.media_time())
                if "retry_at" in message.fields:
                    self._retry_at[camera] = message.fields["retry_at"]
                changed = _apply(status, message)
                status.next_try_ms = self._next_try_ms(status)
                if changed:
                    _tell(status)
                self.lived = self.lived or status.state is CameraState.LIVE
                if message.fields.get("fault"):
                    self.faulty.add(camera)
                if message.fields.get("quit"):
                    self.stop(0)
            case Command():
                log.warning("%s: its worker sent a command: ignored", camera)

    def hear_node(self, node: str, payload: bytes, *, serial: bool = False, retained: bool = False) -> None:
        """What a sensor node says → viewers and facts, where it is one."""
        unix_ms = time.time_ns() // 1_000_000
        fact = self.sensors.take(node, payload, self.media_time(), unix_ms, serial=serial, retained=retained)
        if fact is None:
            return
        made = FactJson.of(fact)
        for stream in self.streams.values() if fact.camera == ALL_CAMERAS else (self.streams[fact.camera],):
            stream.publish_fact(made)
        self.facts.add(made)

    def nodes(self) -> list[NodeStatus]:
        """Every sensor node, as of now."""
        return self.sensors.statuses(self.media_time())

    def stop(self, exit_status: int) -> None:
        """End the box in order."""
        self.exit_status = exit_status
        self.stopping.set()

    def media_time(self) -> float:
        """Seconds since the box's media time 0."""
        return time.monotonic() - self.epoch

    def ill(self) -> list[str]:
        """The cameras that are not well, by id: no picture comes or it comes after failure, or its workers end
        one after another."""
        now = self.media_time()
        return [
            status.id
            for status in self.statuses.values()
            if status.state in (CameraState.FAILED, CameraState.STALE)
            or (status.state is CameraState.CONNECTING and status.restarts)
            or sum(now - at < LOOP_S for at in self._restarted.get(status.id, ())) >= LOOP_RESTARTS
        ]

    def cameras(self) -> list[CameraStatus]:
        """Every camera's health, as of now."""
        now = self.media_time()
        for camera, status in self.statuses.items():
            stream = self.streams[camera]
            if stream.last_pts is not None:
                age = now - stream.last_pts / MEDIA_CLOCK
                status.picture_age_ms = round(max(0.0, age) * 1000, 1)
            status.next_try_ms = self._next_try_ms(status)
            status.viewers = stream.viewers
            status.packets_dropped = stream.packets_dropped
            status.facts_unsent = stream.facts_unsent
        return list(self.statuses.values())

    def _next_try_ms(self, status: CameraStatus) -> float | None:
        at = self._retry_at.get(status.id)
        if at is None or status.state is CameraState.LIVE:
            return None
        return round(max(0.0, at - self.media_time()) * 1000, 1)


def _apply(status: CameraStatus, report: Report) -> bool:
    """Take over what is reported. Whether it is to be told to the user."""
    before = (status.state, status.error)
    for name, value in report.fields.items():
        if name == "state":
            status.state = CameraState(value)
        elif name in _REPORTED:
            setattr(status, name, value)
    if status.state is not CameraState.LIVE:  # no picture comes: none has an age, and nothing is given up for it
        status.latency_ms, status.shed = None, []
    # What is wrong with a live camera is the user's own step, which has said so.
    return status.state is not before[0] or (status.error != before[1] and status.state is not CameraState.LIVE)


def _tell(status: CameraStatus) -> None:
    if status.state is CameraState.LIVE:
        way = "passed through" if status.passthrough else "encoded here"
        log.info("%s: live, %d×%d %s, %s", status.id, status.width, status.height, status.codec, way)
    else:
        level = logging.INFO if status.state is CameraState.CONNECTING else logging.WARNING
        said = [status.error] if status.error else []
        if status.next_try_ms is not None:
            seconds = math.ceil(status.next_try_ms / 1000)
            said.append(f"next try in {seconds} s" if seconds else "trying again now")
        log.log(level, "%s: %s%s", status.id, status.state, f": {'; '.join(said)}" if said else "")
