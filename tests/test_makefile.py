"""What ``make`` says while it works."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def installs(stderr: int) -> list[str]:
    """pip's command lines as make would run them on a fresh clone."""
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", ".venv/.core", ".venv/.dev"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=30,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if " install " in line and "pip" in line]


def test_a_person_sees_how_far_setup_is_and_a_log_does_not() -> None:
    terminal, end = os.openpty()
    try:
        shown = installs(end)
    finally:
        os.close(terminal)
        os.close(end)
    assert len(shown) == 2
    assert not any("--quiet" in line for line in shown)
    assert all("--quiet" in line for line in installs(subprocess.DEVNULL))
