"""Runs of datagrams to the kernel, many in one call where it can cut them (UDP segmentation offload)."""

from __future__ import annotations

import errno
import functools
import os
import socket
import struct
from typing import Any

from touchline.deliver.rtp import Run

_UDP_SEGMENT = 103  # linux/udp.h
_SEND_BUFFER = 2 << 20


class Outgoing:
    """One viewer's way out.

    ``sent`` counts datagrams handed over, ``blocked`` sends the kernel had no room for.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.blocked = 0
        self._socket: socket.socket | None = None
        self._protocol: Any = None
        self._segmenting = True

    def send(self, view: memoryview, runs: tuple[Run, ...], protocol: Any, address: tuple[str, int]) -> bool:
        """Send ``runs`` of ``view`` to ``address`` by aioice's ``protocol``, the path in use.

        False: the kernel had no room, and the rest was not sent.
        """
        if protocol is not self._protocol:
            self._attach(protocol)
        out = self._socket
        try:
            for run in runs:
                if out is None:
                    # A relayed path: the TURN client wraps each datagram.
                    for part in _datagrams(view, run):
                        protocol.transport.sendto(bytes(part), address)
                elif run.count == 1:
                    out.sendto(view[run.start : run.end], address)
                elif self._segmenting:
                    out.sendmsg((view[run.start : run.end],), _segments(run.segment), 0, address)
                else:
                    for part in _datagrams(view, run):
                        out.sendto(part, address)
                self.sent += run.count
        except OSError as error:
            if self._segmenting and error.errno in (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT):
                # Not every kernel and device can cut; from now on we do. A receiver drops what comes twice.
                self._segmenting = False
                return self.send(view, runs, protocol, address)
            # No room, or unreachable for the moment: as good as lost on the way. Silence ends it if it stays so.
            self.blocked += 1
            return False
        return True

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _attach(self, protocol: Any) -> None:
        self.close()
        self._protocol = protocol
        if protocol.local_candidate.type == "relay":
            return
        shared = protocol.transport.get_extra_info("socket")
        family = socket.AF_INET6 if ":" in protocol.local_candidate.host else socket.AF_INET
        # asyncio keeps the socket's send methods to itself; a second descriptor of the same socket is ours.
        self._socket = socket.socket(family, socket.SOCK_DGRAM, fileno=os.dup(shared.fileno()))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


def _datagrams(view: memoryview, run: Run) -> list[memoryview]:
    return [view[at : min(at + run.segment, run.end)] for at in range(run.start, run.end, run.segment)]


@functools.cache
def _segments(size: int) -> tuple[tuple[int, int, bytes]]:
    return ((socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", size)),)
