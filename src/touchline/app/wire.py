"""The composition root: settings in, a running box out. Read `run` from top to bottom; the rest is its parts."""

from __future__ import annotations

import asyncio
import errno
import functools
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from touchline.app.box import Box
from touchline.app.hearing import make_hearing, make_sensors
from touchline.app.refusal import refuse_lone_source, require_life, require_steps
from touchline.app.serving import OutOfHandles, allow_open_files, make_server
from touchline.app.settings import LOOPBACK, CameraSettings, Venue, expand, worker_environment
from touchline.deliver.factlog import FactLog
from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.webrtc import WhepLimits, WhepSessions
from touchline.live.job import CameraJob
from touchline.live.supervisor import Supervisor
from touchline.live.worker import EXIT_INPUT
from touchline.types import CameraState, CameraStatus, ConfigError

EXIT_INTERRUPTED = 130


async def run(
    venue: Venue, *, ready: Callable[[str, Box], None], display: bool = False, duration: float | None = None
) -> int:
    """Serve ``venue`` until Ctrl-C, until ``duration`` seconds have passed or the user closed the window.

    ``ready`` is called with the page's URL once it answers. Returns the exit status: 2 where no camera's job
    could be done at all, 130 after Ctrl-C, else 0, also after SIGTERM. Raises `ConfigError` where settings
    contradict each other, and where it cannot listen; `SourceError` where the one source cannot be used; after
    ``duration`` what `require_life` and `require_steps` raise.
    """
    box = make_box(venue)
    jobs = {camera.id: make_job(camera, venue, box.epoch, display=display) for camera in venue.cameras}
    refuse_lone_source(jobs.values())
    supervisor = Supervisor(jobs, box.hear, worker_environment())
    for camera, stream in box.streams.items():
        stream.request_key = functools.partial(supervisor.request_key, camera)
    allow_open_files()
    asyncio.get_running_loop().set_exception_handler(OutOfHandles())
    hearing = make_hearing(venue, box)
    listener = _listen(venue.server.host, venue.server.port)
    server = make_server(box)

    for number, exit_status in ((signal.SIGINT, EXIT_INTERRUPTED), (signal.SIGTERM, 0)):
        asyncio.get_running_loop().add_signal_handler(number, box.stop, exit_status)
    ready(f"http://{_shown(venue.server.host)}:{listener.getsockname()[1]}/", box)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    working = asyncio.create_task(_work(supervisor, box), name="workers")
    hears = [asyncio.create_task(hear(), name="sensors") for hear in hearing]
    stopping = asyncio.create_task(box.stopping.wait(), name="stopping")
    ends = {serving, working, stopping}
    first, _ = await asyncio.wait(ends, timeout=duration, return_when=asyncio.FIRST_COMPLETED)

    box.stopping.set()
    box.facts.close()
    await box.sessions.close_all()
    working.cancel()
    for task in hears:
        task.cancel()
    if hears:
        # Saying good-bye to a broker that does not answer would take longer.
        await asyncio.wait(hears, timeout=1)
    server.should_exit = True
    for ended in await asyncio.gather(serving, working, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    if duration is not None and not first:
        require_life(box, duration)
        require_steps(box)
    return box.exit_status


def make_box(venue: Venue) -> Box:
    """The state of a box for ``venue``. Raises `ConfigError` where settings contradict each other."""
    if not venue.cameras:
        raise ConfigError("no camera: name at least one SOURCE, or [[cameras]] in venue.toml")
    streams = {camera.id: CameraStream(camera.id) for camera in venue.cameras}
    return Box(
        statuses={camera.id: CameraStatus(camera.id, camera.name or camera.id) for camera in venue.cameras},
        streams=streams,
        facts=FactLog(),
        sessions=WhepSessions(streams, make_ice(venue), WhepLimits(viewers=venue.webrtc.max_viewers)),
        epoch=time.monotonic(),
        unguarded=venue.server.host not in LOOPBACK,
        sensors=make_sensors(venue),
    )


def make_job(camera: CameraSettings, venue: Venue, epoch: float, *, display: bool) -> CameraJob:
    """What ``camera``'s worker is asked to do. Raises `ConfigError` where a ``${VARIABLE}`` is not set."""
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
        device=camera.device or analysis.device,
        process=camera.process,
        burn_in=camera.burn_in,
        display=display,
        bitrate=camera.bitrate,
    )


def make_ice(venue: Venue) -> IceSettings:
    """How media reaches viewers. Raises `ConfigError` for a URL that is none and a ``${VARIABLE}`` not set."""
    webrtc = venue.webrtc
    ice = IceSettings.for_host(venue.server.host)
    turn = (webrtc.turn, webrtc.turn_username or "", expand(webrtc.turn_credential or "")) if webrtc.turn else None
    return replace(
        ice,
        addresses=tuple(webrtc.addresses) or ice.addresses,
        stun=(webrtc.stun,) if webrtc.stun else (),
        turn=(turn,) if turn else (),
    )


async def _work(supervisor: Supervisor, box: Box) -> None:
    """Run the workers. They may all end, as files do; the page goes on to say so."""
    await supervisor.run()
    if all(status.state is CameraState.FAILED for status in box.statuses.values()):
        box.stop(EXIT_INPUT)
    await box.stopping.wait()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=512)
    except OSError as error:
        remedy = "choose another with --port" if error.errno == errno.EADDRINUSE else "check --host and --port"
        raise ConfigError(f"{host}:{port}: cannot listen there ({error.strerror}); {remedy}") from error


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
