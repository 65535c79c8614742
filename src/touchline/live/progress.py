"""Whether a road's threads get on with what they have begun."""

from __future__ import annotations

import contextlib
from collections.abc import Generator


class Progress:
    """Threads say by `busy` when they begin and end a piece of work; `stuck`, asked at even beats, finds who does
    not end. Beats rather than seconds: a machine that slept has lost none of them."""

    def __init__(self, beats: int) -> None:
        """``beats``: so many in a row within one piece of work are too many."""
        self._beats = beats
        self._begun: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    @contextlib.contextmanager
    def busy(self, who: str) -> Generator[None]:
        """Around one piece of ``who``'s work; each ``who`` is one thread's."""
        self._begun[who] = self._begun.get(who, 0) + 1
        try:
            yield
        finally:
            self._ended[who] = self._begun[who]

    def stuck(self) -> str | None:
        """One more beat has passed: who has been at the same piece of work for ``beats`` of them, or None."""
        for who, number in tuple(self._begun.items()):
            if self._ended.get(who) == number:
                self._seen.pop(who, None)
                continue
            piece, count = self._seen.get(who, (number, 0))
            self._seen[who] = number, count + 1 if piece == number else 1
            if self._seen[who][1] >= self._beats:
                return who
        return None
