"""The facts of the last minutes, for whoever asks or listens."""

from __future__ import annotations

import asyncio
import itertools
import math
import re
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import contextmanager

from touchline.types.errors import InputError
from touchline.types.factjson import FactJson
from touchline.types.packet import MEDIA_CLOCK

KEPT = 20_000
KEPT_BYTES = 64 << 20
"""Bounds of what is held at once, in facts and in bytes of them; older ones are gone until a store on disk
keeps them. Four cameras at 25 Hz with 30 athletes each reach both after three minutes."""

LISTENERS = 64
"""Listeners at once: each is a connection and a queue."""

LISTENER_QUEUE = 1000
"""Facts that wait for one listener. They are those of the log, not copies."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class FactLog:
    """A bounded log and its listeners. Lives on the event loop's thread."""

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self.lost_by_listeners = 0
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._facts: deque[FactJson] = deque()
        self._bytes = 0
        self._first = 0
        self._numbers: dict[str, int] = {}
        self._listeners: set[asyncio.Queue[FactJson | None]] = set()

    def __len__(self) -> int:
        return len(self._facts)

    @property
    def listeners(self) -> int:
        """Listeners now."""
        return len(self._listeners)

    def add(self, fact: FactJson) -> None:
        """Keep ``fact`` and hand it to all listeners; a listener that is too slow loses its oldest."""
        self._numbers[fact.id] = self._first + len(self._facts)
        self._facts.append(fact)
        self._bytes += len(fact.data)
        while len(self._facts) > self._kept or self._bytes > self._kept_bytes:
            gone = self._facts.popleft()
            self._numbers.pop(gone.id, None)
            self._bytes -= len(gone.data)
            self._first += 1
        for queue in self._listeners:
            self._offer(queue, fact)

    def since(self, cursor: str | None, camera: str | None, kinds: Iterable[str], limit: int) -> list[FactJson]:
        """The oldest ``limit`` facts after ``cursor``; of one camera and some kinds, if given.

        ``cursor``: a fact's id, or a media time in seconds as a number. Facts come in the order in which they
        became known, and stay in it: whoever asks again with the last one's id misses none that is still held and
        gets none twice. All that is held came after an id that is gone. Raises `InputError` for another cursor.
        """
        start, pts = self._after(cursor)
        wanted = frozenset(kinds)
        chosen = (
            fact
            for fact in itertools.islice(self._facts, start, None)
            if fact.pts > pts and (camera is None or fact.camera == camera) and (not wanted or fact.kind in wanted)
        )
        return list(itertools.islice(chosen, limit))

    @contextmanager
    def listening(self, after: str | None = None) -> Generator[AsyncGenerator[FactJson] | None]:
        """Every fact ``after`` that cursor (see `since`) or from now on, until `close`.

        None where `LISTENERS` listen already. Of what was missed a listener gets the newest `LISTENER_QUEUE`.
        """
        if len(self._listeners) >= LISTENERS:
            yield None
            return
        queue: asyncio.Queue[FactJson | None] = asyncio.Queue(LISTENER_QUEUE)
        for missed in self.since(after, None, (), len(self._facts)) if after is not None else ():
            self._offer(queue, missed)
        self._listeners.add(queue)
        try:
            yield _taken(queue)
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End all listeners' loops."""
        for queue in self._listeners:
            self._offer(queue, None)

    def _after(self, cursor: str | None) -> tuple[int, float]:
        """Place in the log and media time (1/90,000 s) after which facts are wanted."""
        if cursor is None:
            return 0, -math.inf
        if _ID.fullmatch(cursor):
            number = self._numbers.get(cursor)
            return 0 if number is None else number - self._first + 1, -math.inf
        try:
            seconds = float(cursor)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds):
            raise InputError(f"since={cursor[:40]!r}: neither a fact's id nor a media time in s; give one of them")
        return 0, seconds * MEDIA_CLOCK

    def _offer(self, queue: asyncio.Queue[FactJson | None], fact: FactJson | None) -> None:
        if queue.full():
            queue.get_nowait()
            self.lost_by_listeners += 1
        queue.put_nowait(fact)


async def _taken(queue: asyncio.Queue[FactJson | None]) -> AsyncGenerator[FactJson]:
    while (fact := await queue.get()) is not None:
        yield fact
