"""RTSP against a real server: it stops, freezes, refuses; capture comes back."""

from __future__ import annotations

import datetime
import signal
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.clips import write_clip
from tests.media.rtsp_server import RtspServer, write_stream
from tests.media.servers import free_port, http_folder, silent_port
from tests.media.taking import Taking, decode_sizes, read_all
from tests.needs import need_rtsp_server
from touchline.types import CameraState, SourceError


@pytest.fixture(scope="module", autouse=True)
def server_installed() -> None:
    need_rtsp_server()


def self_signed(path: Path) -> Path:
    """A key and a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(now - datetime.timedelta(days=1))
    made = made.not_valid_after(now + datetime.timedelta(days=1))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    path.write_bytes(private + public)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("rtsp") / "clip.h264", width=320, height=240, frames=50)


@pytest.fixture
def server(clip: Path) -> Iterator[RtspServer]:
    with RtspServer({"court": clip}) as server:
        yield server


def test_it_plays_in_real_time(server: RtspServer) -> None:
    with Taking(server.url("court")) as taking:
        taking.wait_packets(50)
    (info,) = taking.infos
    assert (info.codec, info.width, info.height, info.has_b_frames) == ("h264", 320, 240, False)
    assert taking.pts == sorted(set(taking.pts))
    assert decode_sizes(info, taking.packets) == [(320, 240)] * len(taking.packets)
    # From the second on each packet is one picture of 1/25 s.
    steps = [b - a for a, b in pairwise(taking.pts[20:])]
    assert all(abs(step - 0.04) < 0.005 for step in steps)
    assert all(at - pts < 3 for at, pts in zip(taking.times, taking.pts, strict=True))


def test_it_comes_back_when_the_server_does(server: RtspServer) -> None:
    with Taking(server.url("court")) as taking:
        taking.wait_state(CameraState.LIVE)
        server.stop()
        taking.wait_state(CameraState.STALE)
        message = taking.wait_state(CameraState.FAILED)
        assert message is not None
        assert "refused" in message
        before = len(taking.packets)
        server.start()
        taking.wait_state(CameraState.LIVE)
        taking.wait_packets(10)
        assert len(taking.infos) == 2
        assert taking.capture.reconnects == 1, "however often it was tried"
        assert taking.pts == sorted(set(taking.pts))
        assert taking.packets[before].is_key
        # The gap is on the clock: what comes after it is from now.
        assert taking.pts[-1] > taking.times[before] - 1


def test_a_frozen_source_is_noticed_and_comes_back(server: RtspServer) -> None:
    with Taking(server.url("court")) as taking:
        taking.wait_packets(10)
        server.signal(signal.SIGSTOP)
        message = taking.wait_state(CameraState.STALE)
        noticed = taking.said[-1][0] - taking.times[-1]
        assert message is not None
        assert "nothing has come for 3 s" in message
        assert 2.9 < noticed < 10
        server.signal(signal.SIGCONT)
        taking.wait_state(CameraState.LIVE, 30)
        taking.wait_packets(10)
        assert taking.pts == sorted(set(taking.pts))


def test_stop_ends_a_frozen_source_at_once(server: RtspServer) -> None:
    with Taking(server.url("court")) as taking:
        taking.wait_packets(5)
        server.signal(signal.SIGSTOP)
        # Some time after the last packet, so that the reader waits in its call.
        last = len(taking.packets)
        with pytest.raises(AssertionError):
            taking.wait(lambda: len(taking.packets) > last + 50, 0.5)
        begun = time.monotonic()
        taking.stop.set()
        taking.thread.join(5)
        assert time.monotonic() - begun < 2
        assert not [thread for thread in threading.enumerate() if thread.name == "capture"]


def test_it_ends_its_session(server: RtspServer) -> None:
    with Taking(server.url("court")) as taking:
        taking.wait_packets(5)
    assert server.hear(10) == "teardown\n"


def test_passwords(clip: Path) -> None:
    with RtspServer({"court": clip}, user="keeper", password="s3cret/@?") as server:
        for login, what in (("", "wants a user and password"), ("keeper:wr0ng", "password is wrong")):
            with pytest.raises(SourceError) as caught:
                read_all(server.url("court", login))
            assert what in str(caught.value)
            assert "wr0ng" not in str(caught.value)
            assert not caught.value.retry
        infos, _ = read_all(server.url("court", "keeper:s3cret%2F%40%3F"), most=5)
        assert infos[0].width == 320


def test_a_wrong_path(server: RtspServer) -> None:
    with pytest.raises(SourceError, match="no such stream") as caught:
        read_all(server.url("kitchen"))
    assert caught.value.retry


def test_nobody_there() -> None:
    with pytest.raises(SourceError, match="connection refused"):
        read_all(f"rtsp://127.0.0.1:{free_port()}/x")


def test_an_unknown_name() -> None:
    with pytest.raises(SourceError, match="host name is not known"):
        read_all("rtsp://keeper:s3cret@no-such-host.invalid/x")


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchline.media.sources.rtsp.connection.ANSWER_S", 0.5)
    with silent_port() as port, pytest.raises(SourceError, match="no answer in time"):
        read_all(f"rtsp://127.0.0.1:{port}/x")


def test_a_server_of_another_kind(tmp_path: Path) -> None:
    with http_folder(tmp_path) as port, pytest.raises(SourceError, match="does not speak RTSP"):
        read_all(f"rtsp://127.0.0.1:{port}/x")


def test_a_server_that_has_udp_alone_is_left_to_ffmpeg(clip: Path) -> None:
    with RtspServer({"court": clip}, udp=True) as server:
        for url in (server.url("court"), server.url("court") + "#transport=udp"):
            infos, packets = read_all(url, most=30)
            assert (infos[0].codec, infos[0].width) == ("h264", 320)
            assert len(packets) == 30


def test_tls_is_checked_unless_told_not_to(clip: Path, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path / "server.pem")
    with RtspServer({"court": clip}, user="u", password="p", certificate=certificate) as server:
        url = server.url("court", "u:p").replace("rtsp:", "rtsps:")
        with pytest.raises(SourceError, match="certificate cannot be checked"):
            read_all(url)
        infos, _ = read_all(url + "#verify=no", most=5)
        assert infos[0].width == 320


def test_stop_ends_a_connect_that_hangs() -> None:
    with silent_port() as port, Taking(f"rtsp://127.0.0.1:{port}/x") as taking:
        taking.wait_state(CameraState.CONNECTING)
        begun = time.monotonic()
        taking.stop.set()
        taking.thread.join(5)
        assert time.monotonic() - begun < 2


def test_b_frames_are_told(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", b_frames=2, width=320, height=240)
    path = write_stream(clip, tmp_path / "clip.h264")
    with RtspServer({"court": path}) as server, Taking(server.url("court")) as taking:
        taking.wait_packets(45)
    assert taking.infos[0].has_b_frames
    shown = sorted(taking.pts)
    assert shown != taking.pts
    steps = [b - a for a, b in pairwise(shown[10:40])]
    assert all(abs(step - 0.04) < 0.005 for step in steps)
