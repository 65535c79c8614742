"""A real box, started as a user starts it, and what it takes to ask it things."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

START_S = 60


class Box:
    """A running ``touchline live …`` or ``touchline demo``."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    def get(self, path: str) -> Any:
        """JSON of a GET."""
        with urllib.request.urlopen(self.url + path.lstrip("/"), timeout=10) as answer:
            return json.load(answer)

    def camera(self, identity: str) -> dict[str, Any]:
        """One camera's health."""
        return next(camera for camera in self.get("api/v1/cameras")["cameras"] if camera["id"] == identity)

    def tracks(self, identity: str) -> list[dict[str, Any]]:
        """All of a camera's facts of kind ``tracks`` that the box still holds, oldest first, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            since = f"&since={found[-1]['id']}" if found else ""
            page = self.get(f"api/v1/facts?camera={identity}&kind=tracks&limit=1000{since}")["facts"]
            found += page
            if len(page) < 1000:
                return found

    def wait(self, identity: str, good: Callable[[dict[str, Any]], bool], seconds: float = 30) -> dict[str, Any]:
        """The camera's health once ``good`` says so; fails after ``seconds``."""
        end = time.monotonic() + seconds
        while True:
            camera = self.camera(identity)
            if good(camera):
                return camera
            if time.monotonic() > end:
                raise AssertionError(f"not in {seconds} s: {camera}\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return children(self.process.pid)

    def worker_of(self, identity: str) -> int:
        """Process id of a camera's worker: it stands in the worker's environment."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in map(int, found):
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if f"TOUCHLINE_WORKER={identity}".encode() in environment:
                return pid
        raise AssertionError(f"no worker of {identity} among {found}")

    def end(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C, and the exit status."""
        self.process.send_signal(number)
        return self.process.wait(15)


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[Box]:
    """``touchline ARGUMENTS --port 0``; killed at the end if it has not ended."""
    log = folder / "box.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "touchline", *arguments, "--port", "0"],
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | environment,
        )
        try:
            yield Box(process, _url(process, log), log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)


def children(pid: int) -> list[int]:
    """Process ids of a process's children."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``touchline ARGUMENTS``, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "touchline", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
    )


def _url(process: subprocess.Popen[str], log: Path) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        found = re.search(r"(http://\S+?:\d+/) ", log.read_text())
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the box did not start:\n{log.read_text()}")
