"""HTTP that hangs up on clients who keep a connection without using it. uvicorn alone waits for ever."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10.0
"""Seconds in which the head of a request must have come, from the connection's start or the last answer on."""

STUCK_S = 20.0
"""Seconds after which a client is given up that takes nothing of its answer."""


class PatientProtocol(H11Protocol):
    """One connection, with an end to each of its waits. A server has as many waits as clients want otherwise."""

    _head: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        super().connection_lost(exc)
        for timer in (self._head, self._stuck):
            if timer is not None:
                timer.cancel()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._await_head()

    def pause_writing(self) -> None:
        """The client does not take what it asked for."""
        super().pause_writing()
        self._stuck = self.loop.call_later(STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()

    def _await_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
        self._head = self.loop.call_later(REQUEST_S, self._no_head)

    def _no_head(self) -> None:
        # uvicorn's annotation hides that there is no cycle before the first request.
        cycle = getattr(self, "cycle", None)
        if cycle is None or cycle.response_complete:
            self.transport.abort()
