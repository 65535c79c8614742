"""Real senders on loopback: imageio-ffmpeg's program as SRT and RTMP server, HLS over Python's HTTP server."""

from __future__ import annotations

import contextlib
import functools
import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nothing uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def ffmpeg(clip: Path, *output: str) -> Iterator[subprocess.Popen[bytes]]:
    """FFmpeg playing ``clip`` over and over in real time to ``output``, packets untouched."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-re"]
    command += ["-stream_loop", "-1", "-i", str(clip), "-c", "copy", *output]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def http_folder(folder: Path, asked: list[str] | None = None) -> Iterator[int]:
    """An HTTP server of ``folder``; its port. Notes in ``asked`` what it was asked for."""

    class Noting(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            if asked is not None:
                asked.append(self.path)

    handler = functools.partial(Noting, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A TCP port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def wait_listening(port: int, seconds: float = 15.0) -> None:
    """Until a TCP server listens on ``port``, without connecting to it (a single-client server would serve us)."""
    wanted = f":{port:04X}"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(wanted) and fields[3] == "0A":
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")
