"""What an offer leads to, and that no offer leads anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from aiortc import RTCDtlsFingerprint, RTCIceCandidate, RTCIceParameters
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deliver.offers import CHROMIUM, WITH_AUDIO
from touchline.deliver.negotiate import MAX_SDP, Offer, WhepRefused, answer, read_fragment, read_offer

Read = TypeVar("Read")

FEEDBACK_BOMB = CHROMIUM.replace(
    "a=rtpmap:102 H264/90000\n", "a=rtpmap:102 H264/90000\n" * 300 + "a=rtcp-fb:* nack\n" * 500
)
"""16 KiB that the parser would make 200,000 objects of."""


def answered(offer: Offer) -> SessionDescription:
    text = answer(
        offer,
        session=1,
        ice=RTCIceParameters("abcd", "0123456789012345678901"),
        fingerprints=[RTCDtlsFingerprint("sha-256", "AA:BB"), RTCDtlsFingerprint("sha-512", "CC")],
        candidates=[RTCIceCandidate(1, "1", "127.0.0.1", 4000, 99, "udp", "host")],
        ssrc=42,
        cname="me",
    )
    return SessionDescription.parse(text)


def test_a_browsers_offer_is_answered() -> None:
    offer = read_offer(CHROMIUM, "64001f")
    assert (offer.payload_type, offer.playout_delay, offer.sctp_port) == (43, 5, 5000)
    assert [c.ip for c in offer.candidates] == ["192.0.2.77"]
    session = answered(offer)
    video, data = session.media
    assert session.group[0].items == ["0", "1"]
    assert (video.kind, video.direction, video.rtp.muxId, video.fmt) == ("video", "sendonly", "0", [43])
    assert video.rtp.codecs[0].parameters["profile-level-id"] == "64001f"
    assert [(e.id, e.uri.rsplit("/")[-1]) for e in video.rtp.headerExtensions] == [(5, "playout-delay")]
    assert video.ssrc[0].ssrc == 42
    assert (data.rtp.muxId, data.sctp_port) == ("1", 5000)
    for media in (video, data):
        assert media.dtls.role == "server"
        assert [f.value for f in media.dtls.fingerprints] == ["AA:BB"]
        assert (media.ice.usernameFragment, media.port) == ("abcd", 9)
    assert [c.ip for c in video.ice_candidates] == ["127.0.0.1"]
    assert video.ice_candidates_complete


@pytest.mark.parametrize(
    ("profile", "payload_type"), [("64001f", 43), ("640c29", 43), ("4d4028", 116), ("42c01f", 102), (None, 108)]
)
def test_the_format_nearest_to_the_camera_is_chosen(profile: str | None, payload_type: int) -> None:
    assert read_offer(CHROMIUM, profile).payload_type == payload_type


def test_only_feedback_that_was_offered_is_answered() -> None:
    lines = str(answered(read_offer(CHROMIUM, None)))
    assert "a=rtcp-fb:108 nack\r\n" in lines
    assert "a=rtcp-fb:108 nack pli" in lines
    assert "fir" not in lines
    assert "a=rtcp-fb:102 ccm fir" in str(answered(read_offer(CHROMIUM, "42001f")))


def test_sound_is_declined_in_its_place() -> None:
    session = answered(read_offer(WITH_AUDIO, None))
    assert [(m.kind, m.port) for m in session.media] == [("audio", 0), ("video", 9), ("application", 9)]
    assert session.group[0].items == ["0", "1"]
    assert session.media[1].ice_candidates


def test_an_active_peer_gets_a_passive_answer_and_the_reverse() -> None:
    assert answered(read_offer(CHROMIUM.replace("actpass", "active"), None)).media[0].dtls.role == "server"
    assert answered(read_offer(CHROMIUM.replace("actpass", "passive"), None)).media[0].dtls.role == "client"


@pytest.mark.parametrize(
    ("text", "status", "word"),
    [
        ("", 406, "video"),
        ("hello", 406, "video"),
        ("v=0\r\nm=video x", 400, "SDP"),
        (CHROMIUM.replace("H264", "H265"), 406, "H.264"),
        (CHROMIUM.replace("packetization-mode=1", "packetization-mode=0"), 406, "H.264"),
        (CHROMIUM.replace("recvonly", "sendonly"), 406, "receive"),
        (CHROMIUM.replace("a=rtcp-mux\n", ""), 406, "rtcp-mux"),
        (CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0"), 406, "bundled"),
        (CHROMIUM.replace("a=ice-pwd:j+mzdKom0xZ3hBZWpq70IKBx\n", ""), 400, "ICE"),
        (CHROMIUM.replace("a=fingerprint:", "a=nothing:"), 400, "fingerprint"),
        (CHROMIUM.replace("a=mid:0", "a=mid:0 evil"), 406, "bundled"),
        (CHROMIUM.partition("m=application")[0].replace("a=mid:0\n", ""), 400, "mid"),
        (CHROMIUM + "a=x\n" * MAX_SDP, 413, "longer"),
        (FEEDBACK_BOMB, 413, "too many formats"),
        (FEEDBACK_BOMB.replace("rtcp-fb:*", "rtcp-fb:102"), 413, "too many formats"),
    ],
)
def test_what_cannot_be_served_is_refused_with_reason(text: str, status: int, word: str) -> None:
    with pytest.raises(WhepRefused) as refusal:
        read_offer(text, None)
    assert refusal.value.status == status
    assert word in str(refusal.value)
    assert "\n" not in str(refusal.value)


def read_or_refuse(read: Callable[[], Read]) -> Read | None:
    """What was read, or None after a refusal in one line."""
    refusal: WhepRefused | None = None
    try:
        return read()
    except WhepRefused as caught:
        refusal = caught
    assert len(str(refusal).splitlines()) == 1
    assert refusal.status in (400, 406, 413)
    return None


LINES = CHROMIUM.splitlines()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(LINES) - 1),
            st.sampled_from(["drop", "double", "cut", "swap", "noise", "text"]),
            st.integers(0, 80),
            st.text(max_size=12),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_damaged_offer_is_read_or_refused(damage: list[tuple[int, str, int, str]]) -> None:
    lines = list(LINES)
    for at, kind, number, text in damage:
        at %= len(lines)
        line = lines[at]
        other = lines[number % len(lines)]
        new = {
            "drop": [],
            "double": [line, line],
            "cut": [line[:number]],
            "swap": [other],
            "noise": [line[:number] + text + line[number:]],
            "text": [text],
        }[kind]
        lines[at : at + 1] = new or [""]
    offer = read_or_refuse(lambda: read_offer("\r\n".join(lines), "64001f"))
    if offer is not None:
        # Whatever came through must not smuggle lines into the answer.
        known = ("v=", "o=", "s=", "t=", "m=", "c=", "a=")
        assert all(line.startswith(known) for line in str(answered(offer)).splitlines())
        assert len(answered(offer).media) == len(offer.mids)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(st.sampled_from(LINES), max_size=30).map("\n".join)))
def test_garbage_is_refused_or_read(text: str) -> None:
    read_or_refuse(lambda: read_offer(text, None))
    read_or_refuse(lambda: read_fragment(text))


def test_trickled_candidates_are_read() -> None:
    fragment = read_fragment(
        "a=ice-ufrag:VgVu\r\na=ice-pwd:x\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host\r\n"
        "a=candidate:2 1 udp 2113937151 abc.local 50000 typ host\r\n"
        "a=candidate:3 1 tcp 2113937151 192.0.2.1 9 typ host tcptype active\r\n"
        "a=end-of-candidates\r\n"
    )
    assert fragment.username == "VgVu"
    assert [c.foundation for c in fragment.candidates] == ["1"]
    assert fragment.end
    with pytest.raises(WhepRefused, match="malformed candidate"):
        read_fragment("a=candidate:1 1 udp x")
    with pytest.raises(WhepRefused, match="not a trickle"):
        read_fragment("{}")


def test_a_browser_that_offers_all_it_can_do_is_read() -> None:
    formats = "".join(
        f"a=rtpmap:{number} H264/90000\na=fmtp:{number} level-asymmetry-allowed=1;packetization-mode=1\n"
        + "".join(f"a=rtcp-fb:{number} {what}\n" for what in ("goog-remb", "transport-cc", "ccm fir", "nack"))
        for number in range(45, 95)
    )
    assert read_offer(CHROMIUM.replace("a=rtpmap:96", f"{formats}a=rtpmap:96"), "64001f").payload_type == 43
