"""``touchline live`` as its user runs it: real sources, real worker processes, real kills."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.bright_square import write_square, write_square_detector
from tests.clips import write_clip, write_sound
from tests.e2e.box import Box, children, command, running


def is_live(camera: dict[str, object]) -> bool:
    return camera["state"] == "live" and float(str(camera["fps_analysed"])) > 0


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_ctrl_c_leaves_no_process_and_no_socket(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "match 比赛.mp4")
    with running(tmp_path, "live", "test:", str(clip), "--loop") as box:
        box.wait("cam1", is_live)
        box.wait("cam2", is_live)
        workers = children(box.process.pid)
        assert len(workers) == 2
        port = int(box.url.rsplit(":", 1)[1].strip("/"))
        assert box.end() == 130
        assert not any(alive(pid) for pid in workers)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
        assert "Traceback" not in box.log.read_text()


def test_a_box_that_is_killed_takes_its_workers_with_it(tmp_path: Path) -> None:
    with running(tmp_path, "live", "test:") as box:
        box.wait("cam1", is_live)
        workers = children(box.process.pid)
        box.process.kill()
        box.process.wait(5)
        end = time.monotonic() + 10
        while any(alive(pid) for pid in workers) and time.monotonic() < end:
            time.sleep(0.05)
        assert not any(alive(pid) for pid in workers)


def test_a_killed_worker_is_replaced_and_the_others_do_not_notice(tmp_path: Path) -> None:
    with running(tmp_path, "live", "test:", "test:?width=640&height=360&seed=2") as box:
        first = box.wait("cam1", is_live)
        box.wait("cam2", is_live)
        other = box.worker_of("cam2")
        last = box.tracks("cam1")[-1]["media_time"]
        os.kill(box.worker_of("cam1"), signal.SIGKILL)
        box.wait("cam1", lambda camera: camera["restarts"] == 1)
        box.wait("cam1", is_live)
        assert first["restarts"] == 0
        after = box.get(f"api/v1/facts?camera=cam1&kind=tracks&since={last}")["facts"]
        times = [fact["media_time"] for fact in after]
        assert times, "it tells facts again"
        assert times == sorted(times), "media time never goes back"
        assert box.worker_of("cam2") == other
        neighbour = box.camera("cam2")
        assert is_live(neighbour)
        for count in ("restarts", "reconnects", "source_dropped", "line_dropped", "facts_dropped"):
            assert neighbour[count] == 0, count
        assert box.tracks("cam2")[-1]["media_time"] > last, "its neighbour's pictures kept being analysed"


def test_a_new_worker_s_tracks_have_new_numbers_and_the_old_ones_end(tmp_path: Path) -> None:
    model = write_square_detector(tmp_path / "square.onnx")
    clip = write_square(tmp_path / "clip.mp4", lambda k: 100 + k % 7, frames=100)
    with running(tmp_path, "live", str(clip), "--loop", "--model", str(model)) as box:
        box.wait("cam1", lambda _: numbers_of(box, "track_started") == [1])
        os.kill(box.worker_of("cam1"), signal.SIGKILL)
        box.wait("cam1", lambda _: len(numbers_of(box, "track_started")) > 1)
        assert numbers_of(box, "track_ended")[0] == 1
        assert numbers_of(box, "track_started")[1] == 2


def numbers_of(box: Box, kind: str) -> list[int]:
    facts = box.get(f"api/v1/facts?camera=cam1&kind={kind}&limit=1000")["facts"]
    return [fact["track"] for fact in facts]


def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path, "live", "test:") as box:
        box.wait("cam1", is_live)
        os.kill(box.worker_of("cam1"), signal.SIGSTOP)
        camera = box.wait("cam1", lambda camera: camera["restarts"] == 1)
        assert "silent" in camera["error"] or camera["state"] == "live"
        box.wait("cam1", is_live)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_in_order_with_a_viewer_of_facts_connected(tmp_path: Path, number: int, status: int) -> None:
    with running(tmp_path, "live", "test:") as box:
        box.wait("cam1", is_live)
        with urllib.request.urlopen(box.url + "api/v1/facts/stream?kind=tracks", timeout=10) as stream:
            lines = [stream.readline().decode() for _ in range(12)]
            assert any(line.startswith("data: {") and '"kind":"tracks"' in line for line in lines)
            assert box.end(number) == status


def test_bad_sources_say_why_and_the_others_play_on(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video\n" * 100)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    whole = write_clip(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    sound = write_sound(tmp_path / "sound.m4a")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    bad = {
        "text": str(text),
        "empty": str(empty),
        "cut": str(tmp_path / "cut.mp4"),
        "sound": str(sound),
        "missing": str(tmp_path / "missing.mp4"),
        "folder": str(tmp_path),
        "refused": f"rtsp://user:topsecret@127.0.0.1:{port}/x",
        "nonsense": "nosuchscheme://host/x",
    }
    names = [part for name, source in bad.items() for part in ("--name", f"{name}={source}")]
    with running(tmp_path, "live", *names, "--name", "good=test:") as box:
        box.wait("good", is_live)
        for name in bad:
            camera = box.wait(name, lambda camera: camera["state"] == "failed" and camera["error"])
            assert "\n" not in camera["error"]
            assert "topsecret" not in camera["error"]
        assert is_live(box.camera("good"))
        health = box.url + "healthz"
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(health, timeout=5)
        assert "topsecret" not in box.log.read_text()
        for pid in [box.process.pid, *children(box.process.pid)]:
            assert pid == box.process.pid or b"topsecret" not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert pid == box.process.pid or b"topsecret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_shapes_and_rates_of_every_kind_play(tmp_path: Path) -> None:
    clips = {
        "portrait": write_clip(tmp_path / "portrait.mp4", width=360, height=640),
        "odd": write_clip(tmp_path / "odd.avi", codec="mjpeg", width=321, height=241, pixel_format="yuvj420p"),
        "slow": write_clip(tmp_path / "slow.mp4", fps=1, frames=6),
        "fast": write_clip(tmp_path / "fast.mp4", fps=60, frames=120),
        "bframes": write_clip(tmp_path / "bframes.mp4", b_frames=2),
        "hevc": write_clip(tmp_path / "hevc.mkv", codec="libx265"),
        "phone": write_clip(tmp_path / "phone.mp4", rotation=90),
    }
    names = [part for name, clip in clips.items() for part in ("--name", f"{name}={clip}")]
    with running(tmp_path, "live", *names, "--loop") as box:
        for name in clips:
            camera = box.wait(name, is_live, 60)
            assert camera["passthrough"] == (name in ("portrait", "slow", "fast"))
        assert (camera["width"], camera["height"]) == (360, 640), "upright, not as the phone lay"
        assert {(fact["width"], fact["height"]) for fact in box.tracks("phone")} == {(360, 640)}


def test_a_stream_that_changes_its_size_plays_on(tmp_path: Path) -> None:
    for number, (width, height) in enumerate([(640, 360), (320, 240)]):
        write_clip(tmp_path / f"{number}.ts", width=width, height=height, frames=75)
    changing = tmp_path / "changing.ts"
    changing.write_bytes((tmp_path / "0.ts").read_bytes() + (tmp_path / "1.ts").read_bytes())
    with running(tmp_path, "live", str(changing), "--loop") as box:
        box.wait("cam1", lambda camera: is_live(camera) and camera["width"] == 640)
        box.wait("cam1", lambda camera: is_live(camera) and camera["width"] == 320)
        # A size is told with the first packet, the tracks that are in it follow when it is looked at.
        box.wait("cam1", lambda _camera: sizes_of_tracks(box) >= {(640, 360), (320, 240)})
        assert box.camera("cam1")["reconnects"] == 0


def sizes_of_tracks(box: Box) -> set[tuple[int, int]]:
    facts = box.tracks("cam1")
    return {(fact["width"], fact["height"]) for fact in facts}


def test_a_second_box_on_the_same_port_says_so(tmp_path: Path) -> None:
    with running(tmp_path, "live", "test:") as box:
        port = box.url.rsplit(":", 1)[1].strip("/")
        second = command("live", "test:", "--port", port)
        assert second.returncode == 2
        assert f"127.0.0.1:{port}: cannot listen there" in second.stderr
        assert "--port" in second.stderr


def test_other_names_for_loopback_are_refused(tmp_path: Path) -> None:
    """A page whose name is re-pointed at loopback (DNS rebinding) gets nothing."""
    with running(tmp_path, "live", "test:") as box:
        request = urllib.request.Request(box.url + "api/v1/cameras", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(request, timeout=5)


def test_the_user_s_own_step_is_what_is_sent(tmp_path: Path) -> None:
    step = tmp_path / "my.py"
    step.write_text("import cv2\ndef process_frame(frame):\n    return cv2.resize(frame, (800, 600))\n")
    with running(tmp_path, "live", "test:", "--process", f"{step}:process_frame") as box:
        camera = box.wait("cam1", is_live)
        assert camera["passthrough"] is False
        # tests/e2e/test_page.py sees its size in a browser


def test_a_step_that_fails_is_said_and_the_camera_stays_live(tmp_path: Path) -> None:
    step = tmp_path / "my.py"
    step.write_text("def process_frame(frame):\n    raise RuntimeError('boom')\n")
    with running(tmp_path, "live", "test:", "--process", f"{step}:process_frame", "--duration", "10") as box:
        camera = box.wait("cam1", lambda camera: is_live(camera) and camera["error"], 10)
        assert camera["error"].startswith(f"--process {step}:process_frame: RuntimeError: boom; ")
        assert box.log.read_text().count("boom; pictures pass untouched") == 1
        assert f"cam1: {camera['error']}\n" in box.log.read_text()
        assert box.process.wait(30) == 1
    assert box.log.read_text().splitlines()[-1].startswith("touchline: cam1: your own step (--process) failed")


def test_a_time_in_which_no_camera_was_live_is_no_success(tmp_path: Path) -> None:
    missing = [str(tmp_path / f"{number}.mp4") for number in (1, 2)]
    with running(tmp_path, "live", *missing, "--duration", "10") as box:
        for name in ("cam1", "cam2"):
            box.wait(name, lambda camera: camera["state"] == "failed", 10)
        assert box.process.wait(30) == 2
    assert box.log.read_text().splitlines()[-1].startswith("touchline: no camera was ever live in 10 s: cam1: ")
