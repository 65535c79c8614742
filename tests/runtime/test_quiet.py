"""What libraries print is held back, by native code too, and not lost where they fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHATTER = """
import os, sys, warnings
from touchline.runtime.quiet import quiet

def chatter():
    print("progress")
    print("a warning", file=sys.stderr)
    os.write(1, b"native progress\\n")
    os.write(2, b"native warning\\n")
    warnings.warn("deprecated", FutureWarning)

print("before")
with quiet():
    chatter()
    if "fail" in sys.argv:
        raise ValueError("broken")
print("after")
"""


def test_nothing_is_printed_where_all_went_well() -> None:
    done = subprocess.run([sys.executable, "-c", CHATTER], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "before\nafter\n", "")


def test_all_is_printed_after_all_where_it_failed() -> None:
    done = subprocess.run([sys.executable, "-c", CHATTER, "fail"], capture_output=True, text=True, timeout=60)
    assert done.stdout == "before\n"
    lines = done.stderr.splitlines()
    assert {"progress", "a warning", "native progress", "native warning"} <= set(lines)
    assert lines[-1] == "ValueError: broken"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("how", ["well", "fail"])
def test_streams_that_were_closed_cost_nothing(closed: str, how: str) -> None:
    line = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", CHATTER, how]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == (how == "fail")
    if "2>&-" not in closed:
        assert done.stderr.endswith("ValueError: broken\n" if how == "fail" else "")
        assert ("native progress" in done.stderr) == (how == "fail")
    if closed == "2>&-" and how == "well":
        assert done.stdout == "before\nafter\n"
