"""HTTP that holds out: more clients than there is room for, and more open files than the system allows."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
from collections.abc import Generator
from typing import Any

import uvicorn

from touchline.app.box import Box
from touchline.app.patience import PatientProtocol
from touchline.app.server import make_app

log = logging.getLogger(__name__)

OPEN_FILES = 65_536
BACKLOG = 32
_OUT_OF_HANDLES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
CONNECTIONS = 256
CONNECTIONS_A_VIEWER = 4
"""HTTP connections at once; what is beyond is answered 503."""


class Server(uvicorn.Server):
    """Leaves signals alone: `run` ends workers and viewers before the server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def make_server(box: Box) -> Server:
    """The HTTP server of ``box``, which is given its socket when it begins to serve."""
    config = uvicorn.Config(
        make_app(box),
        http=PatientProtocol,
        ws="none",
        # Its warnings are of what clients send: at their mercy, and of no use to the user.
        log_level="error",
        access_log=False,
        backlog=BACKLOG,  # so often asyncio tries to take a connection, and fails, where handles are out
        limit_concurrency=CONNECTIONS + CONNECTIONS_A_VIEWER * box.sessions.limits.viewers,
        timeout_graceful_shutdown=1,
    )
    return Server(config)


class OutOfHandles:
    """The event loop's exception handler: says once a minute that no connection can be taken, which asyncio says
    with a traceback for each that waits. All else as usual."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _OUT_OF_HANDLES or "socket" not in context:
            loop.default_exception_handler(context)
        elif loop.time() >= self._quiet_until:
            self._quiet_until = loop.time() + 60
            log.warning("no connection can be taken (%s); raise the limit of open files", error.strerror)


def allow_open_files() -> None:
    """Raise this process's limit of open files, often 1,024: each viewer takes two, each HTTP connection one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
