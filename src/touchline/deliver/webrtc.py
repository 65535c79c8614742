"""WHEP: a viewer's offer in, an answer out, and a session until the viewer leaves or goes silent."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass

from aiortc import RTCDataChannel

from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.negotiate import (
    MAX_CANDIDATES,
    MAX_SDP,
    Offer,
    WhepRefused,
    answer,
    read_fragment,
    read_offer,
)
from touchline.deliver.rtp import Shape, profile_level_id
from touchline.deliver.sctp import fragments
from touchline.deliver.sender import ViewerSender
from touchline.deliver.transport import PeerTransport
from touchline.types.packet import MEDIA_CLOCK

__all__ = ["MAX_SDP", "ViewerStats", "WhepLimits", "WhepRefused", "WhepSessions"]

log = logging.getLogger(__name__)

FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
"""Content type of trickled candidates (RFC 8840)."""


@dataclass(frozen=True, slots=True)
class WhepLimits:
    """Seconds for a STUN or TURN server to answer, to find a path, to shake hands, and of silence until a viewer
    counts as gone (a browser sends something every 2.5 s at the least).

    ``viewers``: all at once, ``connecting``: those on their way. Where either are too many, the one that has been
    on its way for longest, and for more than ``grace`` s, makes room: offers that nobody follows up keep nobody
    out.
    """

    gather: float = 1.0
    ice: float = 10.0
    dtls: float = 5.0
    silence: float = 10.0
    viewers: int = 2000
    connecting: int = 128
    grace: float = 3.0


@dataclass(frozen=True, slots=True)
class ViewerStats:
    """How one viewer is doing.

    ``path``: kinds of the two ends, as ``host → prflx``. ``srtp``: the profile. ``sent``, ``resent``: packets.
    ``blocked``: sends the kernel had no room for. ``dropped``: pictures, ``facts_dropped``: facts it did not
    get for being slow. ``fraction_lost``: 0–1, as last reported. ``round_trip``: seconds, or None.
    """

    camera: str
    path: str
    srtp: str
    sent: int
    resent: int
    blocked: int
    dropped: int
    facts_dropped: int
    fraction_lost: float
    round_trip: float | None


class _Session:
    """One viewer of one camera."""

    def __init__(self, stream: CameraStream, offer: Offer, ice: IceSettings, cname: str) -> None:
        self.stream = stream
        self.offer = offer
        self.transport = PeerTransport(ice, dtls_client=offer.dtls_client)
        shape = Shape(offer.payload_type, 16, offer.playout_delay)
        self.sender = ViewerSender(self.transport, stream, shape, cname)
        self.task: asyncio.Task[None] | None = None
        self.candidates = len(offer.candidates)
        self.opened = asyncio.get_running_loop().time()
        self.started = False

    async def run(self, limits: WhepLimits) -> None:
        """Connect and begin to send; returns when that is done or has failed."""
        offer = self.offer
        for candidate in offer.candidates:
            await self.transport.add_candidate(candidate)
        if not await self.transport.connect(offer.ice, offer.dtls, limits.ice, limits.dtls):
            return
        self.sender.shape = Shape(offer.payload_type, self.transport.tag, offer.playout_delay)
        self.transport.on_rtcp(self.sender.on_rtcp)
        self.sender.start()
        self.started = True
        if offer.data >= 0:
            await self.transport.open_channels(offer.sctp_port, self._channel)

    def _channel(self, channel: RTCDataChannel) -> None:
        if channel.label != "facts" or self.sender.facts_open:
            channel.close()
            return
        hello = {
            "type": "hello",
            "camera": self.stream.camera,
            "rtp_offset": self.sender.rtp_offset,
            "clock": MEDIA_CLOCK,
            "pts": self.stream.last_pts or 0,
        }
        self.transport.take_channel(channel)
        self.transport.send_message(fragments(json.dumps(hello, separators=(",", ":")).encode()))
        self.sender.facts_open = True
        self.sender.flush()

    def stats(self) -> ViewerStats:
        sender, transport = self.sender, self.transport
        return ViewerStats(
            camera=self.stream.camera,
            path=transport.path,
            srtp=transport.srtp_profile,
            sent=transport.outgoing.sent,
            resent=sender.resent,
            blocked=transport.outgoing.blocked,
            dropped=sender.dropped,
            facts_dropped=sender.facts_dropped,
            fraction_lost=sender.fraction_lost,
            round_trip=sender.round_trip,
        )

    async def close(self) -> None:
        """Stop sending and free everything."""
        task, self.task = self.task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task])
        self.sender.stop()
        await self.transport.close()


class WhepSessions:
    """All viewers of all cameras, on one event loop. Errors are `WhepRefused` with an HTTP ``status``."""

    def __init__(
        self, streams: Mapping[str, CameraStream], ice: IceSettings, limits: WhepLimits | None = None
    ) -> None:
        self._streams = streams
        self.ice = ice
        self.limits = limits or WhepLimits()
        self._sessions: dict[str, _Session] = {}
        self._opening = 0
        self._ticker: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    async def open(self, camera: str, offer_sdp: str) -> tuple[str, str]:
        """Answer a viewer's offer: (session id, SDP answer).

        Raises KeyError where there is no such camera, and `WhepRefused`: 409 the camera's codec cannot be sent,
        503 too many viewers, and what `read_offer` raises.
        """
        stream = self._streams[camera]
        if stream.info is not None and stream.info.codec != "h264":
            raise WhepRefused(
                409, f"camera {camera}: viewers cannot play {stream.info.codec}; let it be encoded as H.264"
            )
        profile = profile_level_id(stream.info.extradata) if stream.info is not None else None
        offer = read_offer(offer_sdp, profile)
        self._make_room()
        name = secrets.token_urlsafe(24)
        session = _Session(stream, offer, self.ice, name[:8])
        self._opening += 1
        gathering = asyncio.create_task(session.transport.gather(self.limits.gather), name="whep gather")
        try:
            # aioice, cancelled while it gathers, would leave its questions running.
            await asyncio.shield(gathering)
            candidates = session.transport.candidates
            if not candidates:
                raise WhepRefused(503, "no local address could be bound for media; check the server's --host")
        except BaseException:
            self._finish(self._abandon(session, gathering))
            raise
        finally:
            self._opening -= 1
        text = answer(
            offer,
            session=secrets.randbits(62),
            ice=session.transport.ice_parameters,
            fingerprints=session.transport.fingerprints,
            candidates=candidates,
            ssrc=session.sender.ssrc,
            cname=name[:8],
        )
        wanted = {"srflx": bool(self.ice.stun), "relay": bool(self.ice.turn)}
        missing = [kind for kind, use in wanted.items() if use and kind not in {c.type for c in candidates}]
        if missing:
            kinds = " and no ".join(missing)
            log.warning("no %s candidate: the STUN or TURN server did not answer; check its URL", kinds)
        self._sessions[name] = session
        session.transport.on_lost = lambda: self._lost(name)
        session.task = asyncio.create_task(self._run(name, session), name="whep session")
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.create_task(self._tick(), name="whep ticker")
        return name, text

    async def patch(self, session_id: str, body: str) -> bool:
        """Take trickled candidates (`FRAGMENT_TYPE`). False: there is no such session.

        Raises `WhepRefused`: 422 an ICE restart (reconnect instead), 400 and 413.
        """
        session = self._sessions.get(session_id)
        if session is None:
            return False
        fragment = read_fragment(body)
        if fragment.username is not None and fragment.username != session.offer.ice.usernameFragment:
            raise WhepRefused(422, "ICE cannot be restarted; open a new session")
        for candidate in fragment.candidates:
            # Bounded for the whole session: each is an address that this box sends checks to.
            if session.candidates < MAX_CANDIDATES:
                session.candidates += 1
                await session.transport.add_candidate(candidate)
        return True

    async def close(self, session_id: str) -> bool:
        """The viewer leaves. False: there is no such session."""
        return await self._end(session_id)

    def stats(self) -> list[ViewerStats]:
        """Every connected viewer, in the order of joining."""
        return [session.stats() for session in self._sessions.values() if session.started]

    async def close_all(self) -> None:
        """Free all sockets and tasks."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
            self._ticker = None
        await asyncio.gather(*(self._end(name) for name in tuple(self._sessions)))
        if self._closing:
            await asyncio.wait(self._closing)

    def _make_room(self) -> None:
        waiting = [(name, session) for name, session in self._sessions.items() if not session.started]
        full = len(self._sessions) + self._opening >= self.limits.viewers
        if not full and len(waiting) + self._opening < self.limits.connecting:
            return
        if waiting:
            name, oldest = waiting[0]
            if asyncio.get_running_loop().time() - oldest.opened > self.limits.grace:
                del self._sessions[name]
                self._finish(oldest.close())
                return
        taken = self.limits.viewers if full else self.limits.connecting
        what = "viewers' places are taken; try again later" if full else "viewers are connecting; try again in 5 s"
        raise WhepRefused(503, f"all {taken} {what}" if full else f"{taken} {what}")

    async def _run(self, name: str, session: _Session) -> None:
        await session.run(self.limits)
        if session.started:
            log.info("viewer of %s connected (%s)", session.stream.camera, session.transport.path)
        else:
            log.info("viewer of %s did not connect: no path or no handshake in time", session.stream.camera)
            self._lost(name)

    def _lost(self, name: str) -> None:
        self._finish(self._end(name))

    def _finish(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="whep end")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _abandon(self, session: _Session, gathering: asyncio.Task[None]) -> None:
        await asyncio.wait([gathering])
        await session.close()

    async def _end(self, name: str) -> bool:
        session = self._sessions.pop(name, None)
        if session is None:
            return False
        await session.close()
        return True

    async def _tick(self) -> None:
        """Once a second while there are viewers: reports to each, and an end to those who have gone silent."""
        loop = asyncio.get_running_loop()
        while self._sessions:
            await asyncio.sleep(1.0)
            now = loop.time()
            for name, session in tuple(self._sessions.items()):
                if not session.started:
                    continue
                session.sender.report()
                session.transport.tick()
                if now - session.transport.heard > self.limits.silence:
                    log.info("viewer of %s went silent", session.stream.camera)
                    self._lost(name)
