"""One camera's packets and facts to any number of viewers, none of which can hold up another.

Every subscriber has a bounded queue of references to shared pictures. A subscriber that falls behind loses
pictures up to the newest key picture, never a part of what it takes to decode the next; what it lost is counted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from touchline.deliver.rtp import AccessUnit
from touchline.deliver.sctp import fragments
from touchline.types.factjson import FactJson
from touchline.types.packet import Packet, StreamInfo

GOP_BYTES = 16 << 20
GOP_UNITS = 900
"""Bounds of the cached group of pictures: 30 s at 30 Hz, or 16 MiB. A longer one is not cached."""

LATE_UNITS = 15
"""A queue longer than this jumps to a key picture when one comes: delay must not stay."""

FACTS_KEPT = 256
KEY_REQUEST_GAP = 0.5
"""Seconds in which the encoder is asked for a key picture once at most."""


@dataclass(frozen=True, slots=True)
class FactMessage:
    """A fact as the page gets it: cut for the wire once for all viewers. ``pts`` in 1/90,000 s."""

    pts: int
    data: bytes
    parts: list[tuple[int, bytes, int]]


def _nothing() -> None:
    """The hook of a stream nobody can ask for a key picture."""


@dataclass(eq=False, slots=True)
class Subscription:
    """One viewer's queues. ``ready`` is called whenever something was put in; take as much as you can send."""

    ready: Callable[[], None]
    max_units: int
    max_bytes: int
    dropped: int = 0
    wants_key: bool = True
    takes_facts: bool = False
    _units: deque[AccessUnit] = field(default_factory=deque[AccessUnit])
    _facts: deque[FactMessage] = field(default_factory=deque[FactMessage])
    _bytes: int = 0
    _cached: int = 0

    @property
    def backlog(self) -> int:
        """Pictures waiting."""
        return len(self._units)

    def take(self) -> AccessUnit | None:
        """The next picture to send, or None."""
        if not self._units:
            return None
        unit = self._units.popleft()
        self._bytes -= len(unit.data)
        self._cached = max(0, self._cached - 1)
        return unit

    def preload(self, units: list[AccessUnit]) -> None:
        """Begin with cached pictures. To jump over them to a newer key picture is no loss."""
        for unit in units:
            self.put(unit)
        self._cached = len(self._units)

    def take_fact(self) -> FactMessage | None:
        """The next fact to send, or None. Only who has asked for one can lose any: not every viewer has a channel
        for them."""
        self.takes_facts = True
        return self._facts.popleft() if self._facts else None

    def put(self, unit: AccessUnit) -> int:
        """Queue a picture; gives the number of pictures lost by it (0 when all is well)."""
        lost = 0
        if unit.is_key:
            if len(self._units) > LATE_UNITS:
                lost = self._clear()
            self.wants_key = False
        elif self.wants_key:
            self.dropped += 1
            return 1
        if len(self._units) >= self.max_units or self._bytes + len(unit.data) > self.max_bytes:
            lost += self._clear()
            if not unit.is_key:
                self.wants_key = True
                self.dropped += lost + 1
                return lost + 1
        self._units.append(unit)
        self._bytes += len(unit.data)
        self.dropped += lost
        return lost

    def put_fact(self, message: FactMessage) -> bool:
        """Queue a fact; the oldest goes when there are too many. Gives whether that is a loss."""
        full = len(self._facts) >= FACTS_KEPT
        if full:
            self._facts.popleft()
        self._facts.append(message)
        return full and self.takes_facts

    def _clear(self) -> int:
        lost = len(self._units) - self._cached
        self._units.clear()
        self._bytes = self._cached = 0
        return lost


class CameraStream:
    """One camera on its way to viewers. All calls from one thread (the server's event loop).

    ``request_key`` is called, at most every half second, when a viewer cannot go on without a key picture; set it
    to what asks the camera's encoder for one. It may do nothing: a passed-through camera sends its next key
    picture in its own time. ``last_pts``: the last picture's media time in 1/90,000 s, None before the first.
    ``packets_dropped``, ``facts_unsent``: what was late and given up, over all viewers.
    """

    def __init__(
        self,
        camera: str,
        *,
        gop_bytes: int = GOP_BYTES,
        gop_units: int = GOP_UNITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.camera = camera
        self.request_key: Callable[[], None] = _nothing
        self.info: StreamInfo | None = None
        self.packets_dropped = 0
        self.facts_unsent = 0
        self.last_pts: int | None = None
        self._gop_bytes = gop_bytes
        self._gop_units = gop_units
        self._clock = clock
        self._asked: float | None = None
        self._gop: list[AccessUnit] = []
        self._gop_size = 0
        self._facts: deque[FactMessage] = deque(maxlen=FACTS_KEPT)
        self._subscribers: list[Subscription] = []

    @property
    def viewers(self) -> int:
        """Subscribers now."""
        return len(self._subscribers)

    def publish_info(self, info: StreamInfo) -> None:
        """A new connection or format begins. What was cached of the old one is of no use to anybody who joins."""
        if info != self.info:
            self._drop_gop()
        self.info = info

    def publish(self, packet: Packet) -> None:
        """Hand a picture to all viewers and keep it for those who join before the next key picture."""
        unit = AccessUnit(packet.data, packet.pts, packet.is_key)
        self.last_pts = packet.pts
        self._cache(unit)
        for subscriber in tuple(self._subscribers):
            lost = subscriber.put(unit)
            if lost:
                self.packets_dropped += lost
                if subscriber.wants_key:
                    self.ask_for_key()
            subscriber.ready()

    def publish_fact(self, fact: FactJson) -> None:
        """Hand a fact to all viewers and keep it for those who join before the next key picture."""
        data = fact.message()
        message = FactMessage(fact.pts, data, fragments(data))
        self._facts.append(message)
        for subscriber in tuple(self._subscribers):
            self.facts_unsent += subscriber.put_fact(message)
            subscriber.ready()

    def subscribe(self, ready: Callable[[], None]) -> Subscription:
        """A new viewer. The cached group of pictures and its facts are in its queues, without a call of ``ready``.

        Without a cached group a key picture is asked for.
        """
        subscription = Subscription(ready, self._gop_units + LATE_UNITS, self._gop_bytes + (4 << 20))
        subscription.preload(self._gop)
        for message in self._facts:
            subscription.put_fact(message)
        if not self._gop:
            self.ask_for_key()
        self._subscribers.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """The viewer has left. Unknown subscriptions are ignored: leaving twice is no fault."""
        if subscription in self._subscribers:
            self._subscribers.remove(subscription)

    def ask_for_key(self) -> None:
        """A viewer cannot decode before the next key picture."""
        now = self._clock()
        if self._asked is None or now - self._asked >= KEY_REQUEST_GAP:
            self._asked = now
            self.request_key()

    def _cache(self, unit: AccessUnit) -> None:
        if unit.is_key:
            self._drop_gop()
            # Facts may come before their picture; those of earlier pictures go with them.
            self._facts = deque((m for m in self._facts if m.pts >= unit.pts), FACTS_KEPT)
        elif not self._gop:
            return
        self._gop.append(unit)
        self._gop_size += len(unit.data)
        if len(self._gop) > self._gop_units or self._gop_size > self._gop_bytes:
            self._drop_gop()

    def _drop_gop(self) -> None:
        self._gop = []
        self._gop_size = 0
