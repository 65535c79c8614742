"""Benchmarks: what each measures, and how it is called, stands at its head."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def from_setup() -> Iterator[None]:
    """Around imports of what `make setup` installs and `make demo` does not: one line where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "bench", "tests", "touchline"):
            raise
        sys.stderr.write(f"bench.{Path(sys.argv[0]).stem}: needs {missing}: run make setup first\n")
        raise SystemExit(2) from None
