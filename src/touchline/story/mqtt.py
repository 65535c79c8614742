"""An MQTT 3.1.1 broker → nodes' messages, for ever: what breaks is tried again, and disturbs nobody.

While nobody floods, one subscription hears all nodes, also those that venue.toml does not name, so that they are
counted. While somebody does, only the others are subscribed to: the flood ends at the broker.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiomqtt

from touchline.story import faults
from touchline.story.link import Link
from touchline.story.retry import Backoff
from touchline.types.errors import ConfigError, SourceError
from touchline.types.sensor import LinkStatus

TIMEOUT_S = 10.0
KEEPALIVE_S = 30
QUEUED = 500
LASTED_S = 10.0
"""A broker that hangs up sooner is waited for longer and longer, like one that is not there."""
RECEIVED_BYTES = 32 * 1024
"""What may wait in the system for this process: little, so that a flood soon waits at the broker."""
_LOOK_S = 0.05
"""How often it is looked whether somebody floods."""
_REFUSED, _LOGIN, _CONNECT, _KEEPALIVE = 128, frozenset((134, 135)), frozenset((132, 133, 136)), 141
"""Reason codes, as MQTT 5 numbers them: from here on refusals; bad user name or password, not authorised;
version or client unknown, server unavailable; nothing came for too long."""

Take = Callable[[str, bytes, bool], None]
"""A node's id, its message, and whether the broker had retained it."""


@dataclass(frozen=True, slots=True)
class Broker:
    """``ca``: a PEM file of the authorities to trust with TLS; None: the system's."""

    host: str
    port: int
    prefix: str
    user: str | None = None
    password: str | None = None
    tls: bool = False
    ca: str | None = None


def tls_context(broker: Broker) -> ssl.SSLContext | None:
    """What a connection is made with. Raises `ConfigError` where the authorities' file cannot be used."""
    if not broker.tls:
        return None
    try:
        return ssl.create_default_context(cafile=broker.ca)
    except OSError as error:  # also ssl.SSLError
        what = error.strerror or error
        raise ConfigError(f"{broker.ca}: cannot be used as ca of the broker ({what}); name a PEM file") from error


async def listen(
    broker: Broker, take: Take, heard_alone: Callable[[], list[str] | None], status: LinkStatus
) -> None:
    """Hear nodes until cancelled. ``heard_alone``: as `Sensors.heard_alone`, now. ``status`` is kept up to date.

    Raises `ConfigError` at once where TLS cannot be set up.
    """
    context = tls_context(broker)
    link, backoff, loop = Link(status), Backoff(), asyncio.get_running_loop()
    while True:
        up_at = math.inf
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.user,
            password=broker.password,
            tls_context=context,
            timeout=TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            logger=_silent(),
            socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)],
            queue_type=_queue_counting(status),
            max_queued_incoming_messages=QUEUED,
        )
        try:
            async with client, asyncio.TaskGroup() as group:
                await _subscribed(client, status.name, broker.prefix, set(), heard_alone())
                link.up()
                up_at = loop.time()
                group.create_task(_keep_subscribed(client, status.name, broker.prefix, heard_alone))
                group.create_task(_hear(client, broker.prefix, take))
        except* (aiomqtt.MqttError, SourceError) as errors:
            link.down(_fault(broker, status.name, errors.exceptions[0]))
        if loop.time() - up_at > LASTED_S:
            backoff.reset()
        await asyncio.sleep(backoff.wait_s())


def topics(prefix: str, alone: list[str] | None) -> set[str]:
    """What to subscribe to."""
    return {f"{prefix}/+/events"} if alone is None else {f"{prefix}/{node}/events" for node in alone}


def node_of(prefix: str, topic: str) -> str:
    """The node that publishes to ``topic``. A broker may send topics that nobody subscribed to: they are given a
    name that no node has, and so are counted as unknown."""
    begin, end = f"{prefix}/", "/events"
    node = topic.removeprefix(begin).removesuffix(end)
    return node if topic == f"{begin}{node}{end}" and "/" not in node else f"topic {topic}"


async def _hear(client: aiomqtt.Client, prefix: str, take: Take) -> None:
    async for message in client.messages:
        take(node_of(prefix, message.topic.value), message.payload, message.retain)


async def _keep_subscribed(
    client: aiomqtt.Client, name: str, prefix: str, heard_alone: Callable[[], list[str] | None]
) -> None:
    held = topics(prefix, None)
    while True:
        held = await _subscribed(client, name, prefix, held, heard_alone())
        await asyncio.sleep(_LOOK_S)


async def _subscribed(
    client: aiomqtt.Client, name: str, prefix: str, held: set[str], alone: list[str] | None
) -> set[str]:
    """Change the subscriptions ``held`` to those wanted: new ones first, so that nobody is missed between, and all
    at once, for the broker's word comes behind a flood. Raises `SourceError` where the broker refuses one."""
    wanted = topics(prefix, alone)
    added = sorted(wanted - held)
    granted, _ = await asyncio.gather(
        asyncio.gather(*(client.subscribe(topic, qos=1) for topic in added)),
        asyncio.gather(*(client.unsubscribe(topic) for topic in sorted(held - wanted))),
    )
    for topic, codes in zip(added, granted, strict=True):
        if any(_value(code) >= _REFUSED for code in codes):
            raise faults.no_right(name, topic)
    return wanted


def _queue_counting(status: LinkStatus) -> Any:
    """A bounded queue that gives up the oldest, and counts."""

    class Newest(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            if self.full():
                self.get_nowait()
                status.dropped += 1
            super().put_nowait(item)

    return Newest


def _silent() -> logging.Logger:
    """What the library has to say is said by `LinkStatus`, once."""
    logger = logging.getLogger(f"{__name__}.client")
    logger.disabled = True
    return logger


def _fault(broker: Broker, name: str, error: BaseException) -> SourceError:
    """What the client raised → what is told. Its own text is never passed on."""
    # It raises its own "from None" what the system or TLS did.
    cause = error.__context__
    match error:
        case SourceError():
            return error
        case aiomqtt.MqttCodeError():
            code = _value(error.rc)
            if code in _LOGIN:
                return faults.refused_login(name, given=broker.user is not None)
            if code in _CONNECT:
                return faults.refused(name, str(error.rc).lower())
            return faults.silent(name) if code == _KEEPALIVE else faults.closed(name)
        case _ if isinstance(cause, TimeoutError):
            return faults.no_answer(name)
        case _ if isinstance(cause, OSError):
            return faults.no_connection(name, cause)
        case _:
            return faults.closed(name)


def _value(code: Any) -> int:
    """A reason code as MQTT 5 numbers it, or a plain number as it is."""
    value = getattr(code, "value", code)
    return value if isinstance(value, int) else 0
