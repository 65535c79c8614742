"""The composition root: settings in, a running box out. The one place where all rooms meet."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import signal
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace

import uvicorn

from touchline.app.server import make_app
from touchline.app.settings import CameraSettings, Venue, expand
from touchline.deliver.factjson import FactJson
from touchline.deliver.factlog import FactLog
from touchline.deliver.fanout import CameraStream
from touchline.deliver.webrtc import IceSettings, WhepSessions
from touchline.live.job import CameraJob
from touchline.live.link import Command, Message, Report
from touchline.live.supervisor import Supervisor
from touchline.live.worker import EXIT_INPUT
from touchline.types import MEDIA_CLOCK, CameraState, CameraStatus, ConfigError, Fact, Packet, StreamInfo

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EXIT_INTERRUPTED = 130

_REPORTED = frozenset(
    (
        *("error", "fps_in", "fps_analysed", "fps_detected", "frames_skipped", "shed"),
        *("codec", "width", "height", "passthrough", "reconnects", "restarts"),
    )
)
"""What a worker may say of its camera; the rest of `CameraStatus` is the box's own to know."""


@dataclass
class Box:
    """What runs in the box's process. All of it lives on one event loop's thread."""

    venue: Venue
    epoch: float
    statuses: dict[str, CameraStatus]
    streams: dict[str, CameraStream]
    facts: FactLog
    sessions: WhepSessions
    supervisor: Supervisor
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    exit_status: int = 0

    def stop(self, exit_status: int) -> None:
        """End the box in order."""
        self.exit_status = exit_status
        self.stopping.set()

    def media_time(self) -> float:
        """Seconds since the box's media time 0."""
        return time.monotonic() - self.epoch

    @property
    def unguarded(self) -> bool:
        """Whether anybody but this machine's users can reach the box."""
        return self.venue.server.host not in LOOPBACK

    def cameras(self) -> list[CameraStatus]:
        """Every camera's health, as of now."""
        for camera, status in self.statuses.items():
            status.viewers = self.streams[camera].viewers
            status.packets_dropped = self.streams[camera].packets_dropped
        return list(self.statuses.values())


def make_box(venue: Venue, *, display: bool = False) -> Box:
    """Wire a box for ``venue``. Starts nothing. Raises `ConfigError` where settings contradict each other."""
    if not venue.cameras:
        raise ConfigError("no camera: name at least one SOURCE, or [[cameras]] in venue.toml")
    epoch = time.monotonic()
    statuses = {camera.id: CameraStatus(camera.id, camera.name or camera.id) for camera in venue.cameras}
    streams = {camera.id: CameraStream(camera.id) for camera in venue.cameras}
    facts = FactLog()
    jobs = {camera.id: _job(camera, venue, epoch, display=display) for camera in venue.cameras}

    def on_message(camera: str, message: Message) -> None:
        """What a worker says → viewers, facts, health."""
        stream, status = streams[camera], statuses[camera]
        match message:
            case Packet():
                stream.publish(message)
                age = (time.monotonic() - epoch - message.pts / MEDIA_CLOCK) * 1000
                before = status.latency_ms
                status.latency_ms = round(age if before is None else before + 0.05 * (age - before), 1)
            case Fact():
                fact = FactJson.of(message)
                stream.publish_fact(fact)
                facts.add(fact)
            case StreamInfo():
                stream.publish_info(message)
            case Report():
                _apply(status, message)
                if message.fields.get("quit"):
                    box.stopping.set()
            case Command():
                log.warning("%s: its worker sent a command: ignored", camera)

    supervisor = Supervisor(jobs, on_message)
    for camera, stream in streams.items():
        stream.request_key = functools.partial(supervisor.command, camera, "key")
    sessions = WhepSessions(streams, _ice(venue))
    box = Box(venue, epoch, statuses, streams, facts, sessions, supervisor)
    return box


async def run_box(box: Box, *, duration: float | None, ready: Callable[[str], None]) -> int:
    """Serve until Ctrl-C, until ``duration`` seconds have passed or the user closed the window.

    ``ready`` is called with the page's URL once it answers. Returns the exit status: 2 where no camera's job
    could be done at all, 130 after Ctrl-C, else 0. Raises `ConfigError` where it cannot listen.
    """
    listener = _listen(box.venue.server.host, box.venue.server.port)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, box.stop, EXIT_INTERRUPTED)
    config = uvicorn.Config(
        make_app(box), log_level="warning", access_log=False, timeout_graceful_shutdown=1, ws="none"
    )
    server = _Server(config)
    ready(f"http://{_shown(box.venue.server.host)}:{listener.getsockname()[1]}/")
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    workers = asyncio.create_task(_work(box), name="workers")
    stopping = asyncio.create_task(box.stopping.wait(), name="stopping")
    await asyncio.wait({serving, workers, stopping}, timeout=duration, return_when=asyncio.FIRST_COMPLETED)
    box.stopping.set()
    box.facts.close()
    await box.sessions.close_all()
    workers.cancel()
    server.should_exit = True
    for ended in await asyncio.gather(serving, workers, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    return box.exit_status


async def _work(box: Box) -> None:
    """Run the workers. They may all end, as files do; the page goes on to say so."""
    await box.supervisor.run()
    if all(status.state is CameraState.FAILED for status in box.statuses.values()):
        box.stop(EXIT_INPUT)
    await box.stopping.wait()


class _Server(uvicorn.Server):
    """Leaves signals alone: `run_box` ends workers and viewers before the server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=512)
    except OSError as error:
        remedy = "choose another with --port" if error.errno == errno.EADDRINUSE else "check --host and --port"
        raise ConfigError(f"{host}:{port}: cannot listen there ({error.strerror}); {remedy}") from error


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104


def _job(camera: CameraSettings, venue: Venue, epoch: float, *, display: bool) -> CameraJob:
    analysis = venue.analysis
    return CameraJob(
        id=camera.id,
        source=expand(camera.source),
        name=camera.name or camera.id,
        epoch=epoch,
        loop=camera.loop,
        model=camera.model or analysis.model,
        detect_hz=camera.detect_hz or analysis.detect_hz,
        detect_width=camera.detect_width or analysis.detect_width,
        process=camera.process,
        burn_in=camera.burn_in,
        display=display,
        bitrate=camera.bitrate,
    )


def _ice(venue: Venue) -> IceSettings:
    webrtc = venue.webrtc
    ice = IceSettings.for_host(venue.server.host)
    turn = (webrtc.turn, webrtc.turn_username or "", expand(webrtc.turn_credential or "")) if webrtc.turn else None
    return replace(
        ice,
        addresses=tuple(webrtc.addresses) or ice.addresses,
        stun=(webrtc.stun,) if webrtc.stun else (),
        turn=(turn,) if turn else (),
        max_sessions=webrtc.max_viewers,
    )


def _apply(status: CameraStatus, report: Report) -> None:
    before = (status.state, status.error)
    for name, value in report.fields.items():
        if name == "state":
            status.state = CameraState(value)
        elif name in _REPORTED:
            setattr(status, name, value)
    if (status.state, status.error) != before:
        _tell(status)


def _tell(status: CameraStatus) -> None:
    if status.state is CameraState.LIVE:
        way = "passed through" if status.passthrough else "encoded here"
        log.info("%s: live, %d×%d %s, %s", status.id, status.width, status.height, status.codec, way)
    else:
        level = logging.INFO if status.state is CameraState.CONNECTING else logging.WARNING
        log.log(level, "%s: %s%s", status.id, status.state, f": {status.error}" if status.error else "")
