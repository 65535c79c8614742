"""A real broker: killed, restarted, flooded, refused; what is heard and what is told about it."""

from __future__ import annotations

import asyncio
import functools
import random
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from tests.certificate import certificate
from tests.media.servers import free_port
from tests.needs import need
from tests.story.broker import Broker, broker, event
from touchline.story import mqtt
from touchline.story.retry import Backoff
from touchline.story.sensors import Node, Sensors
from touchline.types import ConfigError, Fact, LinkState, LinkStatus, Refusal

WAIT_S = 30


class Listener:
    """What hears ``nodes`` at a broker on this machine, as the box does."""

    def __init__(self, port: int, *nodes: str, rate: float = 20.0, **how: object) -> None:
        self.sensors = Sensors([Node(node, "sound") for node in nodes], rate=rate)
        self.facts: list[Fact] = []
        self.status = LinkStatus("broker")
        self._broker = mqtt.Broker("127.0.0.1", port, "touchline", **how)  # type: ignore[arg-type]
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Listener:
        alone = lambda: self.sensors.heard_alone(time.monotonic())  # noqa: E731
        self._task = asyncio.create_task(mqtt.listen(self._broker, self._take, alone, self.status))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        assert not self._task.done(), self._task
        self._task.cancel()
        await asyncio.wait([self._task], timeout=WAIT_S)

    async def until(self, good: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not good():
                await asyncio.sleep(0.02)

    async def up(self) -> None:
        await self.until(lambda: self.status.state is LinkState.UP)

    def _take(self, node: str, payload: bytes, retained: bool) -> None:
        fact = self.sensors.take(node, payload, time.monotonic(), 1, retained=retained)
        if fact is not None:
            self.facts.append(fact)


def run(test: Callable[[Path], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    """A test on an event loop."""

    def wrapped(tmp_path: Path) -> None:
        asyncio.run(asyncio.wait_for(test(tmp_path), 90))

    wrapped.__name__ = test.__name__
    return wrapped


async def publish(where: Broker, *messages: tuple[str, bytes], **how: object) -> None:
    await asyncio.to_thread(functools.partial(where.publish, *messages, **how))


@run
async def test_two_nodes_doubles_strangers_and_garbage(tmp_path: Path) -> None:
    with broker(tmp_path) as made:
        async with Listener(made.port, "mic", "wrist") as heard:
            await heard.up()
            await publish(made, ("mic", event(0, 5.0)), ("wrist", event(0, 9000.0)), ("stranger", event(0, 1.0)))
            await publish(made, ("mic", event(0, 5.0)), ("mic", b"\xff\x00"), ("wrist", b"x" * 5000))
            await publish(made, ("mic", event(1, 6.0)))
            await heard.until(lambda: len(heard.facts) == 3)
            mic, wrist = heard.sensors.statuses(time.monotonic())
            assert mic.refused == {Refusal.DOUBLED: 1, Refusal.JSON: 1}
            assert wrist.refused == {Refusal.SIZE: 1}
            assert (heard.sensors.strangers.count, heard.sensors.strangers.last) == (1, "stranger")
            assert [fact.data["node"] for fact in heard.facts] == ["mic", "wrist", "mic"]


@run
async def test_a_broker_that_is_killed_is_found_again(tmp_path: Path) -> None:
    with broker(tmp_path) as made:
        async with Listener(made.port, "mic") as heard:
            await heard.up()
            await publish(made, ("mic", event(0, 1.0)))
            await heard.until(lambda: len(heard.facts) == 1)
            made.kill()
            await heard.until(lambda: heard.status.state is LinkState.DOWN)
            assert (heard.status.error or "").startswith("broker: ")
            made.start()
            await heard.up()
            assert heard.status.error is None
            assert heard.status.reconnects == 1
            # The node did not know whether its last had arrived, and sends it once more.
            await publish(made, ("mic", event(0, 1.0)), ("mic", event(1, 2.0)))
            await heard.until(lambda: len(heard.facts) == 2)
            assert heard.sensors.statuses(0)[0].refused == {Refusal.DOUBLED: 1}


@run
async def test_a_broker_that_comes_later_is_found(tmp_path: Path) -> None:
    need("mosquitto")
    made = Broker(tmp_path)
    async with Listener(made.port, "mic") as heard:
        await heard.until(lambda: heard.status.state is LinkState.DOWN)
        said = "broker: nothing listens there (connection refused); check that the broker is on, and its port"
        assert heard.status.error == said
        made.start()
        try:
            await heard.up()
            assert heard.status.reconnects == 0, "it was never lost"
        finally:
            made.kill()


@run
async def test_topics_that_nobody_subscribed_to_are_counted_as_unknown(tmp_path: Path) -> None:
    def published(topic: str) -> bytes:
        body = len(topic).to_bytes(2, "big") + topic.encode() + event(0, 1.0)
        return bytes((0x30, len(body))) + body

    strange = ("x", "mic", "touchline", "touchline/events", "touchline/mic/more", "touchline/mic/x/events")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK: welcome
        await reader.read(100)
        writer.write(b"\x90\x03\x00\x01\x01")  # SUBACK of the first subscription
        for topic in (*strange, "touchline/mic/events"):
            writer.write(published(topic))
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Listener(server.sockets[0].getsockname()[1], "mic", "mic/x", "events") as heard:
        await heard.until(lambda: bool(heard.facts))
        assert [fact.data["node"] for fact in heard.facts] == ["mic"]
        strangers = heard.sensors.strangers
        assert (strangers.count, strangers.last) == (len(strange), "topic touchline/mic/x/events")


def test_a_broker_that_says_nothing_is_left_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "TIMEOUT_S", 0.2)

    @run
    async def test(_: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            async with Listener(silent.getsockname()[1], "mic") as heard:
                await heard.until(lambda: heard.status.state is LinkState.DOWN)
                assert "no answer in time; check that it is on" in (heard.status.error or "")

    test(tmp_path)


@pytest.mark.parametrize(("lasted_s", "waits"), [(10.0, [0.5, 1.0, 2.0]), (-1.0, [0.5, 0.5, 0.5])])
def test_a_broker_that_hangs_up_at_once_is_waited_for_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasted_s: float, waits: list[float]
) -> None:
    """And one that hung up late is not: every connection is longer than -1 s."""
    waited: list[float] = []
    wait_s = Backoff.wait_s

    def told(backoff: Backoff) -> float:
        waited.append(wait_s(backoff))
        return 0.01

    monkeypatch.setattr(Backoff, "wait_s", told)
    monkeypatch.setattr(random, "uniform", lambda *_: 1.0)
    monkeypatch.setattr(mqtt, "LASTED_S", lasted_s)

    @run
    async def test(_: Path) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"\x20\x02\x00\x00")  # CONNACK: welcome
            await reader.read(100)
            writer.write(b"\x90\x03\x00\x01\x01")  # SUBACK of the first subscription
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server, Listener(server.sockets[0].getsockname()[1], "mic") as heard:
            await heard.until(lambda: heard.status.reconnects >= 2 and len(waited) >= 3)
        assert waited[:3] == waits

    test(tmp_path)


@run
async def test_a_broker_that_lets_nobody_listen_is_not_up(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK: welcome
        await reader.read(100)
        writer.write(b"\x90\x03\x00\x01\x80")  # SUBACK: no
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, Listener(server.sockets[0].getsockname()[1], "mic") as heard:
        await heard.until(lambda: heard.status.state is not LinkState.CONNECTING)
        assert heard.status.state is LinkState.DOWN
        assert "refuses touchline/+/events; give this user the right to read it" in (heard.status.error or "")


@run
async def test_a_flood_ends_at_the_broker_and_the_others_are_heard(tmp_path: Path) -> None:
    with broker(tmp_path) as made:
        async with Listener(made.port, "mic", "wrist", rate=10) as heard:
            await heard.up()
            await publish(made, *(("wrist", event(index, index)) for index in range(120)))
            await heard.until(lambda: heard.sensors.heard_alone(time.monotonic()) == ["mic"])
            wrist = heard.sensors.statuses(time.monotonic())[1]
            assert wrist.flooding

            async def flood_is_shut_out() -> bool:
                before, told = wrist.refused[Refusal.FLOOD], len(heard.facts)
                await publish(made, ("wrist", event(1000, 1000.0)), ("mic", event(told, 5.0)))
                # The broker keeps their order: once the second is here, the first would be.
                await heard.until(lambda: len(heard.facts) > told)
                assert heard.sensors.heard_alone(time.monotonic()) == ["mic"], "the broker went on sending it"
                return wrist.refused[Refusal.FLOOD] == before

            async with asyncio.timeout(WAIT_S):
                while not await flood_is_shut_out():
                    await asyncio.sleep(0.1)


@run
async def test_what_was_retained_is_refused(tmp_path: Path) -> None:
    with broker(tmp_path) as made:
        await publish(made, ("mic", event(0, 1.0)), retain=True)
        async with Listener(made.port, "mic") as heard:
            await heard.up()
            await publish(made, ("mic", event(1, 2.0)))
            await heard.until(lambda: len(heard.facts) == 1)
            assert heard.facts[0].data["seq"] == 1
            assert heard.sensors.statuses(0)[0].refused == {Refusal.RETAINED: 1}


@run
async def test_user_and_password(tmp_path: Path) -> None:
    need("mosquitto", "mosquitto_passwd")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "box", "s3cret"], check=True, timeout=20)
    with broker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as made:
        async with Listener(made.port, "mic", user="box", password="0ther") as heard:
            await heard.until(lambda: heard.status.state is LinkState.DOWN)
            said = "broker: user or password is wrong, or may not connect; set the right ones in [sensors]"
            assert heard.status.error == said
        async with Listener(made.port, "mic") as heard:
            await heard.until(lambda: heard.status.state is LinkState.DOWN)
            assert heard.status.error == "broker: wants a user and password; set them in [sensors]"
        async with Listener(made.port, "mic", user="box", password="s3cret") as heard:
            await heard.up()


@run
async def test_tls_with_an_authority_of_its_own(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with broker(tmp_path, "allow_anonymous true", f"certfile {cert}", f"keyfile {key}") as made:
        async with Listener(made.port, "mic", tls=True) as heard:
            await heard.until(lambda: heard.status.state is LinkState.DOWN)
            assert "its certificate is not trusted (self-signed certificate); name" in (heard.status.error or "")
        async with Listener(made.port, "mic", tls=True, ca=str(cert)) as heard:
            await heard.up()
            await publish(made, ("mic", event(0, 1.0)), tls={"ca_certs": str(cert)})
            await heard.until(lambda: len(heard.facts) == 1)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_that_is_none_is_told_at_once(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match="PEM file"):
        mqtt.tls_context(mqtt.Broker("127.0.0.1", free_port(), "touchline", tls=True, ca=str(file)))
