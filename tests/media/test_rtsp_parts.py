"""The RTSP client's pure parts: RTP payloads, descriptions, addresses and logins."""

from __future__ import annotations

import hashlib
import re
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.media.annexb import join_nals
from touchline.media.sources.rtsp.address import Address
from touchline.media.sources.rtsp.auth import Login
from touchline.media.sources.rtsp.connection import Confused, Connection
from touchline.media.sources.rtsp.depacketise import Depacketiser, StampedUnit
from touchline.media.sources.rtsp.sdp import read_video_track

PAYLOAD_TYPE = 96
NAL = st.binary(min_size=3, max_size=300).map(lambda data: data.replace(b"\0", b"\1"))


def rtp(payload: bytes, sequence: int, timestamp: int, *, marker: bool, padding: int = 0) -> bytes:
    head = bytes([0x80 | (0x20 if padding else 0), PAYLOAD_TYPE | (0x80 if marker else 0)])
    head += (sequence & 0xFFFF).to_bytes(2, "big") + (timestamp & 0xFFFF_FFFF).to_bytes(4, "big") + b"ssrc"
    return head + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def payloads(codec: str, nals: list[bytes], most: int) -> list[bytes]:
    """One picture's units as RTP payloads: single, aggregated where two small ones meet, or in fragments."""
    made: list[bytes] = []
    waiting = list(nals)
    while waiting:
        nal = waiting.pop(0)
        if len(nal) > most:
            if codec == "h264":
                head, body = [bytes([nal[0] & 0xE0 | 28])], nal[1:]
                kind = nal[0] & 0x1F
            else:
                head, body = [bytes([nal[0] & 0x81 | 49 << 1, nal[1]])], nal[2:]
                kind = nal[0] >> 1 & 0x3F
            parts = [body[at : at + most] for at in range(0, len(body), most)]
            for at, part in enumerate(parts):
                flags = (0x80 if at == 0 else 0) | (0x40 if at == len(parts) - 1 else 0)
                made.append(head[0] + bytes([flags | kind]) + part)
        elif waiting and len(waiting[0]) <= most:
            pair = [nal, waiting.pop(0)]
            head = b"\x78" if codec == "h264" else bytes([48 << 1, 1])
            made.append(head + b"".join(len(one).to_bytes(2, "big") + one for one in pair))
        else:
            made.append(nal)
    return made


def picture_nals(codec: str, bodies: list[bytes], *, key: bool) -> list[bytes]:
    if codec == "h264":
        return [bytes([0x65 if key else 0x41]) + body for body in bodies]
    return [bytes([(19 if key else 1) << 1, 1]) + body for body in bodies]


CODEC = st.sampled_from(["h264", "hevc"])
PICTURES = st.lists(st.tuples(st.lists(NAL, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=6)


@given(CODEC, PICTURES, st.integers(20, 200), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.booleans())
def test_pictures_come_out_as_they_went_in(
    codec: str, pictures: list[tuple[list[bytes], bool]], most: int, first: int, base: int, with_marker: bool
) -> None:
    made = Depacketiser(codec, PAYLOAD_TYPE)  # type: ignore[arg-type]
    got: list[StampedUnit] = []
    wanted: list[tuple[bytes, int, bool]] = []
    sequence = first
    for at, (bodies, key) in enumerate(pictures):
        nals = picture_nals(codec, bodies, key=key)
        wanted.append((join_nals(nals), base + at * 3000, key))
        parts = payloads(codec, nals, most)
        for place, payload in enumerate(parts):
            marker = with_marker and place == len(parts) - 1
            got += made.push(rtp(payload, sequence, base + at * 3000, marker=marker, padding=place % 2 * 4))
            sequence += 1
    # Without markers the last picture is complete only when another begins.
    got += [] if with_marker else made.push(rtp(b"\x41\x80", sequence, base + 10**6, marker=False))
    assert [(unit.data, unit.timestamp, unit.is_key) for unit in got] == wanted
    assert made.damaged == 0


@given(CODEC, PICTURES, st.integers(20, 200), st.data())
def test_a_lost_packet_costs_its_picture_alone(
    codec: str, pictures: list[tuple[list[bytes], bool]], most: int, data: st.DataObject
) -> None:
    packets: list[tuple[int, bytes]] = []
    for at, (bodies, key) in enumerate(pictures):
        parts = payloads(codec, picture_nals(codec, bodies, key=key), most)
        packets += [
            (at, rtp(part, len(packets) + place, at * 3000, marker=place == len(parts) - 1))
            for place, part in enumerate(parts)
        ]
    lost = data.draw(st.integers(0, len(packets) - 1))
    made = Depacketiser(codec, PAYLOAD_TYPE)  # type: ignore[arg-type]
    got = [unit for at, (_, packet) in enumerate(packets) if at != lost for unit in made.push(packet)]
    hit = packets[lost][0]
    whole = {at: join_nals(picture_nals(codec, bodies, key=key)) for at, (bodies, key) in enumerate(pictures)}
    for unit in got:
        # Nothing is given out that is not a whole picture, unless its very start was lost before we joined.
        if lost != 0 or unit.timestamp != 0:
            assert unit.data == whole[unit.timestamp // 3000]
    complete = {unit.timestamp // 3000 for unit in got}
    # The gap may be seen only in the next picture, which then is not trusted either.
    assert complete >= set(whole) - {hit, hit + 1}


def test_a_marker_on_every_slice_is_found_out() -> None:
    made = Depacketiser("h264", PAYLOAD_TYPE)
    got: list[StampedUnit] = []
    sequence = 0
    for at in range(5):
        for nal in (b"\x41\x80one", b"\x41\x40two"):
            got += made.push(rtp(nal, sequence, at * 3000, marker=True))
            sequence += 1
    # The first picture is torn before anybody can know; all later ones are whole.
    whole = join_nals([b"\x41\x80one", b"\x41\x40two"])
    assert [unit.data for unit in got if unit.timestamp in (3000, 6000, 9000)] == [whole] * 3


def test_parameter_sets_on_their_own_join_the_next_picture() -> None:
    made = Depacketiser("h264", PAYLOAD_TYPE)
    assert made.push(rtp(b"\x67sps", 0, 10, marker=True)) == []
    (unit,) = made.push(rtp(b"\x65picture", 1, 20, marker=True))
    assert unit == StampedUnit(join_nals([b"\x67sps", b"\x65picture"]), 20, is_key=True)


def test_other_payload_types_are_not_video() -> None:
    assert Depacketiser("h264", 97).push(rtp(b"\x65picture", 0, 0, marker=True)) == []


def test_time_stamps_go_on_when_32_bits_are_full() -> None:
    made = Depacketiser("h264", PAYLOAD_TYPE)
    stamps = [2**32 - 3000 + 3000 * at for at in range(3)]
    got = [
        unit for at, stamp in enumerate(stamps) for unit in made.push(rtp(b"\x41\x80x", at, stamp, marker=True))
    ]
    assert [unit.timestamp for unit in got] == stamps


@given(st.lists(st.binary(max_size=60), max_size=8), CODEC)
def test_garbage_never_raises(packets: list[bytes], codec: str) -> None:
    made = Depacketiser(codec, PAYLOAD_TYPE)  # type: ignore[arg-type]
    for at, packet in enumerate(packets):
        made.push(packet)
        made.push(rtp(packet, at, at, marker=at % 2 == 0))


SDP = """v=0
o=- 1 1 IN IP4 0.0.0.0
a=control:rtsp://10.0.0.1/court
m=audio 0 RTP/AVP 0
a=control:track1
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=framerate:25.0
a=fmtp:96 mode=1; sprop-parameter-sets=Z0LAHtoCgL/lhAAAAwAEAAADAMo8WLZA,aM4PyA==;profile=42C01E
a=control:track2
"""


def test_a_description() -> None:
    session, track = read_video_track(SDP)
    assert session == "rtsp://10.0.0.1/court"
    assert track is not None
    assert (track.codec, track.payload_type, track.clock, track.control, track.fps) == (
        "h264",
        96,
        90_000,
        "track2",
        25.0,
    )
    assert track.parameter_sets.startswith(b"\0\0\0\1\x67\x42\xc0\x1e")
    assert track.parameter_sets.endswith(b"\0\0\0\1\x68\xce\x0f\xc8")


def test_descriptions_without_what_we_want() -> None:
    assert read_video_track("v=0\nm=audio 0 RTP/AVP 0\n")[1] is None
    other = read_video_track("v=0\nm=video 0 RTP/AVP 26\na=rtpmap:26 JPEG/90000\n")[1]
    assert other is not None
    assert other.codec is None


@given(st.text())
def test_any_description_is_survived(text: str) -> None:
    read_video_track(text)
    read_video_track(SDP.replace("Z0LAHtoCgL", text))
    read_video_track("m=video 0 RTP/AVP " + text)


@pytest.mark.parametrize(
    ("source", "url", "host", "port", "user", "password"),
    [
        ("rtsp://h/x", "rtsp://h/x", "h", 554, "", ""),
        ("rtsp://u:p@h:8554/x?a=1#verify=no", "rtsp://h:8554/x?a=1", "h", 8554, "u", "p"),
        ("rtsps://u:p%40%2F@h/x", "rtsps://h/x", "h", 322, "u", "p@/"),
        ("rtsp://u:p@q@h/x", "rtsp://h/x", "h", 554, "u", "p@q"),
        ("rtsp://u:a/b@h/x", "rtsp://h/x", "h", 554, "u", "a/b"),
        ("rtsp://u:a#b@h/x", "rtsp://h/x", "h", 554, "u", "a#b"),
        ("rtsp://h/live/@me", "rtsp://h/live/@me", "h", 554, "", ""),
        ("rtsp://[::1]:5/x", "rtsp://[::1]:5/x", "::1", 5, "", ""),
    ],
)
def test_addresses(source: str, url: str, host: str, port: int, user: str, password: str) -> None:
    address = Address.parse(source)
    assert (address.url, address.host, address.port) == (url, host, port)
    assert (address.user, address.password) == (user, password)
    assert address.is_tls == source.startswith("rtsps")
    again = Address.parse(address.quoted)
    assert (again.url, again.user, again.password) == (url, user, password)


def test_digest_as_in_rfc_2617() -> None:
    # The example of RFC 2617, section 3.5, without qop (as cameras do) and with.
    given_ = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    login = Login("Mufasa", "Circle Of Life")
    assert login.header("GET", "/dir/index.html") is None
    assert login.challenge(['Basic realm="x"', given_])
    header = login.header("GET", "/dir/index.html") or ""
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in header
    assert "Circle" not in header
    login.challenge([given_ + ', qop="auth,auth-int", opaque="5ccc"'])
    header = login.header("GET", "/dir/index.html") or ""
    fields = dict(re.findall(r'(\w+)="?([^",]+)', header))
    assert fields["opaque"] == "5ccc"
    secret = "939e7578ed9e3c518a452acee763bce9"
    request = "39aff3a2bab6126f332b942af96d3366"
    text = f"{secret}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth:{request}"
    assert fields["response"] == hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the scheme's own


def test_basic_and_nothing() -> None:
    login = Login("Aladdin", "open sesame")
    assert login.challenge(['Basic realm="x"'])
    assert login.header("PLAY", "x") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert not Login("", "").challenge(['Basic realm="x"'])
    assert not Login("u", "p").challenge(["Negotiate"])


DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "answer", [f"RTSP/1.0 {DIGITS} OK\r\n\r\n", f"RTSP/1.0 200 OK\r\nContent-Length: {DIGITS}\r\n\r\n"]
)
def test_numbers_that_are_none_are_the_server_s_fault(answer: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(answer.encode())

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        connection = Connection(Address.parse(f"rtsp://127.0.0.1:{server.getsockname()[1]}/x"))
        connection.connect()
        try:
            with pytest.raises(Confused):
                connection.request("OPTIONS", "rtsp://127.0.0.1/x")
        finally:
            connection.close()
            serving.join(10)


def test_a_description_of_endless_numbers_is_survived() -> None:
    text = f"m=video 0 RTP/AVP {DIGITS}\na=rtpmap:{DIGITS} H264/{DIGITS}\n"
    track = read_video_track(text)[1]
    assert track is not None
    assert (track.payload_type, track.clock) == (-1, 90_000)
