"""The supervisor with real workers: what one camera does is no other's concern."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.box import children
from touchline.live import supervisor as supervising
from touchline.live.continuity import AT_REST
from touchline.live.job import CameraJob
from touchline.live.link import Message, Report
from touchline.live.supervisor import Supervisor
from touchline.types import Packet


def job(name: str, process: str | None = None) -> CameraJob:
    return CameraJob(id=name, source="test:?width=640&height=360", epoch=time.monotonic(), process=process)


async def run(supervisor: Supervisor, seen: Counter[str], enough: Counter[str]) -> None:
    running = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(60):
            while not (running.done() or seen >= enough):
                await asyncio.sleep(0.05)
        assert not running.done()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def test_a_fault_in_taking_one_camera_s_word_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    seen: Counter[str] = Counter()
    restarts: list[str] = []

    def on_message(camera: str, message: Message) -> None:
        if isinstance(message, Report) and "restarts" in message.fields:
            restarts.append(camera)
        if isinstance(message, Packet):
            seen[camera] += 1
            if camera == "ill":
                raise ValueError("a fault of the box's own")

    with caplog.at_level(logging.ERROR):
        supervisor = Supervisor({name: job(name) for name in ("ill", "well")}, on_message, os.environ)
        asyncio.run(run(supervisor, seen, Counter(ill=30, well=30)))
    assert restarts == []
    assert "ill: a message could not be passed on" in caplog.text


class Reports:
    """What a camera's workers and the supervisor report, in order."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def hear(self, _camera: str, message: Message) -> None:
        if isinstance(message, Report):
            self.all.append(message.fields)

    def latest(self) -> dict[str, Any]:
        """Each field's last value."""
        return {name: value for fields in self.all for name, value in fields.items()}


async def hear(
    reports: Reports, environment: dict[str, str], *steps: Callable[[], bool], camera: CameraJob | None = None
) -> None:
    """Run one camera until each of ``steps`` has held in turn, or its worker is given up."""
    running = asyncio.create_task(Supervisor({"cam": camera or job("cam")}, reports.hear, environment).run())
    try:
        async with asyncio.timeout(90):
            for step in steps:
                while not (step() or running.done()):
                    await asyncio.sleep(0.05)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def with_module(folder: Path, name: str, text: str) -> dict[str, str]:
    """An environment in which Python finds ``text`` where it looks for the module ``name``."""
    (folder / f"{name}.py").write_text(text)
    return os.environ | {"PYTHONPATH": str(folder)}


def sent(number: signal.Signals) -> bool:
    """Send a signal to the worker, if there is one."""
    for pid in children(os.getpid()):
        if b"TOUCHLINE_WORKER=cam" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            os.kill(pid, number)
            return True
    return False


def test_a_worker_without_its_libraries_has_failed_and_is_not_tried_again(tmp_path: Path) -> None:
    environment = with_module(tmp_path, "cv2", "raise ImportError('libGL.so.1: cannot open\\nmore')")
    reports = Reports()
    asyncio.run(hear(reports, environment, lambda: False))
    last = reports.latest()
    assert last["state"] == "failed"
    assert last["error"] == "cam: libGL.so.1: cannot open; install again, in a clone: .venv/bin/pip install -e ."
    assert "restarts" not in last


def test_a_worker_that_dies_before_it_says_a_word_has_failed_and_is_tried_ever_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "DELAYS_S", (0.0, 0.01, 0.02, 0.03))
    environment = with_module(tmp_path, "sitecustomize", "import os\nos._exit(7)\n")
    reports = Reports()
    asyncio.run(hear(reports, environment, lambda: reports.latest().get("restarts", 0) >= 5))
    told = [fields for fields in reports.all if "restarts" in fields][:5]
    assert [fields["state"] for fields in told] == ["connecting"] * 2 + ["failed"] * 3
    assert "ended with status 7, 5 times in a row" in told[4]["error"]
    assert [fields["error"].rpartition(" in ")[2] for fields in told] == ["0.01 s", "0.02 s"] + ["0.03 s"] * 3


def test_what_lies_where_the_user_works_is_not_taken_for_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('not the library')")
    monkeypatch.chdir(tmp_path)
    reports = Reports()
    asyncio.run(hear(reports, dict(os.environ), lambda: "state" in reports.latest()))
    assert reports.latest()["state"] in ("connecting", "live"), reports.all
    assert "restarts" not in reports.latest()


def test_a_camera_whose_worker_was_killed_is_at_rest_and_keeps_its_counts() -> None:
    reports = Reports()

    def counted() -> bool:
        return reports.latest().get("fps_in", 0) > 0 and "reconnects" in reports.latest()

    asyncio.run(
        hear(
            reports,
            dict(os.environ),
            counted,
            lambda: sent(signal.SIGKILL),
            lambda: "restarts" in reports.latest(),
        )
    )
    at = next(number for number, fields in enumerate(reports.all) if "restarts" in fields)
    assert reports.all[at - 1] == AT_REST


def test_a_worker_that_ends_to_free_its_camera_says_so_and_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The road is one that finds the driver hanging: no test can have such a camera."""
    monkeypatch.setattr(supervising, "DELAYS_S", (0.0, 0.01))
    hangs = "from touchline.live import road\nfrom touchline.types import DeviceHeld\n"
    hangs += "def frame_road(*_):\n    raise DeviceHeld('/dev/video0: silent')\nroad.frame_road = frame_road\n"
    environment = with_module(tmp_path, "sitecustomize", hangs)
    reports = Reports()
    asyncio.run(hear(reports, environment, lambda: "restarts" in reports.latest()))
    last = reports.latest()
    assert last["error"].startswith("its worker ended to free the camera, whose driver hangs; starting another")
    assert last["state"] == "connecting"


def test_a_worker_that_somebody_ended_is_replaced() -> None:
    reports = Reports()
    live = [lambda: reports.latest().get("state") == "live", lambda: sent(signal.SIGTERM)]
    asyncio.run(hear(reports, dict(os.environ), *live, lambda: "restarts" in reports.latest()))
    assert "its worker ended with status 143; starting another" in reports.latest()["error"]


def test_a_worker_that_ends_well_without_a_word_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "DELAYS_S", (0.0, 0.01))
    environment = with_module(tmp_path, "sitecustomize", "import os\nos._exit(0)\n")
    reports = Reports()
    asyncio.run(hear(reports, environment, lambda: "restarts" in reports.latest()))
    assert "ended with status 0" in reports.latest()["error"]


def test_a_worker_whose_picture_takes_for_ever_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervising, "DELAYS_S", (0.0, 0.01))
    (tmp_path / "my.py").write_text("import time\ndef hang(image):\n    while True: time.sleep(1)\n")
    hangs = job("cam", process=f"{tmp_path / 'my.py'}:hang")
    reports = Reports()
    asyncio.run(hear(reports, dict(os.environ), lambda: "restarts" in reports.latest(), camera=hangs))
    assert "its worker hung over a picture for 10 s" in reports.latest()["error"]
    printed = capfd.readouterr().err
    assert "cam: decode hangs" in printed
    assert "in hang" in printed


def test_a_worker_that_is_done_is_not_replaced(tmp_path: Path) -> None:
    ends = "from touchline.live import road\nroad.frame_road = lambda *_: None\n"
    reports = Reports()
    asyncio.run(hear(reports, with_module(tmp_path, "sitecustomize", ends), lambda: False))
    assert "restarts" not in reports.latest()


def test_a_box_without_file_handles_waits_for_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "DELAYS_S", (0.1,))
    reports = Reports()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []

    def exhausted() -> bool:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        return True

    def freed() -> bool:
        if "restarts" not in reports.latest():
            return False
        while held:
            os.close(held.pop())
        return True

    try:
        asyncio.run(hear(reports, dict(os.environ), exhausted, freed, lambda: "fps_in" in reports.all[-1]))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for handle in held:
            os.close(handle)
    told = next(fields["error"] for fields in reports.all if "restarts" in fields)
    assert told.startswith("its worker could not be started (Too many open files)")


def test_a_box_that_stood_still_hears_what_its_workers_said_meanwhile() -> None:
    reports = Reports()

    def stood_still() -> bool:
        if reports.latest().get("state") != "live":
            return False
        time.sleep(supervising.SILENCE_S + 1)
        return True

    seen: list[int] = []

    def heard_again() -> bool:
        seen.append(len(reports.all))
        return seen[-1] >= seen[0] + 4

    asyncio.run(hear(reports, dict(os.environ), stood_still, heard_again))
    assert "restarts" not in reports.latest()
