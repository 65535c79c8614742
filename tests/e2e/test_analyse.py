"""``touchline analyse``: files in the forms it promises, and one line for what cannot be analysed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clips import write_clip, write_sound
from tests.e2e.box import command


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
    done = command("analyse", str(tmp_path / "bad.mp4"), str(sound), str(good), "--out", str(out))
    assert done.returncode == 2
    assert "bad.mp4" in done.stderr
    assert "sound.m4a" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((out / "good" / "summary.json").read_text())["frames"] == 20


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
