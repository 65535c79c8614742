"""What transport.py uses of aiortc, aioice, pyOpenSSL and pylibsrtp without their promise.

When one of these fails after an upgrade, transport.py needs a look before anything else does.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.metadata
import inspect
import socket
from itertools import pairwise
from typing import Any

import aioice
import pytest
from aiortc import RTCDtlsTransport, RTCIceGatherer, RTCIceTransport, RTCSctpTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES
from pylibsrtp import Policy, Session, _binding

from tests.deliver.clips import encode, endless, play
from tests.deliver.peers import Peer, nothing_left_behind, until
from touchline.deliver import transport
from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.transport import PeerTransport
from touchline.deliver.webrtc import WhepSessions

INFO, PACKETS = encode(frames=60, gop=30)


def test_the_pinned_version_is_installed() -> None:
    assert importlib.metadata.version("aiortc") == "1.16.0"


def test_the_private_names_are_still_there() -> None:
    async def run() -> None:
        gatherer = RTCIceGatherer(iceServers=[])
        assert isinstance(gatherer._connection, aioice.Connection)
        for name in (
            "_nominated",
            "_queue",
            "_local_candidates",
            "_local_candidates_start",
            "_local_candidates_end",
        ):
            assert hasattr(gatherer._connection, name), name
        ice = RTCIceTransport(gatherer)
        assert ice._connection is gatherer._connection
        peer = PeerTransport(IceSettings(), dtls_client=False)
        for name in ("_ssl", "_tx_srtp", "_rx_srtp", "_srtp_profiles", "_data_receiver", "_role", "_set_role"):
            assert hasattr(peer._dtls, name), name
        sctp = RTCSctpTransport(peer._dtls)
        for name in (
            *("_local_port", "_remote_port", "_local_tsn", "_local_verification_tag", "_remote_verification_tag"),
            *("_sent_queue", "_outbound_queue"),
        ):
            assert hasattr(sctp, name), name
        await peer.close()

    asyncio.run(run())
    assert inspect.iscoroutinefunction(RTCDtlsTransport._RTCDtlsTransport__run)
    assert {"component", "addresses", "timeout"} <= set(
        inspect.signature(aioice.Connection.get_component_candidates).parameters
    )
    assert hasattr(Session(), "_srtp")
    for name in ("srtp_protect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"):
        assert hasattr(_binding.lib, name), name


def test_gcm_is_asked_for_first_and_every_profile_has_its_tag() -> None:
    names = [p.openssl_profile.decode() for p in transport._PROFILES]
    assert names == ["SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"]
    for profile in SRTP_PROFILES:
        name = profile.openssl_profile.decode()
        if name in names:
            policy = Policy(
                key=bytes(profile.key_length + profile.salt_length),
                ssrc_type=Policy.SSRC_ANY_OUTBOUND,
                srtp_profile=profile.libsrtp_profile,
            )
            packet = b"\x80\x60" + bytes(30)
            assert len(Session(policy).protect(packet)) == len(packet) + transport._TAGS[name]


class Awkward:
    """A socket on a kernel that refuses one kind of send; all else is the real socket's."""

    def __init__(self, real: socket.socket, refuse: str, error: OSError) -> None:
        self._real = real
        self._refuse = refuse
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if name == self._refuse:
            return self._fail
        return getattr(self._real, name)

    def _fail(self, *_: object) -> int:
        raise self._error


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_a_kernel_that_cannot_cut_datagrams_gets_them_one_by_one(code: int) -> None:
    async def run() -> None:
        async with nothing_left_behind():
            stream = CameraStream("cam")
            sessions = WhepSessions({"cam": stream}, IceSettings())
            peer = Peer()
            await peer.join(sessions)
            (session,) = sessions._sessions.values()
            await until(lambda: session.started)
            task = asyncio.create_task(play(stream, endless(PACKETS)))
            await until(lambda: len(peer.frames) > 3)
            real = session.transport.outgoing._socket
            assert real is not None
            session.transport.outgoing._socket = Awkward(real, "sendmsg", OSError(code, "no"))
            seen = len(peer.frames)
            await until(lambda: len(peer.frames) > seen + 40)
            assert all((b - a) % 2**32 == 3000 for a, b in pairwise(peer.frames))
            assert session.transport.outgoing.blocked == 0
            await sessions.close_all()
            await peer.leave()
            task.cancel()

    asyncio.run(run())


def test_a_full_socket_is_counted_and_the_viewer_recovers() -> None:
    async def run() -> None:
        async with nothing_left_behind():
            stream = CameraStream("cam")
            sessions = WhepSessions({"cam": stream}, IceSettings())
            peer = Peer()
            await peer.join(sessions)
            task = asyncio.create_task(play(stream, endless(PACKETS)))
            await until(lambda: len(peer.frames) > 3)
            (session,) = sessions._sessions.values()
            real = session.transport.outgoing._socket
            assert real is not None
            session.transport.outgoing._socket = Awkward(real, "sendmsg", BlockingIOError(errno.EAGAIN, "full"))
            await until(lambda: sessions.stats()[0].blocked > 5)
            session.transport.outgoing._socket = real
            seen = len(peer.frames)
            await until(lambda: len(peer.frames) > seen + 60)
            assert sessions.stats()[0].resent > 0
            await sessions.close_all()
            await peer.leave()
            task.cancel()

    asyncio.run(run())


def test_unreadable_datagrams_are_no_trouble() -> None:
    async def run() -> None:
        async with nothing_left_behind():
            stream = CameraStream("cam")
            stream.publish_info(INFO)
            sessions = WhepSessions({"cam": stream}, IceSettings())
            peer = Peer()
            await peer.join(sessions)
            task = asyncio.create_task(play(stream, endless(PACKETS)))
            await until(lambda: len(peer.frames) > 3)
            for first in range(256):
                for size in (1, 2, 20, 1600):
                    await peer.connection.send(bytes([first]) + bytes(size - 1))
                    await peer.connection.send(bytes([first, 0xC9]) + bytes(size))
            seen = len(peer.frames)
            await until(lambda: len(peer.frames) > seen + 10)
            await sessions.close_all()
            await peer.leave()
            task.cancel()

    asyncio.run(run())
