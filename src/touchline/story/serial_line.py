"""A serial line → a node's messages, one a line, for ever."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import termios
import tty
from collections.abc import Callable, Generator

from touchline.story import faults
from touchline.story.link import Link
from touchline.story.message import MAX_BYTES
from touchline.story.retry import Backoff
from touchline.types.sensor import LinkStatus

BAUDS = {
    rate: getattr(termios, f"B{rate}") for rate in (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}
_CHUNK = 4096


async def listen(device: str, baud: int, take: Callable[[bytes], None], status: LinkStatus) -> None:
    """Hear what comes on ``device`` until cancelled. ``baud``: of `BAUDS`. ``status`` is kept up to date."""
    link, backoff = Link(status), Backoff()
    while True:
        try:
            with _opened(device, baud) as line:
                link.up()
                await _hear(line, take, backoff)
        except (OSError, termios.error) as error:
            link.down(faults.no_line(device, error))
        await asyncio.sleep(backoff.wait_s())


class LineSplitter:
    """Bytes → lines. One that is too long is cut to what is known to be too long."""

    def __init__(self) -> None:
        self._rest = b""

    def split(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` ends, without their ends; empty ones are left out."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[: MAX_BYTES + 2]
        return [line[: MAX_BYTES + 1] for line in (line.removesuffix(b"\r") for line in lines) if line]


@contextlib.contextmanager
def _opened(device: str, baud: int) -> Generator[int]:
    line = os.open(device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(line, termios.TCSANOW)
        settings = termios.tcgetattr(line)
        settings[2] |= termios.CLOCAL | termios.CREAD
        settings[4] = settings[5] = BAUDS[baud]
        termios.tcsetattr(line, termios.TCSANOW, settings)
        yield line
    finally:
        os.close(line)


async def _hear(line: int, take: Callable[[bytes], None], backoff: Backoff) -> None:
    """For ever; raises OSError where the line breaks, and whatever ``take`` raises."""
    splitter = LineSplitter()
    while True:
        await _readable(line)
        try:
            data = os.read(line, _CHUNK)
        except BlockingIOError:
            continue
        if not data:
            raise OSError(errno.EIO, "the line was closed")
        backoff.reset()
        for message in splitter.split(data):
            take(message)


async def _readable(line: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        loop.remove_reader(line)
        ready.set_result(None)

    loop.add_reader(line, wake)
    try:
        await ready
    finally:
        loop.remove_reader(line)
