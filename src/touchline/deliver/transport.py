"""One viewer's transport: ICE, DTLS and SRTP of aiortc, used below its public names.

This is the only file that touches what aiortc and pylibsrtp keep private (hence the exact pin in pyproject.toml;
tests/deliver/test_transport.py fails when they change). Why it does: aiortc spends 15 µs and two coroutines on
each packet sent, and two tasks on each viewer; this protects a picture's packets in place, in one buffer, and
hands them to the kernel in one call.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any, cast

import aioice
from aioice import stun
from aioice.ice import get_host_addresses
from aiortc import (
    RTCCertificate,
    RTCDataChannel,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
    RTCSctpCapabilities,
    RTCSctpTransport,
)
from aiortc.rtcdtlstransport import SRTP_PROFILES, State
from aiortc.rtcicetransport import connection_kwargs
from OpenSSL import SSL
from pylibsrtp import _binding

from touchline.deliver.ice import IceSettings
from touchline.deliver.outgoing import Outgoing
from touchline.deliver.rtp import Run, Wire, stamp
from touchline.deliver.sctp import MessageLane, read_sack

_ffi: Any = _binding.ffi
_lib: Any = _binding.lib

# GCM costs 1.4 µs a packet, AES-CM with SHA-1 1.9; browsers offer both.
_PROFILES = [p for name in ("AEAD_AES_128_GCM", "AES128_CM_SHA1_80") for p in SRTP_PROFILES if name in str(p)]
_TAGS = {"SRTP_AEAD_AES_128_GCM": 16, "SRTP_AES128_CM_SHA1_80": 10}

_scratch: Any = _ffi.new("unsigned char[]", 16 << 20)  # more than any picture takes
_view = memoryview(_ffi.buffer(_scratch))
_length: Any = _ffi.new("int *")


class _Ice(aioice.Connection):
    """An ICE agent that binds only what it is told to, and hands datagrams over without a queue."""

    addresses: tuple[str, ...] = ()
    patience: float = 1.0
    sink: Callable[[bytes], None] | None = None
    heard: float = 0.0

    async def gather_candidates(self) -> None:
        self._local_candidates_start = True
        addresses = list(self.addresses) or get_host_addresses(self._use_ipv4, self._use_ipv6) or ["127.0.0.1"]
        patience = cast(int, self.patience)  # aioice hands it to asyncio.wait, which takes fractions
        self._local_candidates += await self.get_component_candidates(1, addresses, timeout=patience)
        self._local_candidates_end = True

    def data_received(self, data: bytes, component: int) -> None:
        self.heard = asyncio.get_running_loop().time()
        if self.sink is None:
            super().data_received(data, component)
        elif data:
            self.sink(data)

    def request_received(self, message: stun.Message, addr: tuple[str, int], protocol: Any) -> None:
        self.heard = asyncio.get_running_loop().time()
        super().request_received(message, addr, protocol)


class _Dtls(RTCDtlsTransport):
    """DTLS that, once connected, takes datagrams synchronously; only SCTP control goes through a task."""

    on_rtcp: Callable[[bytes], None] | None = None
    on_sctp: Callable[[bytes], bool] | None = None

    async def _RTCDtlsTransport__run(self) -> None:
        inbox: asyncio.Queue[bytes | None] = asyncio.Queue(64)
        self._inbox = inbox
        connection = cast(_Ice, self.transport._connection)
        connection.sink = self._datagram
        while not connection._queue.empty():
            waiting = connection._queue.get_nowait()
            if waiting is None:
                inbox.put_nowait(None)
                break
            self._datagram(waiting[0])
        try:
            while (data := await inbox.get()) is not None:
                if self._data_receiver is not None:
                    await self._data_receiver._handle_data(data)
        except ConnectionError:
            pass
        finally:
            connection.sink = _discard
            self._set_state(State.CLOSED)

    def _datagram(self, data: bytes) -> None:
        first = data[0]
        if 127 < first < 192:
            if self.on_rtcp is not None and 64 <= data[1] & 0x7F < 96:
                plain = _unprotect_rtcp(self._rx_srtp, data)
                if plain is not None:
                    self.on_rtcp(plain)
        elif 19 < first < 64:
            self._record(data)

    def _record(self, data: bytes) -> None:
        ssl = self._ssl
        if ssl is None:
            return
        ssl.bio_write(data)
        try:
            plain = ssl.recv(2048)
        except SSL.WantReadError:
            plain = b""
        except SSL.ZeroReturnError:
            self._enqueue(None)
            return
        except SSL.Error:
            plain = b""
        if not plain:
            # A handshake's message or an alert: OpenSSL may have an answer. To data it has none.
            self.flush()
        elif self.on_sctp is None or not self.on_sctp(plain):
            self._enqueue(plain)

    def _enqueue(self, data: bytes | None) -> None:
        # A flood of SCTP control from a viewer is dropped as the network would drop it.
        if not self._inbox.full():
            self._inbox.put_nowait(data)

    def flush(self) -> None:
        """Send what OpenSSL has to say by itself: acknowledgements, retransmitted last flights."""
        ssl = self._ssl
        pair = self.transport._connection._nominated.get(1)
        if ssl is None or pair is None:
            return
        try:
            while True:
                pair.protocol.transport.sendto(ssl.bio_read(1500), pair.remote_addr)
        except SSL.Error:
            return

    def tick(self) -> None:
        """Retransmit the handshake's last flight when it was lost (DTLS 1.3)."""
        if self._ssl is not None and self._ssl.DTLSv1_get_timeout() == 0:
            self._ssl.DTLSv1_handle_timeout()
            self.flush()


@functools.lru_cache(maxsize=1)
def _certificate(_day: int) -> RTCCertificate:
    """This box's certificate of the day: to make one takes several ms, in which no video would be sent."""
    return RTCCertificate.generateCertificate()


def _discard(_: bytes) -> None:
    """What comes after the end."""


def _unprotect_rtcp(session: Any, data: bytes) -> bytes | None:
    if len(data) > 1500:
        return None
    _view[: len(data)] = data
    _length[0] = len(data)
    if _lib.srtp_unprotect_rtcp(session._srtp[0], _scratch, _length):
        return None
    return bytes(_view[: _length[0]])


class PeerTransport:
    """A viewer's one bundled transport. Life: ``gather``, ``connect``, ``send``…, ``close``.

    ``on_rtcp`` gets each decrypted compound RTCP packet; ``on_lost`` is called once when the viewer is gone.
    ``outgoing`` counts what was sent.
    """

    def __init__(self, ice: IceSettings, *, dtls_client: bool) -> None:
        connection = _Ice(ice_controlling=False, **connection_kwargs(ice.servers()))
        connection.addresses = ice.addresses
        gatherer = RTCIceGatherer(iceServers=[])
        gatherer._connection = connection
        self._connection = connection
        self._gatherer = gatherer
        self._ice = RTCIceTransport(gatherer)
        self._dtls = _Dtls(self._ice, [_certificate(int(time.time() // 86400))])
        self._dtls._srtp_profiles = _PROFILES
        self._dtls._set_role("client" if dtls_client else "server")
        self._sctp: RTCSctpTransport | None = None
        self._lane: MessageLane | None = None
        self._channel: RTCDataChannel | None = None
        self._now = asyncio.get_running_loop().time
        self._closed = False
        self.tag = 16
        self.outgoing = Outgoing()
        self.on_lost: Callable[[], None] = _no_listener
        self._dtls.on("statechange", self._dtls_changed)
        self._ice.on("statechange", self._ice_changed)

    async def gather(self, limit: float) -> None:
        """Bind sockets and find this side's candidates; a STUN or TURN server has ``limit`` seconds to answer."""
        self._connection.patience = limit
        await self._gatherer.gather()

    @property
    def candidates(self) -> list[RTCIceCandidate]:
        """This side's candidates."""
        return self._gatherer.getLocalCandidates()

    @property
    def ice_parameters(self) -> RTCIceParameters:
        """This side's user name fragment and password."""
        return self._gatherer.getLocalParameters()

    @property
    def fingerprints(self) -> list[RTCDtlsFingerprint]:
        """This side's certificate."""
        return self._dtls.getLocalParameters().fingerprints

    @property
    def heard(self) -> float:
        """The loop's time when the viewer last sent anything, or 0.0."""
        return self._connection.heard

    @property
    def path(self) -> str:
        """The kind of path in use, as ``host → prflx``; empty before there is one."""
        pair = self._connection._nominated.get(1)
        return f"{pair.local_candidate.type} → {pair.remote_candidate.type}" if pair else ""

    @property
    def srtp_profile(self) -> str:
        """OpenSSL's name of the negotiated SRTP profile; empty before the handshake."""
        ssl = self._dtls._ssl
        return (ssl.get_selected_srtp_profile() or b"").decode() if ssl is not None else ""

    async def add_candidate(self, candidate: RTCIceCandidate | None) -> None:
        """A candidate of the viewer's, or None when there will be no more."""
        await self._ice.addRemoteCandidate(candidate)

    async def connect(
        self, ice: RTCIceParameters, dtls: RTCDtlsParameters, ice_limit: float, dtls_limit: float
    ) -> bool:
        """Find a path within ``ice_limit`` s and shake hands within ``dtls_limit`` s; False where either fails."""
        try:
            await asyncio.wait_for(self._ice.start(ice), ice_limit)
            if self._ice.state != "completed":
                return False
            await asyncio.wait_for(self._dtls.start(dtls), dtls_limit)
        except TimeoutError:
            return False
        if self._dtls.state != "connected":
            return False
        self.tag = _TAGS[self.srtp_profile]
        return True

    def on_rtcp(self, listener: Callable[[bytes], None]) -> None:
        """Where decrypted RTCP goes."""
        self._dtls.on_rtcp = listener

    async def open_channels(self, port: int, on_channel: Callable[[RTCDataChannel], None]) -> None:
        """Start SCTP over this transport; ``on_channel`` gets each data channel the viewer opens."""
        sctp = RTCSctpTransport(self._dtls)
        self._sctp = sctp
        sctp.on("datachannel", on_channel)
        await sctp.start(RTCSctpCapabilities(maxMessageSize=65536), port)

    def take_channel(self, channel: RTCDataChannel) -> None:
        """From now on `send_message` sends on this channel."""
        sctp = self._sctp
        if sctp is None or sctp._remote_port is None or channel.id is None:
            raise ValueError("the channel is not open")
        ports = sctp._local_port, sctp._remote_port
        self._lane = MessageLane(ports, sctp._remote_verification_tag, channel.id, sctp._local_tsn)
        self._channel = channel
        self._dtls.on_sctp = self._sctp_packet

    def send_message(self, parts: list[tuple[int, bytes, int]]) -> bool:
        """Send a message cut by `touchline.deliver.sctp.fragments`; False when it was dropped."""
        lane, sctp = self._lane, self._sctp
        if lane is None or sctp is None or self._channel is None or self._channel.readyState != "open":
            return False
        # One sequence of numbers for the association, whoever sends.
        lane.next_tsn = sctp._local_tsn
        sent = False
        for packet in lane.send(parts, self._now()):
            sctp._local_tsn = lane.next_tsn
            sent = self._encrypt(packet)
        return sent

    def _sctp_packet(self, packet: bytes) -> bool:
        lane, sctp = self._lane, self._sctp
        if lane is None or sctp is None:
            return False
        sack, alone = read_sack(packet, sctp._local_verification_tag)
        if sack is None:
            return False
        if self._own_only():
            skip = lane.on_sack(*sack, self._now())
            if skip is not None:
                self._encrypt(skip)
            return alone
        lane.on_sack(sack[0], sack[1], [], self._now())
        return False

    def _own_only(self) -> bool:
        # While aiortc waits for an acknowledgement of its own (the channel's opening), nothing may be skipped.
        sctp = self._sctp
        return sctp is not None and not sctp._sent_queue and not sctp._outbound_queue

    def _encrypt(self, packet: bytes) -> bool:
        ssl = self._dtls._ssl
        if ssl is None or self._closed or self._dtls.state != "connected":
            return False
        try:
            ssl.send(packet)
            record = ssl.bio_read(2048)
        except SSL.Error:
            return False
        _view[: len(record)] = record
        return self._send_runs((Run(0, len(record), len(record), 1),))

    def send(self, wire: Wire, sequence: int, timestamp: int, ssrc: int) -> bool:
        """Protect and send a whole picture. False: the kernel had no room, and the rest of it was not sent."""
        block = wire.block
        if len(block) > len(_view):
            return False
        _view[: len(block)] = block
        context, length, protect = self._dtls._tx_srtp._srtp[0], _length, _lib.srtp_protect
        for offset, size in wire.packets:
            stamp(_view, offset + 2, sequence & 0xFFFF, timestamp, ssrc)
            sequence += 1
            length[0] = size
            if protect(context, _scratch + offset, length):
                return False
        return self._send_runs(wire.runs)

    def send_again(self, wire: Wire, index: int, sequence: int, timestamp: int, ssrc: int) -> bool:
        """Protect and send one packet of a picture once more."""
        offset, size = wire.packets[index]
        _view[:size] = wire.block[offset : offset + size]
        stamp(_view, 2, sequence, timestamp, ssrc)
        _length[0] = size
        if _lib.srtp_protect(self._dtls._tx_srtp._srtp[0], _scratch, _length):
            return False
        return self._send_runs((Run(0, _length[0], _length[0], 1),))

    def send_rtcp(self, data: bytes) -> bool:
        """Protect and send a compound RTCP packet."""
        if self._dtls.state != "connected" or self._closed:
            return False
        _view[: len(data)] = data
        _length[0] = len(data)
        if _lib.srtp_protect_rtcp(self._dtls._tx_srtp._srtp[0], _scratch, _length):
            return False
        return self._send_runs((Run(0, _length[0], _length[0], 1),))

    def tick(self) -> None:
        """Call about once a second while connected."""
        if self._dtls.state == "connected":
            self._dtls.tick()
            if self._lane is not None and self._own_only():
                skip = self._lane.tick(self._now())
                if skip is not None:
                    self._encrypt(skip)

    async def close(self) -> None:
        """Free sockets and tasks. May be called at any time, and twice."""
        if self._closed:
            return
        self._closed = True
        if self._sctp is not None:
            await self._sctp.stop()
        await self._dtls.stop()
        await self._ice.stop()
        self.outgoing.close()

    def _send_runs(self, runs: tuple[Run, ...]) -> bool:
        pair = self._connection._nominated.get(1)
        return pair is not None and self.outgoing.send(_view, runs, pair.protocol, pair.remote_addr)

    def _dtls_changed(self) -> None:
        if self._dtls.state in ("closed", "failed") and not self._closed:
            self.on_lost()

    def _ice_changed(self) -> None:
        if self._ice.state == "failed" and not self._closed:
            self.on_lost()


def _no_listener() -> None:
    """Nobody wants to know."""
