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

    What other threads print meanwhile is held back too: for the model road's commands, and in a camera's worker
    while a .pte detector is loaded, never at a picture.
    """
    _open_standard()
    _flush()
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
            if sys.stderr is not None:
                sys.stderr.write(held.read().decode("utf-8", "replace"))
            raise
        _give_back(saved)


def _open_standard() -> None:
    """Whoever started us with a standard stream closed (``>&-``) gets no file of ours, opened in its place, to be
    printed into."""
    for number in (1, 2):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # Python's word for one that was closed when it started
            stream.flush()


def _give_back(saved: list[int]) -> None:
    _flush()
    for number, copy in zip((1, 2), saved, strict=True):
        os.dup2(copy, number)
        os.close(copy)
