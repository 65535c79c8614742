"""A benchmark that needs more than `make demo` installs says what to do, in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LACKING = """
import sys


class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {lacks}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Lacking())
"""
"""Python's start-up where some packages are not installed."""


def lacking(folder: Path, lacks: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with ``arguments``, run where ``lacks`` are not installed."""
    (folder / "sitecustomize.py").write_text(LACKING.format(lacks=lacks))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )


@pytest.mark.parametrize(
    ("bench", "needs"), [("latency", "playwright"), ("runtimes", "torch"), ("sound", "torch")]
)
def test_what_is_missing_is_one_line(tmp_path: Path, bench: str, needs: str) -> None:
    done = lacking(tmp_path, {"playwright", "torch"}, "-m", f"bench.{bench}", "--help")
    line = f"bench.{bench}: needs {needs}: run make setup first\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


@pytest.mark.parametrize(
    ("bench", "call", "needs"),
    [
        ("tiny", "micro(b'', [])", "tflite_micro"),
        ("tiny", "litert(b'', [])", "ai_edge_litert"),
        ("sound", "yamnet(None, None)", "ai_edge_litert"),
        ("tracking", "rivals()", "trackers"),
    ],
)
def test_so_it_is_with_what_is_needed_later(tmp_path: Path, bench: str, call: str, needs: str) -> None:
    done = lacking(tmp_path, {needs}, "-c", f"import bench.{bench} as bench; bench.{call}")
    assert done.returncode == 2
    assert done.stderr.endswith(f": needs {needs}: run make setup first\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_fault_of_ours_is_not_taken_for_one(tmp_path: Path) -> None:
    done = lacking(tmp_path, set(), "-c", "import bench\nwith bench.from_setup():\n    import touchline.nowhere")
    assert done.returncode == 1
    assert "No module named 'touchline.nowhere'" in done.stderr
