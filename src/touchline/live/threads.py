"""Threads that live and die together."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

ANALYSIS_NICENESS = 5


def run_together(stop: threading.Event, *steps: Callable[[], None]) -> None:
    """Run every step in a thread of its own until all have returned.

    If one raises, ``stop`` is set so that the others end, and its error is raised here.
    """
    errors: list[BaseException] = []

    def guard(step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # noqa: BLE001  # raised again below, in the caller's thread
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=guard, args=(step,), name=step.__name__) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def yield_to_video() -> None:
    """Let this thread stand back wherever another wants the processor: analysis may be late, video may not.

    On Linux, where a thread has a niceness of its own; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), ANALYSIS_NICENESS)
