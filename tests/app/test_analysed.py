"""What ``analyse`` says of a square whose every place is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tests.bright_square import FPS, HEIGHT, SIDE, TOP, WIDTH, write_square, write_square_detector
from tests.clips import cut, damage
from touchline.app.analyse import analyse_files
from touchline.app.results import Results
from touchline.types import Fact, JsonValue, fact_id

FRAMES = 50


def left(k: int) -> int:
    return 8 + 4 * k


def test_the_square_is_in_the_files_where_it_was(tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", left, frames=FRAMES)
    model = write_square_detector(tmp_path / "square.onnx")
    out = tmp_path / "out"
    (summary,), errors = analyse_files([clip], out, model=str(model), detect_hz=5, console=Console(quiet=True))
    assert errors == []
    assert json.loads((out / "summary.json").read_text()) == summary
    assert (summary["width"], summary["height"], summary["frames"]) == (WIDTH, HEIGHT, FRAMES)
    assert summary["tracks"] == 1
    assert summary["tracks_by_label"] == {"player": 1}
    rows = [line.split(",") for line in (out / "tracks.txt").read_text().splitlines()]
    assert summary["boxes"] == len(rows)
    assert [int(row[0]) for row in rows] == list(range(1, FRAMES + 1))
    for row in rows:
        box = [float(number) for number in row[2:6]]
        assert box == pytest.approx([left(int(row[0]) - 1), TOP, SIDE, SIDE], abs=1.9), row
    media = (FRAMES - 1) / FPS
    assert summary["media_seconds"] == pytest.approx(media, abs=0.002)
    assert summary["seconds"] > 0
    # Rounded to hundredths, the one to thousandths before.
    assert summary["speed"] == pytest.approx(media / summary["seconds"], rel=0.02, abs=0.011)


@pytest.mark.parametrize(
    ("name", "spoil", "gone"),
    [
        # Damage costs the pictures up to the next key picture, 15, and in the last but two these.
        ("clip.mp4", lambda clip: damage(clip, 10, 47), {*range(10, 15), 47, 48, 49}),
        # What of it is not there, no decoder can miss; it makes up for the pictures behind it.
        ("clip.ts", lambda clip: cut(clip, 20, 23), {20, 21, 22}),
    ],
)
def test_a_damaged_recording_s_frames_keep_their_numbers(
    tmp_path: Path, name: str, spoil: Callable[[Path], Path], gone: set[int]
) -> None:
    clip = spoil(write_square(tmp_path / name, left, frames=FRAMES, key_every=15))
    model = write_square_detector(tmp_path / "square.onnx")
    out = tmp_path / "out"
    (summary,), errors = analyse_files([clip], out, model=str(model), detect_hz=FPS, console=Console(quiet=True))
    assert errors == []
    assert (summary["frames"], summary["frames_lost"]) == (FRAMES - len(gone), len(gone))
    facts = [json.loads(line) for line in (out / "facts.jsonl").read_text().splitlines()]
    whole = [k + 1 for k in range(FRAMES) if k not in gone]
    assert [fact["frame"] for fact in facts if fact["kind"] == "tracks"] == whole
    rows = [line.split(",") for line in (out / "tracks.txt").read_text().splitlines()]
    seen = {int(row[0]): float(row[2]) for row in rows}
    assert set(seen) >= set(whole)
    for number in (5, 16, 40, 47):
        assert seen[number] == pytest.approx(left(number - 1), abs=1.9), number


def test_a_box_is_left_top_width_and_height(tmp_path: Path) -> None:
    track: JsonValue = {
        "id": 3,
        "label": "player",
        "box": [10.0, 20.0, 40.0, 100.0],
        "score": 0.5,
        "detected": True,
    }
    with Results(tmp_path / "out") as made:
        made.send(
            Fact(fact_id(1), "match", "tracks", 0, {"frame": 7, "width": 640, "height": 360, "tracks": [track]})
        )
        made.finish({})
    line = (tmp_path / "out" / "tracks.txt").read_text().strip()
    assert line == "7,3,10.0,20.0,30.0,80.0,0.5,-1,-1,-1"
