"""Keeps one worker process per camera running, and reads what they say.

A worker that dies, hangs or talks nonsense is replaced alone; the others don't notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from touchline.live.continuity import Continuity
from touchline.live.job import CameraJob
from touchline.live.link import Command, LinkError, Message, Report, Unpacker, pack
from touchline.live.worker import EXIT_AGAIN, EXIT_HANGS, EXIT_INPUT
from touchline.types import CameraState

log = logging.getLogger(__name__)

SILENCE_S = 3.0
"""A worker that has said nothing for so long is killed."""

START_S = 30.0
"""The same while it starts, for a small box needs its time to load the libraries."""

SECOND_LOOK_S = 0.5
"""What is given on top of either: where the whole box stood still, its word is there to be read."""

STEADY_S = 30.0
"""A worker that lived so long died by accident and is restarted at once; others wait longer each time."""

DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

FAILURES = 3
"""After so many ends in a row, none of them after a steady life, the camera has failed; it is tried on."""

_READ = 256 * 1024


@dataclass(slots=True)
class _Life:
    """One worker. ``continuity``: over all the camera's workers. ``spoke``: whether it said a word. ``done``:
    whether it said that there is nothing more to do."""

    process: asyncio.subprocess.Process
    writer: asyncio.StreamWriter
    continuity: Continuity
    spoke: bool = False
    done: bool = False


class Supervisor:
    """Runs ``jobs``; ``on_message`` gets every message with its camera's id, on the event loop's thread.

    ``environment``: the workers', which also get ``TOUCHLINE_WORKER``, the camera's id, by which
    people and tests find a camera's worker among processes.
    """

    def __init__(
        self,
        jobs: Mapping[str, CameraJob],
        on_message: Callable[[str, Message], None],
        environment: Mapping[str, str],
    ) -> None:
        self._jobs = dict(jobs)
        self._on_message = on_message
        self._environment = dict(environment)
        self._running: dict[str, _Life] = {}

    async def run(self) -> None:
        """Keep all workers running until cancelled; a worker ends when its line is closed."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs.values():
                group.create_task(self._keep(job), name=f"keep {job.id}")

    def request_key(self, camera: str) -> None:
        """Ask a camera's worker, if it runs, for a key picture."""
        running = self._running.get(camera)
        if running is not None and not running.writer.is_closing():
            running.writer.write(pack(Command("key")))

    async def _keep(self, job: CameraJob) -> None:
        clock = asyncio.get_running_loop().time
        failures = restarts = 0
        continuity = Continuity()
        while True:
            started = clock()
            status, why, life = await self._live_once(continuity.brief(job), continuity)
            for message in continuity.end(job.id, time.time_ns() // 1_000_000):
                self._pass_on(job.id, message)
            if status == EXIT_INPUT:
                return  # it has said why
            if status == 0 and life and life.done:
                log.info("%s: its worker is done", job.id)
                return
            failures = 0 if life and life.spoke and clock() - started > STEADY_S else failures + 1
            restarts += 1
            delay = DELAYS_S[min(failures, len(DELAYS_S) - 1)]
            state, message = CameraState.CONNECTING, f"its worker {why or _ending(status)}"
            if failures >= FAILURES:
                state = CameraState.FAILED
                message += f", {failures} times in a row (its last words are in the box's output)"
            message += f"; starting another in {delay:g} s"
            log.warning("%s: %s", job.id, message)
            self._pass_on(job.id, Report({"state": str(state), "error": message, "restarts": restarts}))
            await asyncio.sleep(delay)

    async def _live_once(self, job: CameraJob, continuity: Continuity) -> tuple[int, str, _Life | None]:
        """Start a worker and hear it out.

        Returns its exit status, why it was killed ("" where it was not), and what there is to know of it, None
        where it could not be started.
        """
        ours: socket.socket | None = None
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                process = await self._spawn(job, theirs)
        except OSError as error:
            if ours:
                ours.close()
            return 1, f"could not be started ({error.strerror})", None
        reader, writer = await asyncio.open_connection(sock=ours, limit=_READ)
        life = self._running[job.id] = _Life(process, writer, continuity)
        why = ""
        try:
            writer.write(pack(Command("start", job.to_json())))
            why = await self._hear(job.id, reader, life)
        except ConnectionError:
            pass  # it ended without reading all that was said to it
        except LinkError as error:
            why = f"broke its line ({error})"
        finally:
            self._running.pop(job.id, None)
            writer.close()
            status = await _reap(process, patience=0.0 if why else 3.0)
        return status, why, life

    async def _spawn(self, job: CameraJob, line: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # what lies in the folder the user works in is not to be taken for a library
            "-m",
            "touchline.live.worker",
            str(line.fileno()),
            pass_fds=(line.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=self._environment | {"TOUCHLINE_WORKER": job.id},
        )

    async def _hear(self, camera: str, reader: asyncio.StreamReader, life: _Life) -> str:
        unpacker, patience = Unpacker(), START_S
        while True:
            data = await _read(reader, patience)
            if data is None:
                return f"was silent for {patience:.0f} s and was killed"
            if not data:
                return ""
            for message in unpacker.feed(data):
                life.spoke = True
                if isinstance(message, Report):
                    life.done = life.done or message.fields.get("done") is True
                    if "state" in message.fields:
                        patience = SILENCE_S  # its libraries and the model are loaded
                self._pass_on(camera, life.continuity.take(message))

    def _pass_on(self, camera: str, message: Message) -> None:
        try:
            self._on_message(camera, message)
        except Exception:
            # A fault of the box's own in what one camera sent must not end the others.
            log.exception("%s: a message could not be passed on", camera)


async def _read(reader: asyncio.StreamReader, patience: float) -> bytes | None:
    """What comes within ``patience`` seconds, or None.

    Where this process itself stood still, the time-out wins over what came meanwhile: so look a second time.
    """
    for seconds in (patience, SECOND_LOOK_S):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await reader.read(_READ)
    return None


async def _reap(process: asyncio.subprocess.Process, patience: float) -> int:
    """Wait ``patience`` seconds for the process to end by itself, then kill it. Returns its exit status."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            return await process.wait()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    return await process.wait()


def _ending(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    if status == EXIT_AGAIN:
        return "ended to free the camera, whose driver hangs"
    if status == EXIT_HANGS:
        return "hung over a picture for 10 s (where is in the box's output)"
    return f"ended with status {status}"
