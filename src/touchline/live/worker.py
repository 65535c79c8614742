"""One camera's process: ``python -m touchline.live.worker FD``.

Its job comes over the line ``FD``, not by argv, for a source's URL may hold a password. It ends when the line
does.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

from touchline.live.job import CameraJob, Clocks, Signals
from touchline.live.link import Command, LinkError, Report, Unpacker
from touchline.live.outlet import Outlet
from touchline.live.pulse import Pulse
from touchline.types import CameraState, DeviceHeld, InputError

PULSE_S = 0.5
"""Seconds between two reports. The supervisor takes a worker that is silent for 3 s for dead."""

EXIT_INPUT = 2
"""Exit status where the job cannot be done, so that starting again would be of no use."""

EXIT_AGAIN = 3
"""Exit status where another process can go on and this one cannot."""

EXIT_HANGS = 4
"""Exit status where a picture kept a thread for ten seconds: in a decoder, the detector or the user's own step."""

EXIT_TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM, which is not the box's way to end a worker."""

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Take a job from the line and run it. Returns the exit status."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the box's affair: it ends its workers in order
    line = socket.socket(fileno=int(sys.argv[1]))
    unpacker = Unpacker()
    job = _await_job(line, unpacker)

    signals = Signals(threading.Event(), threading.Event(), threading.Event())
    outlet = Outlet(line, signals.stop)
    try:
        # Late, so that the supervisor's hand is free while the libraries load.
        import cv2

        from touchline.live.road import frame_road
    except ImportError as error:
        reason = str(error).partition("\n")[0]
        return _give_up(
            outlet,
            f"{(job.name or job.id).removesuffix(':')}: {reason}; "
            "install again, in a clone: .venv/bin/pip install -e .",
        )
    cv2.setNumThreads(1)

    terminated = threading.Event()

    def terminate(_number: int, _frame: FrameType | None) -> None:
        terminated.set()
        signals.stop.set()

    signal.signal(signal.SIGTERM, terminate)
    clocks = Clocks(
        media=lambda: time.monotonic() - job.epoch,
        unix_ms=lambda: time.time_ns() // 1_000_000,
    )
    pulse = Pulse()
    pulse.watch(line_dropped=lambda: outlet.packets_dropped, facts_dropped=lambda: outlet.facts_dropped)
    threading.Thread(target=_listen, args=(line, unpacker, signals), name="listen", daemon=True).start()
    threading.Thread(
        target=_beat, args=(job.id, pulse, outlet, clocks, signals), name="pulse", daemon=True
    ).start()
    try:
        frame_road(job, outlet, clocks, signals, pulse)
    except InputError as error:
        return _give_up(outlet, str(error))
    except DeviceHeld as error:
        # The driver lets go of the camera when this process ends; the supervisor starts another.
        print(f"{job.id}: {error}", file=sys.stderr)
        return EXIT_AGAIN
    if terminated.is_set():
        return EXIT_TERMINATED
    outlet.send(Report(_health(pulse, clocks, signals) | {"quit": signals.quit.is_set(), "done": True}))
    outlet.drain(1.0)
    return 0


def _give_up(outlet: Outlet, why: str) -> int:
    """Tell the box that the job cannot be done."""
    outlet.send(Report({"state": str(CameraState.FAILED), "error": why}))
    outlet.drain(1.0)
    return EXIT_INPUT


def _await_job(line: socket.socket, unpacker: Unpacker) -> CameraJob:
    line.settimeout(10)
    while True:
        data = line.recv(65536)
        if not data:
            raise SystemExit("worker: the box hung up before it gave a job")
        for message in unpacker.feed(data):
            if isinstance(message, Command) and message.name == "start":
                line.settimeout(None)
                return CameraJob(**message.job)
            raise LinkError(f"the first word must be start, was {message}")


def _listen(line: socket.socket, unpacker: Unpacker, signals: Signals) -> None:
    try:
        while data := _receive(line):
            for message in unpacker.feed(data):
                if message != Command("key"):
                    raise LinkError(f"a worker takes key, not {message}")
                signals.key.set()
    finally:
        signals.stop.set()


def _receive(line: socket.socket) -> bytes:
    try:
        return line.recv(65536)
    except OSError:
        return b""


def _beat(camera: str, pulse: Pulse, outlet: Outlet, clocks: Clocks, signals: Signals) -> None:
    while not signals.stop.wait(PULSE_S):
        if signals.quit.is_set():
            outlet.send(Report({"quit": True}))
        outlet.send(Report(_health(pulse, clocks, signals)))
        hanging = pulse.progress.stuck()
        if hanging:
            _leave(camera, hanging)


def _leave(camera: str, hanging: str) -> None:
    """End this process, for no thread of it can be ended. Prints where it stands."""
    print(f"{camera}: {hanging} hangs; it stands at:", file=sys.stderr)
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    sys.stderr.flush()
    os._exit(EXIT_HANGS)


def _health(pulse: Pulse, clocks: Clocks, signals: Signals) -> dict[str, Any]:
    """The pulse, and what failed of the user's own; that is the camera's error where the source is at no fault."""
    fields = pulse.read(clocks.media())
    if signals.faults:
        fields["fault"] = signals.faults[0]
        if fields.get("error") is None:
            fields["error"] = signals.faults[0]
    return fields


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The libraries' own threads may be inside a call that nothing interrupts: all is said, so leave.
    os._exit(status)
