"""What may not grow, and what may not fall silent: an encoder's rate, a sender's picture, an RTSP session."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import numpy as np

from tests.media.test_encode import frame
from tests.media.test_rtsp_parts import rtp
from touchline.media.encode import Encoder
from touchline.media.sources import Location
from touchline.media.sources.rtsp import depacketise
from touchline.media.sources.rtsp.depacketise import Depacketiser
from touchline.media.sources.rtsp.source import RtspSource
from touchline.types import StreamInfo

RATE, FPS = 400_000, 25


def test_the_encoder_keeps_its_rate_when_the_picture_becomes_noise() -> None:
    """A calm second, and then one that would take fifty times the rate."""
    encoder = Encoder(320, 240, FPS, bitrate=RATE)
    rng = np.random.default_rng(0)
    for number in range(4 * FPS):
        encoder.encode(replace(frame(0), pts=number * 3600))
    noise = 0
    for number in range(4 * FPS, 5 * FPS):
        noisy = replace(frame(0), pts=number * 3600, y=rng.integers(16, 236, (240, 320), np.uint8))
        noise += sum(len(packet.data) * 8 for packet in encoder.encode(noisy))
    # What the buffer held, half a second, and a second's own; x264 cannot make a key picture of noise small.
    assert noise < 2.5 * RATE, "without a limit it is twelve times the rate"


def test_a_picture_without_end_is_given_up_and_the_next_is_whole() -> None:
    made = Depacketiser("h264", 96)
    part = b"\x7c\x05" + b"x" * 60_000  # the middle of a fragmented key picture
    made.push(rtp(b"\x7c\x85" + b"x" * 60_000, 0, 0, marker=False))
    parts = depacketise.MAX_UNIT // 60_000 + 2
    for at in range(1, parts):
        assert made.push(rtp(part, at, 0, marker=False)) == []
    assert made.push(rtp(b"\x7c\x45end", parts, 0, marker=True)) == []
    assert made.push(rtp(b"\x65whole", parts + 1, 3000, marker=True))[0].data.endswith(b"\x65whole")


SETS = "Z0LAHtoCgL/lhAAAAwAEAAADAMo8WLZA,aM4PyA=="
SDP = f"""v=0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 sprop-parameter-sets={SETS}
a=control:track1
"""


class Camera(threading.Thread):
    """Serves one RTSP session that times out in two seconds, and notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.asked: list[tuple[str, str]] = []
        self.enough = threading.Event()

    def run(self) -> None:
        line, _ = self.listener.accept()
        with line:
            line.settimeout(0.05)
            buffer, sequence, playing = b"", 0, False
            while not self.enough.is_set():
                try:
                    data = line.recv(65536)
                    if not data:
                        return
                    buffer += data
                except TimeoutError:
                    pass
                while b"\r\n\r\n" in buffer:
                    request, _, buffer = buffer.partition(b"\r\n\r\n")
                    playing = self._answer(line, request.decode()) or playing
                if playing:
                    packet = rtp(b"\x65picture", sequence, sequence * 4500, marker=True)
                    line.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
                    sequence += 1

    def _answer(self, line: socket.socket, request: str) -> bool:
        """Answers; whether this was PLAY."""
        method = request.split()[0]
        fields = dict(one.split(": ", 1) for one in request.split("\r\n")[1:])
        self.asked.append((method, fields.get("Session", "")))
        if method == "GET_PARAMETER" and self.asked.count((method, "7")) == 2:
            self.enough.set()
        body = SDP if method == "DESCRIBE" else ""
        more = {
            "OPTIONS": "Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n",
            "SETUP": "Session: 7;timeout=2\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n",
        }.get(method, "")
        head = f"RTSP/1.0 200 OK\r\nCSeq: {fields['CSeq']}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        line.sendall((head + body).encode())
        return method == "PLAY"


def test_an_rtsp_session_is_kept_alive() -> None:
    camera = Camera()
    camera.start()
    source = RtspSource(Location.parse(f"rtsp://127.0.0.1:{camera.listener.getsockname()[1]}/x"))
    reader = source.read()
    pictures = 0
    for item in reader:
        pictures += not isinstance(item, StreamInfo)
        if camera.enough.is_set() or pictures > 400:
            break
    reader.close()
    camera.enough.set()
    camera.join(30)
    camera.listener.close()
    kept = [asked for asked in camera.asked if asked[0] == "GET_PARAMETER"]
    assert kept[:2] == [("GET_PARAMETER", "7")] * 2, "twice in its two seconds"
