"""A viewer's SDP offer → what to send it and the answer. Pure.

aiortc's parser does the reading. Whatever it stumbles over becomes one `WhepRefused`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiortc import RTCDtlsFingerprint, RTCDtlsParameters, RTCIceCandidate, RTCIceParameters
from aiortc.sdp import MediaDescription, SessionDescription, candidate_from_sdp, candidate_to_sdp

from touchline.deliver.rtp import PLAYOUT_DELAY_URI
from touchline.types.errors import InputError

MAX_SDP = 32 * 1024
"""Characters. A browser's offer of video and data has 6 thousand, of everything that it can do 20 thousand."""
MAX_CANDIDATES = 32
MAX_FEEDBACK = 20_000
"""Formats of a section times lines of feedback on them: the parser's work. Browsers' have 2,000 at most."""

_STUMBLES = (ValueError, LookupError, AssertionError, AttributeError, TypeError, StopIteration, RuntimeError)
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]{4,256}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}")


class WhepRefused(InputError):
    """A request that cannot be met; ``status`` is the HTTP status that says so."""

    def __init__(self, status: int, what: str) -> None:
        self.status = status
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Offer:
    """What matters of a viewer's offer.

    ``mids``: (kind, mid, formats, profile) of every media section in order. ``video``, ``data``: index of the
    section that is answered, ``data`` -1 where no data channel is offered. ``payload_type``: H.264's. ``fmtp``:
    its parameters as offered. ``playout_delay``: the extension's id, or 0.
    """

    mids: tuple[tuple[str, str, str, str], ...]
    video: int
    data: int
    payload_type: int
    fmtp: str
    feedback: tuple[str, ...]
    playout_delay: int
    sctp_port: int
    ice: RTCIceParameters
    dtls: RTCDtlsParameters
    candidates: tuple[RTCIceCandidate, ...]

    @property
    def dtls_client(self) -> bool:
        """Whether this side starts the DTLS handshake."""
        return self.dtls.role == "server"


def read_offer(text: str, profile: str | None) -> Offer:
    """Read an offer, choosing the H.264 format nearest to the camera's ``profile`` (as ``64001f``).

    Raises `WhepRefused`: 413 too long, 400 not an offer we can read, 406 without H.264 in packetisation mode 1.
    """
    if len(text.encode("utf-8", "replace")) > MAX_SDP:
        raise WhepRefused(413, f"the offer is longer than {MAX_SDP // 1024} KiB; send a plain WHEP offer")
    for section in re.split("^m=", text, flags=re.MULTILINE):
        # aiortc copies a line on many formats to each, and knows no bound.
        if section.count("a=rtpmap:") * section.count("a=rtcp-fb:") > MAX_FEEDBACK:
            raise WhepRefused(413, "the offer has too many formats and feedbacks; send a plain WHEP offer")
    try:
        session = SessionDescription.parse(text)
        return _read(session, profile)
    except _STUMBLES as error:
        raise WhepRefused(
            400, "the offer is not SDP that can be read; send a browser's offer unchanged"
        ) from error


def _read(session: SessionDescription, profile: str | None) -> Offer:
    media = session.media
    video = _first(media, "video")
    if video < 0:
        raise WhepRefused(406, "the offer has no video section; offer to receive video")
    if media[video].direction not in ("recvonly", "sendrecv", None):
        raise WhepRefused(406, "the offer does not want to receive video; make its direction recvonly")
    chosen = media[video]
    data = _first(media, "application")
    bundle = next((g.items for g in session.group if g.semantic == "BUNDLE"), [])
    if data >= 0 and not {chosen.rtp.muxId, media[data].rtp.muxId} <= set(bundle):
        raise WhepRefused(406, "video and data channel are not bundled; use bundlePolicy max-bundle")
    if not chosen.rtcp_mux:
        raise WhepRefused(406, "the offer lacks rtcp-mux; offer it")
    if not 1 <= len(media) <= 16 or any(not _TOKEN.fullmatch(m.rtp.muxId) for m in media):
        raise WhepRefused(400, "each of at most 16 media sections needs a mid; send a browser's offer unchanged")
    # Candidates and credentials of a bundle are those of its first section.
    lead = next((m for m in media if bundle and m.rtp.muxId == bundle[0]), chosen)
    ice, dtls = lead.ice, lead.dtls
    if ice is None or not _ice_ok(ice.usernameFragment) or not _ice_ok(ice.password):
        raise WhepRefused(400, "the offer lacks ICE credentials; send a browser's offer unchanged")
    if dtls is None or not dtls.fingerprints:
        raise WhepRefused(400, "the offer lacks a DTLS fingerprint; send a browser's offer unchanged")
    payload_type, fmtp = _h264(chosen, profile)
    ids = [e.id for e in chosen.rtp.headerExtensions if e.uri == PLAYOUT_DELAY_URI and 1 <= e.id <= 14]
    offered = {
        (f.type, f.parameter) for c in chosen.rtp.codecs if c.payloadType == payload_type for f in c.rtcpFeedback
    }
    feedback = tuple(t if p is None else f"{t} {p}" for t, p in _FEEDBACK if (t, p) in offered)
    candidates = [c for m in media for c in m.ice_candidates]
    return Offer(
        mids=tuple((m.kind, m.rtp.muxId, " ".join(map(str, m.fmt)), m.profile) for m in media),
        video=video,
        data=data,
        payload_type=payload_type,
        fmtp=fmtp,
        feedback=feedback,
        playout_delay=ids[0] if ids else 0,
        sctp_port=(media[data].sctp_port or 5000) if data >= 0 else 0,
        ice=ice,
        dtls=dtls,
        candidates=tuple(c for c in candidates if usable(c))[:MAX_CANDIDATES],
    )


_FEEDBACK = (("nack", None), ("nack", "pli"), ("ccm", "fir"))


def _ice_ok(value: str | None) -> bool:
    return value is not None and _ICE_CHARS.fullmatch(value) is not None


def _first(media: list[MediaDescription], kind: str) -> int:
    return next((i for i, m in enumerate(media) if m.kind == kind and (m.port or kind == "video")), -1)


def _h264(media: MediaDescription, profile: str | None) -> tuple[int, str]:
    """Payload type and fmtp of the best H.264 format on offer."""
    wanted = (profile or "42e01f").lower()
    best: tuple[int, int, str] | None = None
    for codec in media.rtp.codecs:
        parameters = codec.parameters
        if codec.mimeType.lower() != "video/h264" or str(parameters.get("packetization-mode", "0")) != "1":
            continue
        number = codec.payloadType
        if number is None or not 0 <= number <= 127:
            continue
        offered = str(parameters.get("profile-level-id", "42001f")).lower()
        # Decoders play what the SPS says; the nearest name keeps strict ones happy.
        near = 3 if offered[:4] == wanted[:4] else 2 if offered[:2] == wanted[:2] else int(offered[:4] == "42e0")
        if best is None or near > best[0]:
            text = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={offered}"
            best = (near, number, text)
    if best is None or not re.fullmatch(r"[0-9a-f]{6}", best[2][-6:]):
        raise WhepRefused(
            406, "the offer has no H.264 with packetization-mode=1; offer it, for nothing else is sent"
        )
    return best[1], best[2]


def usable(candidate: RTCIceCandidate) -> bool:
    """Whether a candidate of the viewer's is worth a check.

    Names (``….local``) hide a browser's address. They need not be resolved: the browser checks towards the server,
    which answers to where the check came from.
    """
    return (
        candidate.protocol.lower() == "udp"
        and candidate.component == 1
        and candidate.type in ("host", "srflx", "relay")
        and not candidate.ip.endswith(".local")
        and 0 < candidate.port < 65536
    )


def answer(
    offer: Offer,
    *,
    session: int,
    ice: RTCIceParameters,
    fingerprints: list[RTCDtlsFingerprint],
    candidates: list[RTCIceCandidate],
    ssrc: int,
    cname: str,
) -> str:
    """The SDP answer: the video sent, the data channel accepted, all else declined."""
    taken = [i for i in (offer.video, offer.data) if i >= 0]
    lines = ["v=0", f"o=- {session} 2 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    lines += ["a=group:BUNDLE " + " ".join(offer.mids[i][1] for i in sorted(taken))]
    lines += ["a=msid-semantic: WMS touchline"]
    transport = [f"a=ice-ufrag:{ice.usernameFragment}", f"a=ice-pwd:{ice.password}", "a=ice-options:trickle"]
    transport += [f"a=fingerprint:{f.algorithm} {f.value}" for f in fingerprints if f.algorithm == "sha-256"]
    transport += [f"a=setup:{'active' if offer.dtls_client else 'passive'}"]
    reach = ["a=candidate:" + candidate_to_sdp(c) for c in candidates] + ["a=end-of-candidates"]
    for index, (kind, mid, formats, profile) in enumerate(offer.mids):
        if index not in taken:
            lines += [f"m={kind} 0 {profile} {formats}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", "a=inactive"]
            continue
        first = index == min(taken)
        if index == offer.video:
            lines += [f"m=video 9 {profile} {offer.payload_type}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}"]
            lines += ["a=sendonly", "a=rtcp-mux", f"a=rtpmap:{offer.payload_type} H264/90000"]
            lines += [f"a=fmtp:{offer.payload_type} {offer.fmtp}"]
            lines += [f"a=rtcp-fb:{offer.payload_type} {f}" for f in offer.feedback]
            if offer.playout_delay:
                lines += [f"a=extmap:{offer.playout_delay} {PLAYOUT_DELAY_URI}"]
            lines += ["a=msid:touchline video", f"a=ssrc:{ssrc} cname:{cname}"]
        else:
            lines += [f"m=application 9 {profile} webrtc-datachannel", "c=IN IP4 0.0.0.0", f"a=mid:{mid}"]
            lines += ["a=sctp-port:5000", "a=max-message-size:65536"]
        lines += transport + (reach if first else [])
    return "\r\n".join(lines) + "\r\n"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A trickle fragment (RFC 8840): candidates for the viewer's side, and whether they are the last."""

    username: str | None
    candidates: tuple[RTCIceCandidate, ...]
    end: bool


def read_fragment(text: str) -> Fragment:
    """Read ``application/trickle-ice-sdpfrag``. Raises `WhepRefused`: 413 too long, 400 not a fragment."""
    if len(text.encode("utf-8", "replace")) > MAX_SDP:
        raise WhepRefused(413, f"the fragment is longer than {MAX_SDP // 1024} KiB; send one candidate at a time")
    username: str | None = None
    candidates: list[RTCIceCandidate] = []
    end = False
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if name == "a=ice-ufrag":
            username = value
        elif name == "a=end-of-candidates":
            end = True
        elif name == "a=candidate":
            try:
                candidate = candidate_from_sdp(value)
            except _STUMBLES as error:
                raise WhepRefused(
                    400, "the fragment holds a malformed candidate; send the browser's unchanged"
                ) from error
            if usable(candidate):
                candidates.append(candidate)
    if username is None and not candidates and not end:
        raise WhepRefused(400, "the body is not a trickle ICE fragment; send a=candidate lines")
    return Fragment(username, tuple(candidates[:MAX_CANDIDATES]), end)
