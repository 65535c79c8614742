"""From a venue's videos and a teacher to a student for that venue. Needs the `train` extra."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bright_square import write_square, write_square_detector
from tests.model.scenes import draw_folder
from touchline.types import ConfigError

torch = pytest.importorskip("torch")

STUDENT = """
name = "student"
[net]
widths = [8, 8, 16, 16]
depths = [1, 1]
head = 8
[style]
crop = 128
width = 320
[schedule]
steps = 10
batch = 4
checkpoint = 10
warmup = 5
lr = 4e-3
average = 0.9
[[sets]]
path = "set"
held = ["v2"]
"""

RUN = """
import sys
from pathlib import Path
from touchline.model.specialise import specialise
from touchline.model.specialise_recipe import Effort
place = Path(sys.argv[1])
teacher, student, out = str(place / "square.onnx"), str(place / "student"), Path(sys.argv[2])
specialise(teacher, place / "venue", student, out, effort=Effort(budget=4, steps=24, batch=4, crop=128))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student of a few steps, a teacher, and a venue where a bright square walks up and down."""
    from touchline.model.train import train

    folder = tmp_path_factory.mktemp("place")
    draw_folder(folder / "set", 6)
    (folder / "student.toml").write_text(STUDENT)
    train(folder / "student.toml", folder, lambda _: None)
    write_square_detector(folder / "square.onnx")
    (folder / "venue").mkdir()
    write_square(folder / "venue" / "a.mp4", lambda k: abs((7 * k) % 400 - 200), frames=90)
    return folder


@pytest.fixture(scope="module")
def done(place: Path) -> Any:
    from touchline.model.specialise import specialise
    from touchline.model.specialise_recipe import Effort

    effort = Effort(budget=12, steps=160, batch=4, crop=128, lr=4e-3)
    return specialise(
        str(place / "square.onnx"), place / "venue", str(place / "student"), place / "whole", effort=effort
    )


def test_it_finds_more_at_the_venue_than_before_and_says_so(place: Path, done: Any) -> None:
    assert done.learnt_from == 12
    assert done.held == 12
    assert done.accuracy["before"]["people_ap50"] < 0.3
    assert done.accuracy["after"]["people_ap50"] > 0.6
    checks = {check.what: check for check in done.decision.checks}
    assert checks["venue: people_ap50"].passed
    assert checks["same model as its float reference"].passed
    assert json.loads((place / "whole" / "gate.json").read_text())["decision"]["new"] == str(done.artifact)


def test_no_picture_of_the_venue_goes_out_with_it_and_it_is_read_as_the_student_was(
    place: Path, done: Any
) -> None:
    from touchline.runtime import golden, manifest

    old, new = place / "student" / "artifact", done.artifact
    inputs = [[sample.inputs[0].tobytes() for sample in golden.read(each / golden.FILE)] for each in (old, new)]
    assert inputs[0] == inputs[1]
    said = [manifest.read(each).manifest["detect"] for each in (old, new)]
    assert said[0] == said[1]
    assert manifest.read(new).manifest["accuracy"]["people_ap50"] == done.accuracy["after"]["people_ap50"]


def test_a_teacher_without_balls_and_roles_teaches_neither(place: Path, done: Any) -> None:
    """At its start the student is right about both: labels say nothing, and it is to answer what it does."""
    from touchline.model.export import load_checkpoint
    from touchline.model.tasks.choose import read_task

    task = read_task(place / "whole" / "recipe.toml")
    material = task.load()
    net = load_checkpoint(place / "whole" / "start.pt")
    with torch.no_grad():
        for number in range(6):
            planes, *answers = (torch.from_numpy(part[None]) for part in material.lesson(number))
            parts = task.losses(net(planes.float()), tuple(answers))
            assert float(parts["people"]) > 0.01
            for name in ("ball", "ball_box", "roles", "distil_ball", "distil_roles"):
                assert float(parts[name]) == pytest.approx(0, abs=1e-4), name


def test_one_that_was_killed_ends_as_one_that_was_not(place: Path) -> None:
    from touchline.model.specialise import specialise
    from touchline.model.specialise_recipe import Effort

    effort = Effort(budget=4, steps=24, batch=4, crop=128)
    teacher, student = str(place / "square.onnx"), str(place / "student")
    specialise(teacher, place / "venue", student, place / "short", effort=effort)
    child = subprocess.Popen([sys.executable, "-c", RUN, str(place), str(place / "cut")])
    checkpoint = place / "cut" / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    assert torch.load(checkpoint, weights_only=True)["step"] < 24
    specialise(teacher, place / "venue", student, place / "cut", effort=effort)
    short, cut = (
        torch.load(place / name / "checkpoint.pt", weights_only=True)["averaged"] for name in ("short", "cut")
    )
    assert all(torch.equal(short[name], cut[name]) for name in short)


def test_another_job_does_not_go_on_with_it(place: Path, done: Any) -> None:
    from touchline.model.specialise import specialise

    with pytest.raises(ConfigError, match=r"whole: holds another run"):
        specialise(str(place / "square.onnx"), place / "venue", "athlete", place / "whole")
    with pytest.raises(ConfigError, match=r"square\.onnx: is a file"):
        specialise(str(place / "square.onnx"), place / "venue", str(place / "square.onnx"), place / "other")
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        specialise(
            str(place / "square.onnx"), place / "venue", "athlete", place / "other", recipe=place / "absent.toml"
        )
    assert not (place / "other").exists()


@pytest.mark.parametrize(
    ("left", "taken"), [([], True), (["job.new"], True), (["model.onnx"], False), (["job.json"], False)]
)
def test_a_folder_is_taken_where_nobody_else_has_it(left: list[str], taken: bool, tmp_path: Path) -> None:
    """One who was killed before it had said what it was for leaves it free."""
    from touchline.model.specialise import _claim

    for name in left:
        (tmp_path / name).write_text("{}")
    if taken:
        _claim(tmp_path, {"student": "a"})
        _claim(tmp_path, {"student": "a"})
    with pytest.raises(ConfigError, match="holds another run"):
        _claim(tmp_path, {"student": "b"})


def test_a_recipe_s_sets_are_learnt_from_again_and_its_held_pictures_asked_for(place: Path) -> None:
    from touchline.model.specialise import specialise
    from touchline.model.specialise_recipe import Effort
    from touchline.model.tasks.choose import read_task

    found = specialise(
        str(place / "square.onnx"),
        place / "venue",
        str(place / "student"),
        place / "mixed",
        effort=Effort(budget=4, steps=4, batch=4, crop=128, replay=0.25),
        recipe=place / "student.toml",
    )
    sets = read_task(place / "mixed" / "recipe.toml").recipe.sets  # type: ignore[attr-defined]
    assert [(Path(each.path).name, each.share) for each in sets] == [("venue", 0.75), ("set", 0.25)]
    assert [each.held for each in sets] == [(), ("v2",)]
    checks = [check.what for check in found.decision.checks]
    assert {"venue: people_ap50", "recipe: people_ap50", "recipe: ball_ap50"} <= set(checks)
