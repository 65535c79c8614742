"""Bounded queues between a worker's threads.

Where the source is live a full box loses what is old and counts it; over a recording the sender waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from touchline.types import MEDIA_CLOCK, Frame, KeyGate, Packet, StreamInfo

T = TypeVar("T")

_POLL_S = 0.2


class Mailbox(Generic[T]):
    """One sender, one receiver. ``lossy``: a full box drops its oldest item; else `put` waits."""

    def __init__(self, capacity: int, stop: threading.Event, *, lossy: bool) -> None:
        self.dropped = 0
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._lossy = lossy
        self._stop = stop
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Add ``item``; drops or waits when full."""
        with self._changed:
            while self._full(item):
                if self._lossy:
                    self._items.popleft()
                    self.dropped += 1
                elif self._stop.is_set():
                    return
                else:
                    self._changed.wait(_POLL_S)
            self._items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        """No more will come: the receiver's loop ends once the box is empty."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return (item for item in self.ticking() if item is not None)

    def ticking(self) -> Iterator[T | None]:
        """The items, and None whenever none has come for a fifth of a second."""
        while True:
            with self._changed:
                if not self._items and not (self._closed or self._stop.is_set()):
                    self._changed.wait(_POLL_S)
                item = self._items.popleft() if self._items else None
                if item is None and (self._closed or self._stop.is_set()):
                    return
                self._changed.notify_all()
            yield item

    def _full(self, item: T) -> bool:
        del item
        return len(self._items) >= self._capacity


class FrameBox(Mailbox[Frame]):
    """Pictures on their way to analysis: few, for each one holds a decoder's buffer."""


class PacketBox(Mailbox[StreamInfo | Packet]):
    """Packets on their way to the decoder.

    Holds ``seconds`` of media at most. A packet means nothing without those before it, so a full box is
    emptied and takes up again at the next key packet; the newest description of the stream is kept.
    """

    def __init__(self, seconds: float, stop: threading.Event, *, lossy: bool) -> None:
        super().__init__(capacity=512, stop=stop, lossy=lossy)
        self._span = int(seconds * MEDIA_CLOCK)
        self._gate = KeyGate()

    def put(self, item: StreamInfo | Packet) -> None:
        """Add ``item``, or drop it while the next key packet is awaited."""
        with self._changed:
            if self._lossy and self._full(item):
                self._empty()
            if isinstance(item, Packet) and not self._gate.passes(is_key=item.is_key):
                self.dropped += 1
                return
        super().put(item)

    def _full(self, item: StreamInfo | Packet) -> bool:
        if len(self._items) >= self._capacity:
            return True
        oldest = next((held for held in self._items if isinstance(held, Packet)), None)
        return oldest is not None and isinstance(item, Packet) and item.pts - oldest.pts > self._span

    def _empty(self) -> None:
        infos = [held for held in self._items if isinstance(held, StreamInfo)]
        self.dropped += len(self._items) - len(infos)
        self._items.clear()
        self._items.extend(infos[-1:])
        self._gate.shut()
