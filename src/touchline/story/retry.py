"""How long to wait before the next try."""

from __future__ import annotations

import random

FIRST_S, LONGEST_S = 0.5, 30.0


class Backoff:
    """Each wait is twice as long as the one before, up to `LONGEST_S`, with jitter that keeps boxes apart."""

    def __init__(self) -> None:
        self._next = FIRST_S

    def reset(self) -> None:
        self._next = FIRST_S

    def wait_s(self) -> float:
        wait = self._next
        self._next = min(LONGEST_S, wait * 2)
        return wait * random.uniform(0.75, 1.25)  # noqa: S311
