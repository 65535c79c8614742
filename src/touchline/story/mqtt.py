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

from touchline.story.retry import Backoff
from touchline.types.errors import ConfigError
from touchline.types.sensor import LinkState, LinkStatus

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
KEEPALIVE_S = 30
QUEUED = 500
LASTED_S = 10.0
"""A broker that hangs up sooner is waited for longer and longer, like one that is not there."""
RECEIVED_BYTES = 32 * 1024
"""What may wait in the system for this process: little, so that a flood soon waits at the broker."""
_LOOK_S = 0.05
"""How often it is looked whether somebody floods."""

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
    backoff, loop = Backoff(), asyncio.get_running_loop()
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
                await _subscribed(client, broker.prefix, set(), heard_alone())
                _up(status)
                up_at = loop.time()
                group.create_task(_keep_subscribed(client, broker.prefix, heard_alone))
                group.create_task(_hear(client, broker.prefix, take))
        except* aiomqtt.MqttError as errors:
            _down(status, errors.exceptions[0])
        if loop.time() - up_at > LASTED_S:
            backoff.reset()
        await asyncio.sleep(backoff.wait_s())


def topics(prefix: str, alone: list[str] | None) -> set[str]:
    """What to subscribe to."""
    return {f"{prefix}/+/events"} if alone is None else {f"{prefix}/{node}/events" for node in alone}


async def _hear(client: aiomqtt.Client, prefix: str, take: Take) -> None:
    begin = prefix.count("/") + 1
    async for message in client.messages:
        node = message.topic.value.split("/")[begin]
        take(node, message.payload, message.retain)


async def _keep_subscribed(
    client: aiomqtt.Client, prefix: str, heard_alone: Callable[[], list[str] | None]
) -> None:
    held = topics(prefix, None)
    while True:
        held = await _subscribed(client, prefix, held, heard_alone())
        await asyncio.sleep(_LOOK_S)


async def _subscribed(client: aiomqtt.Client, prefix: str, held: set[str], alone: list[str] | None) -> set[str]:
    """Change the subscriptions ``held`` to those wanted: new ones first, so that nobody is missed between, and all
    at once, for the broker's word comes behind a flood."""
    wanted = topics(prefix, alone)
    new = [client.subscribe(topic, qos=1) for topic in sorted(wanted - held)]
    await asyncio.gather(*new, *(client.unsubscribe(topic) for topic in sorted(held - wanted)))
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


def _up(status: LinkStatus) -> None:
    if status.state is LinkState.DOWN:
        status.reconnects += 1
    status.state, status.error = LinkState.UP, None
    log.info("%s: connected", status.name)


def _down(status: LinkStatus, error: BaseException) -> None:
    cause = error.__cause__ or error
    said = f"{cause}".strip() or type(cause).__name__
    error_line = f"{said}; check its address, user and rights: trying again"
    if status.state is not LinkState.DOWN or status.error != error_line:
        log.warning("%s: %s", status.name, error_line)
    status.state, status.error = LinkState.DOWN, error_line
