"""SRT, RTMP and HLS against real senders."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clips import write_clip
from tests.media.servers import ffmpeg, free_port, http_folder, silent_port, wait_listening
from tests.media.taking import Taking, decode_sizes, read_all
from touchline.types import CameraState, SourceError


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("net") / "clip.mp4", width=320, height=240, frames=50)


def check(taking: Taking) -> None:
    info = taking.infos[0]
    assert (info.codec, info.width, info.height, info.has_b_frames) == ("h264", 320, 240, False)
    assert taking.packets[0].is_key
    assert taking.pts == sorted(set(taking.pts))
    assert set(decode_sizes(info, taking.packets)) == {(320, 240)}
    # Packets come one by one, not in lumps of some buffer.
    gaps = [b - a for a, b in pairwise(taking.times[-30:])]
    assert sorted(gaps)[len(gaps) // 2] > 0.015
    # What a sender had cached comes first, squeezed; then its own steps.
    steps = [b - a for a, b in pairwise(taking.pts[-20:])]
    assert sorted(steps)[10] == pytest.approx(0.04, abs=0.003)
    assert taking.times[-1] - taking.pts[-1] < 3


def children(of: int | None = None) -> dict[int, str]:
    """Command lines of a process's children, our own by default."""
    found: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == (of or os.getpid()):
                found[int(stat.parent.name)] = (stat.parent / "cmdline").read_bytes().decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def srt(port: int, query: str = "") -> str:
    return f"srt://127.0.0.1:{port}?mode=caller{query}"


def test_srt_with_a_passphrase_that_no_command_line_shows(clip: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    secret = "&passphrase=hidden-from-ps"
    listener = f"srt://127.0.0.1:{port}?mode=listener{secret}"
    with ffmpeg(clip, "-f", "mpegts", listener) as sender, Taking(srt(port, secret)) as taking:
        taking.wait_packets(60, 40)
        ours = {pid: line for pid, line in children().items() if pid != sender.pid}
        assert ours
        assert not any("hidden" in line for line in ours.values())
        check(taking)
        assert "hidden" not in str(taking.said)
        begun = time.monotonic()
        taking.stop.set()
        taking.thread.join(5)
        assert time.monotonic() - begun < 2
        assert not set(children()) & set(ours), "a child is left"


def test_srt_with_a_wrong_passphrase(clip: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    listener = f"srt://127.0.0.1:{port}?mode=listener&passphrase=right-passphrase"
    with (
        ffmpeg(clip, "-f", "mpegts", listener),
        Taking(srt(port, "&passphrase=wrong-passphrase")) as taking,
    ):
        taking.wait(lambda: any("passphrase is wrong" in str(said) for said in taking.said), 30)
        assert "wrong-passphrase" not in str(taking.said)


def test_srt_with_nobody_there() -> None:
    with pytest.raises(SourceError, match="no answer in time"):
        read_all(srt(free_port(socket.SOCK_DGRAM), "&connect_timeout=300"))
    assert not children()


def test_srt_comes_back(clip: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    listener = f"srt://127.0.0.1:{port}?mode=listener"
    with Taking(srt(port)) as taking:
        with ffmpeg(clip, "-f", "mpegts", listener):
            taking.wait_state(CameraState.LIVE, 40)
        taking.wait(lambda: taking.said[-1][1] is not CameraState.LIVE)
        with ffmpeg(clip, "-f", "mpegts", listener):
            taking.wait_state(CameraState.LIVE, 40)
            assert taking.pts == sorted(set(taking.pts))


def test_rtmp(clip: Path) -> None:
    port = free_port()
    url = f"rtmp://127.0.0.1:{port}/live/court"
    with ffmpeg(clip, "-f", "flv", "-listen", "1", url):
        wait_listening(port)
        with Taking(url) as taking:
            taking.wait_packets(60)
            check(taking)


def test_rtmp_with_nobody_there_and_a_silent_server() -> None:
    with pytest.raises(SourceError, match="connection refused"):
        read_all(f"rtmp://127.0.0.1:{free_port()}/live/x")
    with silent_port() as port, Taking(f"rtmp://127.0.0.1:{port}/live/x") as taking:
        taking.wait_state(CameraState.CONNECTING)
        begun = time.monotonic()
        taking.stop.set()
        taking.thread.join(5)
        assert time.monotonic() - begun < 2


def test_hls_is_paced_from_the_live_edge(clip: Path, tmp_path: Path) -> None:
    how = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "4", "-hls_flags", "delete_segments"]
    playlist = tmp_path / "index.m3u8"
    asked: list[str] = []
    with ffmpeg(clip, *how, str(playlist)), http_folder(tmp_path, asked) as port:
        deadline = time.monotonic() + 20
        while not playlist.exists() or playlist.read_text().count(".ts") < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        newest = [line for line in playlist.read_text().splitlines() if line.endswith(".ts")][-1]
        with Taking(f"http://127.0.0.1:{port}/index.m3u8") as taking:
            taking.wait_packets(50, 30)
    check(taking)
    first = next(path for path in asked if path.endswith(".ts"))
    assert int(first[6:-3]) >= int(newest[5:-3]), "not begun at the newest segment"


def test_hls_faults(tmp_path: Path) -> None:
    (tmp_path / "page.m3u8").write_text("<html>Not found</html>")
    with http_folder(tmp_path) as port:
        with pytest.raises(SourceError, match="404"):
            read_all(f"http://127.0.0.1:{port}/none.m3u8?token=s3cret")
        with pytest.raises(SourceError, match="not a video stream"):
            read_all(f"http://127.0.0.1:{port}/page.m3u8")


def test_srt_does_not_outlive_a_killed_process(tmp_path: Path) -> None:
    program = """
import sys, threading, time
from touchline.media.capture import Capture
capture = Capture(sys.argv[1], clock=time.monotonic, stop=threading.Event(), on_state=print)
for item in capture.packets():
    pass
"""
    url = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}?mode=listener"
    with subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while not (left := [pid for pid, line in children(process.pid).items() if "concat" in line]):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{left[0]}").exists() and "Z" not in Path(f"/proc/{left[0]}/stat").read_text().split(")")[1]:
        assert time.monotonic() < deadline, "FFmpeg lives on"
        time.sleep(0.05)


def test_it_tries_for_ever_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchline.media.capture.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("touchline.media.capture.LONGEST_WAIT_S", 0.02)
    with Taking(f"rtmp://keeper:s3cret@127.0.0.1:{free_port()}/live/x") as taking:
        taking.wait_state(CameraState.FAILED)
        deadline = time.monotonic() + 20
        while taking.capture.attempts < 10:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert [state for _, state, _ in taking.said] == [CameraState.CONNECTING, CameraState.FAILED]
    assert "s3cret" not in str(taking.said)
