"""A box for the page's tests: the real server over a wired box, whose cameras are played by the test."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from touchline.app.box import Box
from touchline.app.serving import make_server
from touchline.app.settings import CameraSettings, SensorSettings, ServerSettings, Venue, WebRtcSettings
from touchline.app.wire import make_box
from touchline.types import MEDIA_CLOCK, CameraState, Fact, FactJson, Packet, StreamInfo, fact_id

TIMEOUT_S = 20


class PageBox:
    """Serves ``names`` (id → name) until it is closed. ``stop`` and ``start`` make it unreachable and back."""

    def __init__(
        self,
        names: dict[str, str],
        *,
        host: str = "127.0.0.1",
        webrtc: WebRtcSettings | None = None,
        sensors: SensorSettings | None = None,
    ) -> None:
        cameras = [CameraSettings(id=key, name=name, source="test:") for key, name in names.items()]
        self._venue = Venue(
            server=ServerSettings(host=host),
            webrtc=webrtc or WebRtcSettings(),
            sensors=sensors or SensorSettings(),
            cameras=cameras,
        )
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.box: Box
        self.connections: set[Any]
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None
        self._playing: list[asyncio.Task[None]] = []
        self.start()

    def start(self) -> None:
        """Listen."""
        up: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(up)), name="page box", daemon=True)
        self._thread.start()
        up.result(TIMEOUT_S)

    def stop(self) -> None:
        """Hang up on everybody and no longer listen."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(TIMEOUT_S)
            assert not self._thread.is_alive()
            self._thread = None

    def set(self, camera: str, state: CameraState, **fields: Any) -> None:
        """Say how a camera is doing."""
        status = self.box.statuses[camera]
        status.state = state
        for name, value in fields.items():
            setattr(status, name, value)

    def play(
        self,
        camera: str,
        info: StreamInfo,
        packets: list[Packet],
        facts: Callable[[int], dict[str, Any] | None],
    ) -> None:
        """Loop ``packets`` in real time, each with the ``tracks`` fact that ``facts`` gives for its number."""

        def begin() -> None:
            self._playing.append(asyncio.create_task(self._play(camera, info, packets, facts)))

        self.call(begin)

    def silence(self) -> None:
        """All cameras stop sending."""

        def end() -> None:
            for task in self._playing:
                task.cancel()
            self._playing.clear()

        self.call(end)

    def call(self, what: Callable[[], None]) -> None:
        """Do ``what`` on the box's own thread."""
        done: Future[None] = Future()

        def run() -> None:
            what()
            done.set_result(None)

        self._loop.call_soon_threadsafe(run)
        done.result(TIMEOUT_S)

    async def _serve(self, up: Future[None]) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self.box = make_box(self._venue)
        server = make_server(self.box)
        listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        self.connections = server.server_state.connections
        up.set_result(None)
        await self._end.wait()
        for task in self._playing:
            task.cancel()
        self._playing.clear()
        self.box.facts.close()
        await self.box.sessions.close_all()
        server.should_exit = True
        await serving

    async def _play(
        self, camera: str, info: StreamInfo, packets: list[Packet], facts: Callable[[int], dict[str, Any] | None]
    ) -> None:
        step = round(MEDIA_CLOCK / info.fps)
        self.box.hear(camera, info)
        due, number = self._loop.time(), 0
        while True:
            pts = round(self.box.media_time() * MEDIA_CLOCK)
            packet = packets[number % len(packets)]
            data = facts(number)
            if data is not None:
                self.box.hear(camera, FactJson.of(Fact(fact_id(number), camera, "tracks", pts, data)))
            self.box.hear(camera, Packet(packet.data, pts, packet.is_key))
            number += 1
            due += step / MEDIA_CLOCK
            await asyncio.sleep(max(0.0, due - self._loop.time()))
