"""The facts of the last minutes, for whoever asks or listens."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Iterable

from touchline.types.fact import Fact
from touchline.types.packet import MEDIA_CLOCK

KEPT = 20_000
"""Facts held at once; older ones are gone until a store on disk keeps them."""

LISTENER_QUEUE = 1000


class FactLog:
    """A bounded log and its listeners. Lives on the event loop's thread."""

    def __init__(self, kept: int = KEPT) -> None:
        self.lost_by_listeners = 0
        self._facts: deque[Fact] = deque(maxlen=kept)
        self._listeners: set[asyncio.Queue[Fact | None]] = set()

    def add(self, fact: Fact) -> None:
        """Keep ``fact`` and hand it to all listeners; a listener that is too slow loses its oldest."""
        self._facts.append(fact)
        for queue in self._listeners:
            self._offer(queue, fact)

    def since(self, cursor: str | None, camera: str | None, kinds: Iterable[str], limit: int) -> list[Fact]:
        """The oldest ``limit`` facts after ``cursor``; of one camera and some kinds, if given.

        ``cursor``: a fact's id, or a media time in seconds as a number. Facts come in the order in which they
        became known.
        """
        facts = list(self._facts)
        if cursor is not None:
            facts = _after(facts, cursor)
        wanted = frozenset(kinds)
        chosen = (
            fact
            for fact in facts
            if (camera is None or fact.camera == camera) and (not wanted or fact.kind in wanted)
        )
        return list(itertools.islice(chosen, limit))

    async def listen(self) -> AsyncGenerator[Fact]:
        """Every fact from now on, until `close`."""
        queue: asyncio.Queue[Fact | None] = asyncio.Queue(LISTENER_QUEUE)
        self._listeners.add(queue)
        try:
            while (fact := await queue.get()) is not None:
                yield fact
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End all listeners' loops."""
        for queue in self._listeners:
            self._offer(queue, None)

    def _offer(self, queue: asyncio.Queue[Fact | None], fact: Fact | None) -> None:
        if queue.full():
            queue.get_nowait()
            self.lost_by_listeners += 1
        queue.put_nowait(fact)


def _after(facts: list[Fact], cursor: str) -> list[Fact]:
    with contextlib.suppress(ValueError):
        pts = float(cursor) * MEDIA_CLOCK
        return [fact for fact in facts if fact.pts > pts]
    for at, fact in enumerate(facts):
        if fact.id == cursor:
            return facts[at + 1 :]
    return [fact for fact in facts if fact.id > cursor]  # it is gone already; ids sort by time
