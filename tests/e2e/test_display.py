"""``--display`` under a virtual screen: a window that q closes, and the camera is let go."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.box import children, command, running
from tests.needs import need


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[str]:
    xvfb = need("Xvfb", "xdotool")
    with (tmp_path / "display").open("w+") as file:
        process = subprocess.Popen(
            [xvfb, "-displayfd", str(file.fileno()), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
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


def test_q_closes_the_window_and_lets_the_camera_go(tmp_path: Path, screen: str) -> None:
    with running(tmp_path, "live", "test:", "--display", DISPLAY=screen, SDL_VIDEODRIVER="x11") as box:
        end = time.monotonic() + 40
        while not (window := xdotool(screen, "search", "--class", "touchline")) and time.monotonic() < end:
            time.sleep(0.1)
        assert window, box.log.read_text()
        geometry = xdotool(screen, "getwindowgeometry", window)
        assert "1280x720" in geometry
        box.wait("cam1", lambda camera: camera["fps_analysed"] > 0)
        workers = children(box.process.pid)
        xdotool(screen, "windowfocus", window)
        xdotool(screen, "key", "--window", window, "q")
        assert box.process.wait(20) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_without_a_screen_it_says_so(tmp_path: Path) -> None:
    done = command("live", "test:", "--display", "--port", "0", DISPLAY="", SDL_VIDEODRIVER="x11")
    assert done.returncode == 2
    assert "--display: no screen" in done.stderr
