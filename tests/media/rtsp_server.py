"""A real RTSP server: Debian's gst-rtsp-server, run by the system's Python.

It sends H.264 files (Annex B) over and over, as they are. As a program::

    /usr/bin/python3 rtsp_server.py --port 8554 --mount court=court.h264@25 [--user u --password p]

prints ``ready PORT`` once it listens (port 0 takes a free one). Beside ``court.h264`` there may be a
``court.h264.order`` with the display position of each picture, one a line, for streams with B-frames.
For tests: `RtspServer`, a context manager. Packages: gir1.2-gst-rtsp-server-1.0, python3-gi and
gstreamer1.0-plugins-{base,good,bad}.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

SYSTEM_PYTHON = "/usr/bin/python3"
NEEDS = "gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')"


def is_installed() -> bool:
    """Whether the system has the server; in CI it must."""
    check = f"import gi; {NEEDS}; from gi.repository import Gst, GstRtspServer"
    if not Path(SYSTEM_PYTHON).exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True, timeout=60).returncode == 0


class RtspServer:
    """Serves ``mounts`` (name → H.264 file) at ``rate`` pictures a second while the ``with`` block runs."""

    def __init__(
        self,
        mounts: dict[str, Path],
        *,
        rate: int = 25,
        port: int = 0,
        user: str = "",
        password: str = "",
        udp: bool = False,
        certificate: Path | None = None,
    ) -> None:
        self._extra = ["--udp"] if udp else []
        self._extra += ["--certificate", str(certificate)] if certificate else []
        self._mounts, self._rate, self._user, self._password = mounts, rate, user, password
        self._process: subprocess.Popen[str] | None = None
        self.port = port

    def url(self, mount: str, login: str = "") -> str:
        """The address of ``mount``, with ``login`` (user:password) if given."""
        return f"rtsp://{login + '@' if login else ''}127.0.0.1:{self.port}/{mount}"

    def start(self) -> None:
        """Start, or start again on the same port."""
        command = [SYSTEM_PYTHON, __file__, "--port", str(self.port)]
        for name, path in self._mounts.items():
            command += ["--mount", f"{name}={path}@{self._rate}"]
        if self._user:
            command += ["--user", self._user, "--password", self._password]
        command += self._extra
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        self._process = process
        line = self.hear(30)
        if not line.startswith("ready "):
            process.kill()
            process.wait()
            raise RuntimeError(f"the RTSP server did not start: {line!r}")
        self.port = int(line.split()[1])

    def hear(self, seconds: float) -> str:
        """The next line it prints, empty after ``seconds``: ``teardown`` where a client ends its session."""
        assert self._process is not None
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline() if readable else ""

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it at once, as a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> RtspServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


# From here on run by the system's Python, which has gi.


def read_pictures(path: Path) -> list[bytes]:
    """The access units of an H.264 file: each from after the last picture's end to its own."""
    data = path.read_bytes()
    starts = [match.start() for match in re.finditer(rb"\x00?\x00\x00\x01", data)]
    pictures: list[bytes] = []
    begun, seen = 0, False
    for at in starts:
        header = at + (4 if data[at : at + 4] == b"\x00\x00\x00\x01" else 3)
        kind = data[header] & 0x1F
        # A first slice starts with first_mb_in_slice 0, one set bit; sets, SEI and delimiters precede it.
        is_first_slice = kind in (1, 5) and data[header + 1] & 0x80 != 0
        if seen and (is_first_slice or kind in (6, 7, 8, 9)):
            pictures.append(data[begun:at])
            begun, seen = at, False
        seen = seen or kind in (1, 5)
    pictures.append(data[begun:])
    return pictures


def read_order(path: Path, count: int) -> list[int]:
    """The display position of each picture, that of the file's order where nothing is said."""
    beside = path.with_name(path.name + ".order")
    return [int(line) for line in beside.read_text().split()] if beside.exists() else list(range(count))


def write_stream(clip: Path, path: Path) -> Path:
    """Write ``clip``'s H.264 to ``path`` as it is, and its pictures' display positions beside it. Needs av."""
    import av
    from av.bitstream import BitStreamFilterContext

    data, stamps = b"", []
    with av.open(str(clip)) as source:
        filter_ = BitStreamFilterContext("h264_mp4toannexb", source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                stamps.append(packet.pts or 0)
                data += b"".join(bytes(part) for part in filter_.filter(packet))
    path.write_bytes(data)
    places = {pts: at for at, pts in enumerate(sorted(stamps))}
    path.with_name(path.name + ".order").write_text("\n".join(str(places[pts]) for pts in stamps))
    return path


def parent_died(parent: int) -> bool:
    return os.getppid() != parent


def main() -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mount", action="append", required=True, metavar="NAME=FILE@FPS")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--udp", action="store_true", help="media by UDP alone")
    parser.add_argument("--certificate", help="a PEM file with key and certificate, to speak TLS; takes a user")
    options = parser.parse_args()
    Gst.init(None)

    class Factory(GstRtspServer.RTSPMediaFactory):
        """Media that push a file's pictures in real time, for as long as somebody watches."""

        def __init__(self, path: Path, rate: int) -> None:
            super().__init__()
            self.pictures = read_pictures(path)
            self.order = read_order(path, len(self.pictures))
            self.rate = rate
            self.set_shared(True)
            self.set_latency(0)

        def do_create_element(self, url: Any) -> Any:
            return Gst.parse_launch(
                "appsrc name=source is-live=true format=time"
                " caps=video/x-h264,stream-format=byte-stream,alignment=au"
                " ! h264parse ! video/x-h264,alignment=au ! rtph264pay name=pay0 pt=96 config-interval=-1"
            )

        def do_configure(self, media: Any) -> None:
            if options.udp:
                media.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
            source = media.get_element().get_child_by_name("source")
            ended = threading.Event()
            media.connect("unprepared", lambda _: ended.set())
            threading.Thread(target=self.push, args=(source, ended), daemon=True).start()

        def push(self, source: Any, ended: threading.Event) -> None:
            start, number = time.monotonic(), 0
            count = len(self.pictures)
            while not ended.wait(max(0.0, start + number / self.rate - time.monotonic())):
                buffer = Gst.Buffer.new_wrapped(self.pictures[number % count])
                shown = number // count * count + self.order[number % count]
                buffer.pts = shown * Gst.SECOND // self.rate
                buffer.duration = Gst.SECOND // self.rate
                if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
                number += 1

    def told(*_: Any) -> None:
        print("teardown", flush=True)

    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    if options.user:
        auth = GstRtspServer.RTSPAuth()
        if options.certificate:
            auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(options.certificate))
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
        server.set_auth(auth)
    for mount in options.mount:
        name, _, rest = mount.partition("=")
        path, _, rate = rest.rpartition("@")
        factory = Factory(Path(path), int(rate))
        if options.user:
            role = Gst.Structure.new_empty("viewer")
            role.set_value("media.factory.access", True)
            role.set_value("media.factory.construct", True)
            factory.add_role_from_structure(role)
        server.get_mount_points().add_factory(f"/{name}", factory)
    server.connect("client-connected", lambda _, client: client.connect("teardown-request", told))
    if not server.attach(None):
        sys.exit("the port is taken")
    loop = GLib.MainLoop()
    parent = os.getppid()
    GLib.timeout_add_seconds(1, lambda: loop.quit() if parent_died(parent) else True)
    print("ready", server.get_bound_port(), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
