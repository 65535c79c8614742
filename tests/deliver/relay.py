"""A real relay (coturn) on loopback, for the tests."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.needs import need

USER = "venue"
WORD = "relay-s3cret"
START_S = 20


@contextlib.contextmanager
def relay(folder: Path) -> Iterator[str]:
    """The URL of a relay that knows `USER` by `WORD`, and serves until the end."""
    program = need("turnserver")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = folder / "turnserver.conf"
    settings.write_text(
        f"listening-ip=127.0.0.1\nlistening-port={port}\nrelay-ip=127.0.0.1\nallow-loopback-peers\n"
        f"lt-cred-mech\nuser={USER}:{WORD}\nrealm=touchline.test\nno-tls\nno-dtls\nno-cli\n"
        f"log-file=stdout\nsimple-log\npidfile={folder}/pid\nuserdb={folder}/db\n"
    )
    with (folder / "relay.log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(settings)], stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, port, folder / "relay.log")
            yield f"turn:127.0.0.1:{port}?transport=udp"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return  # it takes TCP and UDP at once
        time.sleep(0.05)
    raise AssertionError(f"the relay did not start:\n{log.read_text(errors='replace')[-2000:]}")
