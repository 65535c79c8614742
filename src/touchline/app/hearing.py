"""What hears the venue's sensor nodes: settings in, a task for each broker and serial line out."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from touchline.app.box import Box
from touchline.app.settings import LOOPBACK, SensorSettings, Venue, expand
from touchline.story.faults import of_ours
from touchline.story.retry import LONGEST_S, Backoff
from touchline.story.sensors import Node, Sensors
from touchline.types import ALL_CAMERAS, ConfigError, LinkState, LinkStatus

log = logging.getLogger(__name__)

LASTED_S = 2 * LONGEST_S
"""Hearing that went on for so long is begun again soon after a fault of ours."""

Hear = Callable[[], Coroutine[Any, Any, None]]
"""Hears a link's nodes until it is cancelled."""


def make_sensors(venue: Venue) -> Sensors:
    """All nodes of ``venue``. Raises `ConfigError` where one belongs to a camera that there is not."""
    cameras = {camera.id for camera in venue.cameras}
    for node in venue.sensors.nodes:
        if node.camera is not None and node.camera not in cameras:
            raise ConfigError(
                f"sensors: node {node.id!r} belongs to camera {node.camera!r}, which there is not; name one of "
                f"{', '.join(sorted(cameras))}, or none"
            )
    nodes = [
        Node(node.id, node.kind, node.camera or ALL_CAMERAS, serial=node.serial is not None)
        for node in venue.sensors.nodes
    ]
    return Sensors(nodes, rate=venue.sensors.rate, late_s=venue.sensors.late)


def make_hearing(venue: Venue, box: Box) -> list[Hear]:
    """What hears the nodes of ``venue`` for ``box``; adds their links to the box.

    Raises `ConfigError` where a setting cannot be used, and ModuleNotFoundError without the extra `sensors`.
    """
    settings = venue.sensors
    hearing: list[Hear] = []
    if settings.broker is not None:
        status = LinkStatus(settings.broker)
        hearing.append(functools.partial(_told, _of_broker(settings, settings.broker, box, status), status))
        box.links.append(status)
    for node in settings.nodes:
        if node.serial is not None:
            status = LinkStatus(node.serial)
            hearing.append(
                functools.partial(_told, _of_line(node.id, node.serial, node.baud, box, status), status)
            )
            box.links.append(status)
    return hearing


def _of_broker(settings: SensorSettings, address: str, box: Box, status: LinkStatus) -> Hear:
    from touchline.story import mqtt

    parts = urlsplit(address)
    tls = parts.scheme == "mqtts"
    broker = mqtt.Broker(
        host=parts.hostname or "",
        port=_port_of(address) or (8883 if tls else 1883),
        prefix=settings.prefix,
        user=expand(settings.user) if settings.user else None,
        password=expand(settings.password) if settings.password else None,
        tls=tls,
        ca=settings.ca,
    )
    mqtt.tls_context(broker)
    if broker.password and not tls and broker.host not in LOOPBACK:
        log.warning("%s: the password is sent as it is; take mqtts:// where others share the network", broker.host)
    take = functools.partial(_take_of_broker, box)
    alone = functools.partial(_heard_alone, box)
    return functools.partial(mqtt.listen, broker, take, alone, status)


def _of_line(node: str, device: str, baud: int, box: Box, status: LinkStatus) -> Hear:
    from touchline.story import serial_line

    take = functools.partial(box.hear_node, node, serial=True)
    return functools.partial(serial_line.listen, device, baud, take, status)


def _port_of(address: str) -> int | None:
    try:
        return urlsplit(address).port
    except ValueError as error:
        raise ConfigError(f"broker {address}: {error}; name a port from 1 to 65535") from error


def _take_of_broker(box: Box, node: str, payload: bytes, retained: bool) -> None:
    box.hear_node(node, payload, retained=retained)


def _heard_alone(box: Box) -> list[str] | None:
    return box.sensors.heard_alone(box.media_time())


async def _told(hear: Hear, status: LinkStatus) -> None:
    """Cameras go on whatever happens to sensors, and so does hearing: a fault of ours is told and tried again, for
    what it fell over may have been a single message."""
    backoff, loop = Backoff(), asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await hear()
        except Exception as error:
            fault: BaseException = error
            while isinstance(fault, BaseExceptionGroup):
                fault = fault.exceptions[0]
            status.state = LinkState.DOWN
            status.error = str(of_ours(status.name, fault))
            log.exception("%s", status.error)
        if loop.time() - began > LASTED_S:
            backoff.reset()
        await asyncio.sleep(backoff.wait_s())
