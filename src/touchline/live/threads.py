"""Threads that live and die together."""

from __future__ import annotations

import threading
from collections.abc import Callable


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
