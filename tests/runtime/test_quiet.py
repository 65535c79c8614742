"""What libraries print is held back, by native code too, and not lost where they fail."""

from __future__ import annotations

import subprocess
import sys

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
