"""Converters and some runtimes print their progress where our own results and errors go."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Generator


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Hold back all that is printed inside, by native code too; print it after all where an exception ends it.

    What other threads print meanwhile is held back too: for the model road's commands, never in a camera's worker.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryFile() as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(held.fileno(), 1)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            _give_back(saved)
            held.seek(0)
            sys.stderr.write(held.read().decode("utf-8", "replace"))
            raise
        _give_back(saved)


def _give_back(saved: list[int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for number, copy in zip((1, 2), saved, strict=True):
        os.dup2(copy, number)
        os.close(copy)
