"""What serving does to the process it runs in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket

import pytest

from touchline.app.serving import OPEN_FILES, OutOfHandles, allow_open_files


def test_a_box_may_open_as_many_files_as_its_viewers_take() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        allow_open_files()
        raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert raised == (OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == raised
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_box_without_file_handles_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(OutOfHandles())
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, backlog=8)
        async with server:
            clients = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(3)]
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
            with contextlib.suppress(OSError):
                while True:
                    held.append(os.open(os.devnull, os.O_RDONLY))
            async with asyncio.timeout(30):
                while not caplog.records:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)
            for client in clients:
                client.close()
            while held:
                os.close(held.pop())

    with caplog.at_level(logging.WARNING):
        try:
            asyncio.run(serve())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for handle in held:
                os.close(handle)
    assert [record.getMessage() for record in caplog.records] == [
        "no connection can be taken (Too many open files); raise the limit of open files"
    ]


def test_other_faults_of_the_event_loop_are_told_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    try:
        OutOfHandles()(loop, {"message": "a task fell over", "exception": ValueError("why")})
    finally:
        loop.close()
    assert "a task fell over" in caplog.text
