"""Ctrl-C before a command has really begun: quiet, and 130, whatever is being loaded at that moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import touchline.__main__ as entry

ROOT = Path(__file__).parents[2]

WAIT = "import sys, time; print('loading', flush=True); time.sleep(60)"
STAND_INS = {
    "typer": WAIT,  # by the command line itself
    "aiortc": WAIT,  # by live alone, once it knows what is wanted
    "uvicorn": f"try:\n    {WAIT}\nexcept BaseException as error:\n    raise ImportError('failed') from error",
    "pydantic": f"try:\n    {WAIT}\nexcept BaseException:\n    pass",
}
"""Module → what takes its place: like the real one it takes a while to load, and meets Ctrl-C in its own way."""

STARTED = """
import sys
sys.addaudithook(lambda event, of: event == "import" and of[0] == "typer" and print("loading", flush=True))
"""


def interrupted(folder: Path, arguments: list[str], *, after: float = 0.0) -> tuple[int, str, str]:
    """Status, stdout and stderr of ``touchline ARGUMENTS``, Ctrl-C ``after`` s from when it first says "loading".

    ``folder`` comes first on the path."""
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-m", "touchline", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "loading\n"
            time.sleep(after)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    return process.returncode, out, err


@pytest.mark.parametrize("module", STAND_INS)
def test_while_a_library_loads(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(STAND_INS[module])
    assert interrupted(tmp_path, ["live", "test:", "--port", "0"]) == (130, "", "")


@pytest.mark.parametrize("after", [0.0, 0.2, 0.7])
def test_at_any_moment_of_the_first_second(tmp_path: Path, after: float) -> None:
    (tmp_path / "sitecustomize.py").write_text(STARTED)
    status, out, err = interrupted(tmp_path, ["live", "test:", "--port", "0"], after=after)
    assert (status, "Traceback" in out + err) == (130, False), err


def test_a_library_that_cannot_be_loaded_is_no_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError('broken installation')")
    done = subprocess.run(
        [sys.executable, "-m", "touchline", "live", "test:", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.returncode == 1
    assert "broken installation" in done.stderr


def test_the_installed_command_begins_there_too() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert EntryPoint("touchline", scripts["touchline"], "console_scripts").load() is entry.main
