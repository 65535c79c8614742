"""A thread that reads a source, and the bounded queue it fills.

FFmpeg's calls block, and some (a name look-up, a camera driver) cannot be broken off. So whoever wants
packets never makes such a call itself: it waits here, and leaves a reader that hangs to end by its own
time-out.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from touchline.media.sources.source import Source
from touchline.media.timeline import Sample
from touchline.types import DeviceHeld, KeyGate, SourceError, StreamInfo

CLOSE_S = 0.3
"""How long leaving waits for the reader; it may be in the middle of a call."""


class Ended(Exception):
    """The source has no more packets."""


class Broken(Exception):
    """Reading the source raised what it should not have: a fault of ours, with its cause."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(repr(cause))


class Pump:
    """Reads ``source`` from the moment of entering the ``with`` block until its end.

    The queue holds what ``source.traits`` allows. When it is full the reader of a paced source waits; of one
    that sets its own pace the queue is dropped up to the next key packet, counted by
    `take_dropped`. Leaving by a `SourceError` while the reader hangs in an exclusive source raises `DeviceHeld`.
    """

    def __init__(self, source: Source, clock: Callable[[], float]) -> None:
        self._dropped = 0
        self._source = source
        self._clock = clock
        self._queue: deque[StreamInfo | Sample] = deque()
        self._bytes = 0
        self._gate = KeyGate()
        self._closed = False
        self._fault: Exception | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._source.interrupt()
        self._thread.join(CLOSE_S)
        if isinstance(value, SourceError) and self._source.traits.exclusive and self._thread.is_alive():
            raise DeviceHeld(str(value)) from value

    def get(self, timeout: float) -> StreamInfo | Sample | None:
        """The next item, or None after ``timeout`` seconds.

        Raises `SourceError` where the source failed, `Broken` where its reader did, `Ended` where it is finished,
        all after the last packet.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ended, timeout)
            if self._queue:
                item = self._queue.popleft()
                if isinstance(item, Sample):
                    self._bytes -= len(item.data)
                self._changed.notify_all()
                return item
            if self._fault:
                raise self._fault
            if self._ended:
                raise Ended
            return None

    def take_dropped(self) -> int:
        """Packets dropped since the last call."""
        with self._changed:
            count, self._dropped = self._dropped, 0
        return count

    def _run(self) -> None:
        reader = self._source.read()
        try:
            for item in reader:
                if not self._put(item):
                    break
        except SourceError as fault:
            self._fault = fault
        except Exception as fault:  # noqa: BLE001  # raised again in `get`, in the caller's thread
            _tell(fault)
            self._fault = Broken(fault)
        finally:
            reader.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, item: StreamInfo | Sample) -> bool:
        traits = self._source.traits
        if isinstance(item, Sample):
            item = replace(item, arrived=self._clock())
        with self._changed:
            if self._full() and traits.paced:
                self._changed.wait_for(lambda: not self._full() or self._closed)
            if self._closed:
                return False
            if isinstance(item, Sample):
                if self._full():
                    self._drop_queue()
                if not self._gate.passes(is_key=item.is_key):
                    self._dropped += 1
                    return True
                self._bytes += len(item.data)
            self._queue.append(item)
            self._changed.notify_all()
            return True

    def _full(self) -> bool:
        traits = self._source.traits
        return len(self._queue) >= traits.max_packets or (
            self._bytes >= traits.max_bytes and len(self._queue) >= 2
        )

    def _drop_queue(self) -> None:
        kept = [item for item in self._queue if isinstance(item, StreamInfo)]
        self._dropped += len(self._queue) - len(kept)
        self._queue.clear()
        self._queue.extend(kept[-1:])
        self._bytes = 0
        self._gate.shut()


def _tell(fault: Exception) -> None:
    """Print where it happened. Not its text, which may hold the source's URL with its password."""
    lines = traceback.format_tb(fault.__traceback__)
    print("".join([*lines, type(fault).__name__]), file=sys.stderr, flush=True)
