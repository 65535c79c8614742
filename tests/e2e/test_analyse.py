"""``touchline analyse``: files in the forms it promises, and one line for what cannot be analysed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import write_clip, write_sound
from tests.e2e.box import command
from touchline.app.results import Results
from touchline.types import Fact, JsonValue, fact_id


@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_frame_has_its_fact_and_the_summary_counts_them(tmp_path: Path, b_frames: int) -> None:
    clip = write_clip(tmp_path / "match one.mp4", frames=60, b_frames=b_frames)
    out = tmp_path / "out"
    done = command("analyse", str(clip), "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    facts = [json.loads(line) for line in (out / "facts.jsonl").read_text().splitlines()]
    frames = [fact for fact in facts if fact["kind"] == "tracks"]
    assert len(frames) == 60
    times = [fact["media_time"] for fact in frames]
    assert times == sorted(set(times))
    assert times[-1] - times[0] == pytest.approx(59 / 25, abs=0.01)
    assert len({fact["id"] for fact in facts}) == len(facts)
    summary = json.loads((out / "summary.json").read_text())
    assert json.loads(done.stdout) == [summary]
    assert (summary["frames"], summary["width"], summary["height"]) == (60, 640, 360)


def test_people_are_tracked_in_mot_form(tmp_path: Path) -> None:
    """On the demo's own clip: two athletes (and who stands by), each followed through most of it."""
    from touchline.app.demo import demo_clips

    clip = demo_clips(lambda _: None)[1]
    out = tmp_path / "out"
    assert command("analyse", str(clip), "--out", str(out)).returncode == 0
    rows = [line.split(",") for line in (out / "tracks.txt").read_text().splitlines()]
    assert all(len(row) == 10 for row in rows)
    frames = [int(row[0]) for row in rows]
    assert frames == sorted(frames)
    assert min(frames) >= 1
    assert max(frames) <= 98
    assert all(float(row[4]) > 0 and float(row[5]) > 0 for row in rows)
    lives = {row[1]: sum(other[1] == row[1] for other in rows) for row in rows}
    assert sorted(lives.values())[-2] > 60, lives


def test_what_cannot_be_analysed_is_one_line_and_the_rest_is_done(tmp_path: Path) -> None:
    good = write_clip(tmp_path / "good.mp4", frames=20)
    (tmp_path / "bad.mp4").write_text("no video")
    sound = write_sound(tmp_path / "sound.m4a")
    out = tmp_path / "out"
    bad = tmp_path / "bad.mp4"
    done = command("analyse", str(bad), str(good), str(sound), "--out", str(out), "--json")
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("touchline: ")]
    assert len(errors) == 2, done.stderr
    assert all(str(file) in line for file, line in zip((bad, sound), errors, strict=True)), done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout) == [json.loads((out / "good" / "summary.json").read_text())]
    assert json.loads(done.stdout)[0]["frames"] == 20
    assert names(out) == ["good", *results("good")], "what failed looks like nothing that was analysed"


def test_a_recording_that_gives_no_picture_has_failed(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", frames=20)
    data = bytearray(clip.read_bytes())
    for at in range(4 * 188, len(data), 188):  # behind the tables, in the middle of every packet's payload
        data[at + 100] ^= 0xFF
        data[at + 150] ^= 0xFF
    clip.write_bytes(data)
    out = tmp_path / "out"
    done = command("analyse", str(clip), "--out", str(out))
    assert done.returncode == 2
    assert "no picture of it could be decoded" in done.stderr
    assert not out.exists()


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def results(folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in ("facts.jsonl", "summary.json", "tracks.txt")]


def test_what_fails_alone_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    done = command("analyse", str(tmp_path / "bad.mp4"), "--out", str(tmp_path / "deep" / "out"), "--json")
    assert (done.returncode, done.stdout) == (2, "[]\n")
    assert names(tmp_path) == ["bad.mp4"]


@pytest.mark.parametrize(("frames", "limit"), [(75, 4096), (5, 100)], ids=["on the way", "at the end"])
def test_a_full_disk_is_one_line(tmp_path: Path, frames: int, limit: int) -> None:
    """No file may grow beyond ``limit`` bytes, which is how a test can have a disk that fills up."""
    clip = write_clip(tmp_path / "clip.mp4", frames=frames)
    out = tmp_path / "out"
    program = (
        f"import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        "runpy.run_module('touchline', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "analyse", str(clip), str(clip), "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("touchline: ")]
    assert line.startswith(f"touchline: {out / '1-clip'}: cannot be written (File too large); free space or name")
    assert "Traceback" not in done.stderr
    assert not out.exists()
    assert clip.exists()


def test_balls_are_facts_and_no_people_of_tracks_txt(tmp_path: Path) -> None:
    data = {"frame": 1, "width": 64, "height": 36, "tracks": [row(1, "player"), row(2, "ball"), row(3, "referee")]}
    with Results(tmp_path / "out") as made:
        made.send(Fact(fact_id(1), "match", "tracks", 0, data))
        made.finish({})
    assert [line.split(",")[1] for line in (tmp_path / "out" / "tracks.txt").read_text().splitlines()] == [
        "1",
        "3",
    ]
    (fact,) = [json.loads(line) for line in (tmp_path / "out" / "facts.jsonl").read_text().splitlines()]
    assert [track["id"] for track in fact["tracks"]] == [1, 2, 3]
    assert made.ids == {1: "player", 2: "ball", 3: "referee"}


def row(identity: int, label: str) -> dict[str, JsonValue]:
    return {"id": identity, "label": label, "box": [1.0, 2.0, 3.0, 5.0], "score": 0.5, "detected": True}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=5)
    done = command("analyse", str(clip), "--out", "/proc/none/out")
    assert done.returncode == 2
    assert "/proc/none/out" in done.stderr
    assert "--out" in done.stderr


@pytest.mark.parametrize("source", ["0", "/dev/video7", "test:", "rtsp://user:s3cret@127.0.0.1/x"])
def test_what_has_no_end_is_no_recording(tmp_path: Path, source: str) -> None:
    done = command("analyse", source, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "is live, and analyse takes recordings" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "s3cret" not in done.stderr


def test_a_file_whose_name_is_a_camera_s_number_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "clip.mp4", frames=5).rename(tmp_path / "0")
    monkeypatch.chdir(tmp_path)
    done = command("analyse", "0", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["frames"] == 5
