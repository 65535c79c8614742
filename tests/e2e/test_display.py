"""``--display`` under a virtual screen: a window that q closes, and the camera is let go."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clips import write_clip
from tests.e2e.box import Box, children, command, running
from tests.media.rtsp_server import RtspServer
from tests.needs import need, need_rtsp_server
from tests.slow_detector import write_flat, write_slow_detector


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[str]:
    xvfb = need("Xvfb", "xdotool")
    with (tmp_path / "display").open("w+") as file:
        process = subprocess.Popen(
            [
                xvfb,
                "-displayfd",
                str(file.fileno()),
                "-screen",
                "0",
                "1600x1000x24",
                "-nolisten",
                "tcp",
                "-noreset",
            ],
            pass_fds=(file.fileno(),),
            stderr=subprocess.DEVNULL,
        )
        try:
            end = time.monotonic() + 20
            while not (number := (tmp_path / "display").read_text().strip()) and time.monotonic() < end:
                time.sleep(0.05)
            yield f":{number}"
        finally:
            process.terminate()
            process.wait(10)


def xdotool(screen: str, *words: str) -> str:
    return subprocess.run(
        ["xdotool", *words], env={"DISPLAY": screen}, capture_output=True, text=True, timeout=20, check=False
    ).stdout.strip()


def wait_for_window(screen: str, box: Box, size: str) -> str:
    """The window's number once it has its ``size``, such as 1280x720."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for window in xdotool(screen, "search", "--class", "touchline").split():
            if size in xdotool(screen, "getwindowgeometry", window):
                return window
        time.sleep(0.1)
    raise AssertionError(box.log.read_text())


def press_q_until_it_ends(screen: str, window: str, box: Box) -> None:
    """No window manager is there to see to it that a key arrives."""
    end = time.monotonic() + 60
    while box.process.poll() is None and time.monotonic() < end:
        xdotool(screen, "windowfocus", window)
        xdotool(screen, "key", "--window", window, "q")
        with contextlib.suppress(subprocess.TimeoutExpired):
            box.process.wait(3)


def test_q_closes_the_window_and_lets_the_camera_go(tmp_path: Path, screen: str) -> None:
    with running(tmp_path, "live", "test:", "--display", DISPLAY=screen, SDL_VIDEODRIVER="x11") as box:
        window = wait_for_window(screen, box, "1280x720")
        box.wait("cam1", lambda camera: camera["fps_analysed"] > 0)
        workers = children(box.process.pid)
        press_q_until_it_ends(screen, window, box)
        assert box.process.returncode == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_q_closes_the_window_of_a_frozen_camera(tmp_path: Path, screen: str) -> None:
    need_rtsp_server()
    clip = write_clip(tmp_path / "clip.h264", frames=50)
    with (
        RtspServer({"court": clip}) as server,
        running(tmp_path, "live", server.url("court"), "--display", DISPLAY=screen, SDL_VIDEODRIVER="x11") as box,
    ):
        window = wait_for_window(screen, box, "640x360")
        server.signal(signal.SIGSTOP)
        box.wait("cam1", lambda camera: camera["state"] != "live", 60)
        press_q_until_it_ends(screen, window, box)
        assert box.process.returncode == 0


def test_viewers_do_not_wait_for_analysis_because_a_window_is_open(tmp_path: Path, screen: str) -> None:
    """The user's step runs once on every picture that is sent, however few of them analysis can take."""
    model = write_slow_detector(tmp_path / "slow.onnx", 3.0)
    clip = write_flat(tmp_path / "bright.mp4", 235)
    step, said = tmp_path / "my.py", tmp_path / "times"
    step.write_text(
        "def process_frame(frame, context):\n"
        f"    with open({str(said)!r}, 'a') as file:\n"
        "        print(context.time, file=file)\n"
    )
    options = ("--loop", "--model", str(model), "--process", f"{step}:process_frame", "--display")
    with running(tmp_path, "live", str(clip), *options, DISPLAY=screen, SDL_VIDEODRIVER="x11") as box:
        wait_for_window(screen, box, "640x360")
        box.wait("cam1", lambda _: said.exists() and said.read_text().count("\n") > 100, 60)
        sent = said.read_text().split()[:100]
        analysed = box.tracks("cam1")
        assert len(set(sent)) == 100
        assert len(analysed) < 50


def test_without_a_screen_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    done = command("live", "test:", "--display", "--port", "0")
    assert done.returncode == 2
    assert "--display: no screen" in done.stderr
