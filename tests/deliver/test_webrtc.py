"""Sessions with real peers over loopback: aiortc receives, decodes and complains as a browser does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from aiortc import RTCSessionDescription

from tests.deliver.clips import encode, endless, play
from tests.deliver.offers import CHROMIUM
from tests.deliver.peers import Peer, nothing_left_behind, open_sockets, until
from touchline.deliver.fanout import CameraStream
from touchline.deliver.ice import IceSettings
from touchline.deliver.webrtc import WhepLimits, WhepRefused, WhepSessions
from touchline.types import MEDIA_CLOCK, ConfigError, Fact, Packet, StreamInfo
from touchline.types.factjson import FactJson

INFO, PACKETS = encode(frames=60, gop=30)
STEP = 3000


@asynccontextmanager
async def camera(
    packets: list[Packet] = PACKETS, limits: WhepLimits | None = None, ice: IceSettings | None = None
) -> AsyncIterator[tuple[CameraStream, WhepSessions]]:
    """A live camera and its sessions; everything must be gone afterwards."""
    async with nothing_left_behind():
        stream = CameraStream("cam")
        stream.publish_info(INFO)
        sessions = WhepSessions({"cam": stream}, ice or IceSettings(), limits)
        task = asyncio.create_task(play(stream, endless(packets, start=10**10)))
        try:
            yield stream, sessions
        finally:
            await sessions.close_all()
            task.cancel()
            await asyncio.wait([task])
            assert stream.viewers == 0
            assert len(sessions) == 0


def consecutive(frames: list[int]) -> bool:
    return all((b - a) % 2**32 == STEP for a, b in pairwise(frames))


def test_a_peer_sees_every_picture_and_hears_every_fact() -> None:
    async def run() -> None:
        async with camera() as (stream, sessions):
            peer = Peer()
            await peer.join(sessions)
            await until(lambda: bool(peer.hello))
            told = [Fact(f"id{i}", "cam", "tracks", i, {"text": "å" * 1500 * (i % 2)}) for i in range(20)]
            for fact in told:
                stream.publish_fact(FactJson.of(fact))
                await asyncio.sleep(0.01)
            await until(lambda: len(peer.frames) >= 60 and len(peer.facts) == 20)
            assert consecutive(peer.frames)
            assert all((f - 10**10) % 2**32 % STEP == 0 for f in peer.frames)
            assert {f["id"] for f in peer.facts} == {f.id for f in told}
            assert all(f["text"] == "å" * 1500 * (f["pts"] % 2) for f in peer.facts)
            assert (peer.hello["camera"], peer.hello["clock"]) == ("cam", MEDIA_CLOCK)
            (stats,) = sessions.stats()
            assert (stats.srtp, stats.camera, stats.path) == ("SRTP_AEAD_AES_128_GCM", "cam", "host → host")
            assert stats.sent > 60
            assert stats.resent == stats.blocked == stats.dropped == stats.facts_dropped == 0
            await until(lambda: sessions.stats()[0].round_trip is not None)
            await peer.leave()

    asyncio.run(run())


def test_lost_packets_are_sent_again() -> None:
    async def run() -> None:
        async with camera() as (_, sessions):
            chance = random.Random(7)
            peer = Peer(lose=lambda n: n > 20 and chance.random() < 0.08)
            await peer.join(sessions)
            await until(lambda: len(peer.frames) >= 90)
            assert peer.lost > 3
            assert sessions.stats()[0].resent >= peer.lost / 2
            assert consecutive(peer.frames)
            await peer.leave()

    asyncio.run(run())


def test_lost_facts_do_not_stop_the_others() -> None:
    async def run() -> None:
        async with camera() as (stream, sessions):
            peer = Peer(lose_facts=lambda n: n % 10 == 5)
            await peer.join(sessions)
            await until(lambda: bool(peer.hello))
            # Far more than may be unacknowledged at once, so that a loss that is never got over would show.
            for i in range(300):
                stream.publish_fact(FactJson.of(Fact(f"id{i}", "cam", "tracks", i, {"text": "x" * 900})))
                await asyncio.sleep(0.005)
            await until(lambda: len(peer.facts) + peer.lost >= 300)
            assert peer.lost >= 25
            assert len({fact["id"] for fact in peer.facts}) == len(peer.facts) >= 250
            assert sessions.stats()[0].facts_dropped == 0
            await peer.leave()

    asyncio.run(run())


def test_who_joins_later_gets_the_last_key_picture_first() -> None:
    async def run() -> None:
        _, packets = encode(frames=200, gop=200)
        assert [p.is_key for p in packets].count(True) == 1
        async with camera(packets) as (stream, sessions):
            first = Peer()
            await first.join(sessions)
            await until(lambda: len(first.frames) >= 20)
            second = Peer()
            await second.join(sessions)
            await until(lambda: len(second.frames) >= 30)
            assert second.frames[0] == 10**10 % 2**32
            assert consecutive(second.frames)
            assert consecutive(first.frames)
            assert stream.viewers == 2
            await until(lambda: ((stream.last_pts or 0) - second.frames[-1]) % 2**32 < MEDIA_CLOCK)
            await asyncio.gather(first.leave(), second.leave())

    asyncio.run(run())


def test_a_viewer_that_cannot_decode_asks_the_camera() -> None:
    async def run() -> None:
        async with camera() as (stream, sessions):
            asked: list[int] = []
            peer = Peer()
            await peer.join(sessions)
            await until(lambda: len(peer.frames) >= 5)
            stream.request_key = lambda: asked.append(1)
            await peer.ask_for_key()
            await until(lambda: asked == [1])
            await peer.leave()

    asyncio.run(run())


def test_leaving_frees_everything_and_disturbs_nobody() -> None:
    async def run() -> None:
        async with camera(limits=WhepLimits(silence=1.5)) as (stream, sessions):
            stays, leaves, closed, vanishes = (Peer() for _ in range(4))
            for peer in (stays, leaves, closed, vanishes):
                await peer.join(sessions)
            await until(lambda: all(len(p.frames) > 3 for p in (stays, leaves, closed, vanishes)))
            assert await sessions.close(closed.session)
            assert not await sessions.close(closed.session)
            await leaves.leave()
            vanishes.vanish()
            await until(lambda: len(sessions) == 1 and stream.viewers == 1)
            seen = len(stays.frames)
            await until(lambda: len(stays.frames) > seen + 10)
            assert consecutive(stays.frames)
            await asyncio.gather(stays.leave(), closed.leave(), vanishes.leave())

    asyncio.run(run())


def test_a_goodbye_is_heard_at_once() -> None:
    async def run() -> None:
        async with camera(limits=WhepLimits(silence=600)) as (stream, sessions):
            peer = Peer()
            await peer.join(sessions)
            await until(lambda: len(peer.frames) > 3)
            await peer.leave()
            await until(lambda: len(sessions) == 0 and stream.viewers == 0)

    asyncio.run(run())


def test_a_request_given_up_half_way_leaves_nothing_behind() -> None:
    async def run() -> None:
        ice = IceSettings(stun=("stun:127.0.0.1:9",))
        async with camera(ice=ice, limits=WhepLimits(gather=0.5)) as (_, sessions):
            sockets = open_sockets()
            request = asyncio.create_task(sessions.open("cam", CHROMIUM))
            await until(lambda: open_sockets() > sockets)
            request.cancel()
            await asyncio.wait([request])
            await until(lambda: open_sockets() == sockets)

    asyncio.run(run())


def test_a_peer_that_never_comes_is_given_up() -> None:
    async def run() -> None:
        async with camera(limits=WhepLimits(ice=0.3)) as (stream, sessions):
            await sessions.open("cam", CHROMIUM)
            assert len(sessions) == 1
            assert open_sockets() > 0
            await until(lambda: len(sessions) == 0)
            assert stream.viewers == 0

    asyncio.run(run())


def test_a_peer_that_never_shakes_hands_is_given_up() -> None:
    async def run() -> None:
        async with camera(limits=WhepLimits(dtls=0.3)) as (stream, sessions):
            peer = Peer()
            # STUN goes another way; what is lost here is DTLS.
            peer.connection.data_received = lambda data, component: None
            await peer.join(sessions)
            await until(lambda: len(sessions) == 0)
            assert stream.viewers == 0
            await peer.leave()

    asyncio.run(run())


def test_candidates_may_trickle() -> None:
    async def run() -> None:
        async with camera() as (_, sessions):
            peer = Peer()
            await peer.pc.setLocalDescription(await peer.pc.createOffer())
            lines = peer.pc.localDescription.sdp.splitlines()
            candidates = [line for line in lines if line.startswith("a=candidate")]
            offer = "\r\n".join(line for line in lines if "candidate" not in line) + "\r\n"
            name, answer = await sessions.open("cam", offer)
            assert await sessions.patch(name, "\r\n".join(candidates))
            assert not await sessions.patch("nobody", "a=end-of-candidates")
            for body, status in (("a=ice-ufrag:other", 422), ("x", 400)):
                with pytest.raises(WhepRefused) as refusal:
                    await sessions.patch(name, body)
                assert refusal.value.status == status
            await peer.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await until(lambda: len(peer.frames) > 3)
            await peer.leave()

    asyncio.run(run())


def test_a_thousand_offers_that_nobody_follows_up_keep_nobody_out() -> None:
    async def run() -> None:
        limits = WhepLimits(ice=3.0, grace=0.2, viewers=20, connecting=8)
        async with camera(limits=limits) as (_, sessions):
            watching, late = Peer(), Peer()
            await watching.join(sessions)
            await until(lambda: len(watching.frames) > 5)
            refusals: list[int] = []
            most = 0

            async def offer(count: int) -> None:
                nonlocal most
                for _ in range(count):
                    try:
                        await sessions.open("cam", CHROMIUM)
                    except WhepRefused as error:
                        refusals.append(error.status)
                    most = max(most, len(sessions))
                    await asyncio.sleep(0)

            seen = len(watching.frames)
            await offer(1000)
            assert set(refusals) == {503}
            assert most <= 1 + 8
            await until(lambda: len(watching.frames) > seen + 10)
            assert consecutive(watching.frames), "who watches does not notice"
            await asyncio.sleep(limits.grace)
            await late.join(sessions)  # the places are all taken still, by nobody
            await until(lambda: len(late.frames) > 5)
            await until(lambda: len(sessions) == 2)
            await watching.leave()
            await late.leave()

    asyncio.run(run())


def test_what_cannot_be_opened_leaves_nothing_behind() -> None:
    async def run() -> None:
        async with camera(limits=WhepLimits(ice=30, viewers=1)) as (stream, sessions):
            chance = random.Random(3)
            lines = CHROMIUM.splitlines()
            for _ in range(60):
                damaged = [line for line in lines if chance.random() < 0.93]
                sockets = open_sockets()
                try:
                    name, _ = await sessions.open("cam", "\r\n".join(damaged))
                except WhepRefused:
                    await until(lambda expected=sockets: open_sockets() == expected)
                else:
                    assert await sessions.close(name)
                assert len(sessions) == 0
            with pytest.raises(KeyError):
                await sessions.open("other", CHROMIUM)
            first, _ = await sessions.open("cam", CHROMIUM)
            assert len(first) >= 24
            with pytest.raises(WhepRefused, match="places are taken") as refusal:
                await sessions.open("cam", CHROMIUM)
            assert refusal.value.status == 503
            await sessions.close(first)
            second, _ = await sessions.open("cam", CHROMIUM)
            assert second != first
            stream.publish_info(StreamInfo("hevc", 320, 240))
            with pytest.raises(WhepRefused, match="cannot play hevc"):
                await sessions.open("cam", CHROMIUM)

    asyncio.run(run())


def test_only_the_given_addresses_are_offered() -> None:
    async def offered(ice: IceSettings) -> set[str]:
        async with camera(ice=ice) as (_, sessions):
            _, answer = await sessions.open("cam", CHROMIUM)
            return {line.split()[4] for line in answer.splitlines() if line.startswith("a=candidate")}

    assert asyncio.run(offered(IceSettings())) == {"127.0.0.1"}
    assert asyncio.run(offered(IceSettings.for_host("localhost"))) == {"127.0.0.1"}
    assert asyncio.run(offered(IceSettings.for_host("127.0.0.2"))) == {"127.0.0.2"}
    with pytest.raises(WhepRefused, match="no local address"):
        asyncio.run(offered(IceSettings(addresses=("198.51.100.1",))))


def test_a_silent_stun_server_does_not_hold_up_a_viewer_for_long(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        ice = IceSettings(stun=("stun:127.0.0.1:9",), turn=(("turn:127.0.0.1:9", "me", "s3cret"),))
        async with camera(ice=ice, limits=WhepLimits(gather=0.3)) as (_, sessions):
            peer = Peer()
            await peer.join(sessions)
            await until(lambda: len(peer.frames) > 3)
            await peer.leave()

    asyncio.run(run())
    assert "no srflx and no relay candidate" in caplog.text
    assert "s3cret" not in caplog.text


def test_relays_are_given_to_the_browser_and_kept_out_of_logs() -> None:
    ice = IceSettings(stun=("stun:a.example:3478",), turn=(("turn:b.example:3478?transport=tcp", "me", "s3cret"),))
    assert "s3cret" not in repr(ice)
    assert ice.for_browser() == [
        {"urls": "stun:a.example:3478"},
        {"urls": "turn:b.example:3478?transport=tcp", "username": "me", "credential": "s3cret"},
    ]
    with pytest.raises(ConfigError, match="not a STUN or TURN URL"):
        IceSettings(stun=("http://a.example",))
