"""A real (pseudo-)terminal as a serial line: cut, garbled, unplugged, plugged in again."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.story.broker import event
from touchline.story.message import MAX_BYTES
from touchline.story.serial_line import LineSplitter, listen
from touchline.types import LinkState, LinkStatus

WAIT_S = 30


async def until(good: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not good():
            await asyncio.sleep(0.02)


def test_lines_are_heard_and_the_line_is_opened_again(tmp_path: Path) -> None:
    device = tmp_path / "ttyNODE"
    heard: list[bytes] = []
    status = LinkStatus(str(device))

    def plug_in() -> int:
        ours, theirs = pty.openpty()
        device.unlink(missing_ok=True)
        device.symlink_to(os.ttyname(theirs))
        os.close(theirs)
        return ours

    async def plugged() -> None:
        listening = asyncio.create_task(listen(str(device), 115200, heard.append, status))
        await until(lambda: status.state is LinkState.DOWN)
        said = "there is no such line; plug it in, or name one that `ls /dev/serial/by-id` lists"
        assert status.error == f"{device}: {said}"
        for reconnects in (0, 1):
            node = plug_in()
            await until(lambda: status.state is LinkState.UP)
            assert status.reconnects == reconnects
            heard.clear()
            os.write(node, event(0, 1.0)[:10])
            os.write(node, event(0, 1.0)[10:] + b"\r\n\n" + event(1, 2.0) + b"\nunfinished")
            await until(lambda: len(heard) == 2)
            assert heard == [event(0, 1.0), event(1, 2.0)]
            os.close(node)
            await until(lambda: status.state is LinkState.DOWN)
            assert "the line has ended; opening it again" in (status.error or "")
        assert not listening.done()
        listening.cancel()
        await asyncio.wait([listening], timeout=WAIT_S)

    asyncio.run(plugged())


def test_what_is_no_serial_line_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("{}\n")
    status = LinkStatus(str(file))

    async def plugged() -> None:
        listening = asyncio.create_task(listen(str(file), 9600, lambda _: None, status))
        await until(lambda: status.error is not None)
        assert status.error == f"{file}: is not a serial line; name one, such as /dev/ttyACM0"
        listening.cancel()

    asyncio.run(plugged())


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b""))), st.data())
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    splitter = LineSplitter()
    found: list[bytes] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.split(stream[begin:end])
    assert found == [line for line in lines if line]


def test_a_line_without_end_takes_no_memory_and_is_too_long() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.split(b"x" * 4096) == []
    found = splitter.split(b"x\n{}\n")
    assert [len(line) for line in found] == [MAX_BYTES + 1, 2]
