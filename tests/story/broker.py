"""A real MQTT broker, which a test can kill and start again on its port, and nodes that publish to it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.publish as publish

from tests.media.servers import free_port
from tests.needs import need

START_S = 20


class Broker:
    """``settings``: more lines of mosquitto.conf. Not started yet."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        # Root's broker would become the user mosquitto, who may not read a test's folder.
        lines = [f"listener {self.port} 127.0.0.1", "user root", *(settings or ("allow_anonymous true",))]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        program = need("mosquitto")
        log = (self._folder / "mosquitto.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [program, "-c", str(self._folder / "mosquitto.conf")], stdout=log, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < end, (self._folder / "mosquitto.log").read_text()
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def publish(self, *messages: tuple[str, bytes], retain: bool = False, **how: Any) -> None:
        """Node and payload, each; returns once the broker has them all."""
        publish.multiple(
            [(f"touchline/{node}/events", payload, 1, retain) for node, payload in messages],
            "127.0.0.1",
            self.port,
            **how,
        )


@contextmanager
def broker(folder: Path, *settings: str) -> Iterator[Broker]:
    """A broker that runs, and is killed at the end."""
    made = Broker(folder, *settings)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def event(seq: int, t_s: float, **fields: Any) -> bytes:
    """A whistle that the node heard at its time ``t_s``."""
    return json.dumps({"seq": seq, "t_ms": t_s * 1000, "kind": "whistle", "score": 0.8, **fields}).encode()
