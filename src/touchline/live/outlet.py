"""The worker's way out: messages to the box, never blocking whoever sends them."""

from __future__ import annotations

import socket
import threading
from collections import deque

from touchline.live.link import Report, pack
from touchline.types import Fact, FactJson, KeyGate, Packet, StreamInfo

MAX_PENDING = 8 * 1024 * 1024
"""Bytes that may wait for the box: some seconds of a camera's video."""


class Outlet:
    """A bounded queue and the thread that writes it to ``line``.

    If the box does not read, facts go first, then packets up to the next key packet; both are counted.
    """

    def __init__(self, line: socket.socket, stop: threading.Event) -> None:
        self.packets_dropped = 0
        self.facts_dropped = 0
        self._line = line
        self._stop = stop
        self._pending: deque[bytes] = deque()
        self._bytes = 0
        self._gate = KeyGate()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, name="outlet", daemon=True)
        self._thread.start()

    def send(self, message: StreamInfo | Packet | Fact | Report) -> None:
        """Queue ``message`` for the box, or drop and count it. Raises ValueError as `FactJson.of` does."""
        with self._changed:
            full = self._bytes > MAX_PENDING
            match message:
                case Fact() if full:
                    self.facts_dropped += 1
                    return
                case Packet():
                    if full:
                        self._gate.shut()
                    if full or not self._gate.passes(is_key=message.is_key):
                        self.packets_dropped += 1
                        return
                case Report() if full:
                    return
                case _:
                    pass
            data = pack(FactJson.of(message) if isinstance(message, Fact) else message)
            self._pending.append(data)
            self._bytes += len(data)
            self._changed.notify()

    def drain(self, timeout: float) -> None:
        """Wait until all is written, ``timeout`` seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, timeout)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._pending))
                data = b"".join(self._pending)
                count = len(self._pending)
            try:
                self._line.sendall(data)
            except OSError:
                # The box is gone: nothing to say to anybody, so end.
                self._stop.set()
                return
            with self._changed:
                for _ in range(count):
                    self._pending.popleft()
                self._bytes -= len(data)
                self._changed.notify_all()
