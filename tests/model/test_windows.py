"""Recordings in a folder for each class → a small int8 net and its C. Needs the `train` extra."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from tests.model.sounds import CLASSES, write_motions, write_sounds
from touchline.types import ConfigError, InputError

torch = pytest.importorskip("torch")

RECIPE = """
name = "ears"
task = "{task}"
classes = {classes}
data = "{data}"
[net]
stem = 8
widths = [8, 16]
strides = [[2, 2], [2, 1]]
[schedule]
steps = {steps}
batch = 16
checkpoint = 20
warmup = 5
lr = 8e-3
average = 0.9
threads = 1
bfloat16 = false
[[sets]]
path = "set"
"""


def write_recipe(folder: Path, steps: int = 60, task: str = "sound", classes: tuple[str, ...] = CLASSES) -> Path:
    path = folder / "ears.toml"
    path.write_text(RECIPE.format(task=task, classes=list(classes), data=folder, steps=steps))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from touchline.model.train import train

    folder = tmp_path_factory.mktemp("ears")
    write_sounds(folder / "set")
    return train(write_recipe(folder), folder)


def test_what_is_trained_tells_classes_apart_in_int8(trained: Path) -> None:
    said = json.loads((trained / "artifact" / "manifest.json").read_text())
    assert said["task"] == "sound"
    assert said["labels"] == list(CLASSES)
    assert said["accuracy"]["macro_f1"] == 1.0
    assert np.array(said["accuracy"]["confusion"]).sum() == said["accuracy"]["windows"] > 0
    assert said["trained"]["sets"] == {"set": 20}  # of six groups of four recordings one is held
    for picture in ("loss.png", "confusion.png"):
        assert (trained / picture).stat().st_size > 5000


def test_the_net_takes_what_the_features_give_as_it_is(trained: Path) -> None:
    """The C that is made has the features' very scale and zero point at its input: bytes go in unchanged."""
    from touchline.model.data.fronts import SCALE, front_of
    from touchline.runtime.load import load
    from touchline.tiny import reference
    from touchline.tiny.import_tflite import read_tflite

    said = json.loads((trained / "artifact" / "manifest.json").read_text())
    front = front_of(said["features"], "manifest.json")
    (port,) = json.loads((trained / "mcu" / "manifest.json").read_text())["inputs"]
    assert port["scale"] == SCALE
    assert port["zero_point"] == front.zero_point == 32
    file = trained / "artifact" / "model.tflite"
    program, graph = load(file), read_tflite(file)
    rng = np.random.default_rng(3)
    for _ in range(4):
        bytes_ = rng.integers(-128, 128, (1, 1, front.length, front.values)).astype(np.int8)
        floats = (bytes_.astype(np.float32) - np.float32(front.zero_point)) * np.float32(SCALE)
        (ours,) = reference.run(graph, bytes_)
        (theirs,) = program.run(floats)
        scale = graph.tensors[graph.outputs[0]].quant
        assert scale is not None
        np.testing.assert_array_equal(np.float32(scale.scale) * (ours - np.float32(scale.zero_point)), theirs)


def go(recipe: Path, folder: Path, until: int = 1_000_000) -> tuple[Any, list[int]]:
    """Train until a step at the latest, as a kill would end it; the run and the steps it took."""
    from touchline.model.tasks.choose import read_task
    from touchline.model.train import Run

    task = read_task(recipe)
    torch.manual_seed(task.recipe.seed)
    run = Run(task, folder / "checkpoint.pt", task.fingerprints())
    steps: list[int] = []

    class Killed(Exception):
        pass

    def watch(moved: Any) -> None:
        steps.append(moved.step)
        if moved.step == until:
            raise Killed

    with contextlib.suppress(Killed):
        for _ in run.go(task.load(), watch):
            pass
    return run, steps


def test_a_run_goes_on_where_it_was(trained: Path, tmp_path: Path) -> None:
    write_sounds(tmp_path / "set")
    recipe = write_recipe(tmp_path)
    _, steps = go(recipe, tmp_path, until=47)
    assert steps[-1] == 47
    run, steps = go(recipe, tmp_path)
    assert (steps[0], steps[-1]) == (41, 60)
    whole = torch.load(trained / "checkpoint.pt", weights_only=True)["averaged"]
    again = run.averaged.state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_motion_goes_the_same_road(tmp_path: Path) -> None:
    write_motions(tmp_path / "set")
    run, _ = go(write_recipe(tmp_path, 40, "motion", ("slow", "fast")), tmp_path)
    assert run.step == 40
    entry = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert entry["best_score"] == 1.0


def test_a_checkpoint_is_compiled_by_name(trained: Path) -> None:
    from touchline.model.origin import find

    origin = find(str(trained / "checkpoint.pt"))
    assert origin.name == "ears"
    assert origin.module(*origin.example).sum().item() == pytest.approx(1)


def test_it_is_measured_and_compiled_by_its_folder(trained: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from touchline.app.cli import app

    artifact = str(trained / "artifact")
    told = CliRunner().invoke(
        app, ["model", "evaluate", artifact, "--data", str(trained.parent / "set"), "--json"]
    )
    found = json.loads(told.stdout)
    assert found["macro_f1"] == 1.0
    assert set(found) == {"macro_f1", "f1 tone", "f1 hiss", "windows"}
    out = tmp_path / "c"
    told = CliRunner().invoke(app, ["model", "compile", artifact, "--target", "mcu", "--out", str(out), "--json"])
    assert told.exit_code == 0, told.output
    assert (out / "model.c").read_bytes() == (trained / "mcu" / "model.c").read_bytes()
    assert "ears_run" in (out / "model.h").read_text()


def test_a_group_is_never_learnt_from_and_scored(tmp_path: Path) -> None:
    from touchline.model.data.recordings import entries
    from touchline.model.tasks.windows_loader import held_groups
    from touchline.model.tasks.windows_recipe import SetSpec

    folder = write_sounds(tmp_path / "set")
    files = entries(folder, {name: name for name in CLASSES}, ".wav")
    for seed in range(20):
        apart = held_groups(files, SetSpec(held_share=0.3), seed)
        assert len(apart) == 2
        for label in CLASSES:
            left = {entry.group for entry in files if entry.label == label} - apart
            assert len(left) == 4
    assert held_groups(files, SetSpec(held=("g1",)), 1) == {"g1"}
    with pytest.raises(InputError, match="no group is called g9"):
        held_groups(files, SetSpec(held=("g9",)), 1)


def test_every_class_is_drawn_as_often(tmp_path: Path) -> None:
    from touchline.model.tasks.windows_loader import Recording, Source, Teacher
    from touchline.model.tasks.windows_recipe import Style

    def recording(label: int) -> Recording:
        return Recording("", np.full((60, 40), 10 * label, np.int8), label)

    source = Source([[recording(0)], [recording(1)] * 50], 1.0)
    teacher = Teacher([source], 49, 32, Style(), 1)
    labels = [int(teacher.lesson(number)[1]) for number in range(400)]
    assert 150 < sum(labels) < 250
    given, label = teacher.lesson(7)
    assert given.shape == (1, 49, 40)
    np.testing.assert_array_equal(given, np.float32(10 * int(label) - 32) / np.float32(128))


@settings(max_examples=20, deadline=None)
@given(rate=st.sampled_from([8000, 11025, 22050, 44100, 48000]), kind=st.sampled_from(["u1", "i2", "i4", "f4"]))
def test_sound_of_any_rate_and_width_is_heard_alike(
    rate: int, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from touchline.model.data.recordings import read_wav

    real = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    stored = {
        "u1": np.round(real * 127 + 128).astype(np.uint8),
        "i2": np.round(real * 32767).astype(np.int16),
        "i4": np.round(real * (2**31 - 1)).astype(np.int32),
        "f4": real.astype(np.float32),
    }[kind]
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    wavfile.write(path, rate, np.stack([stored, stored], 1))
    heard = read_wav(path, 16_000)
    assert heard.dtype == np.int16
    assert len(heard) == pytest.approx(16_000, abs=2)
    wanted = 0.5 * 32768 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    inner = slice(500, 15_500)
    assert np.abs(heard[inner] - wanted[inner]).max() < 400


def test_motion_is_read_as_the_registers_have_it(tmp_path: Path) -> None:
    from touchline.model.data.fronts import MotionFront, MotionSpec

    front = MotionFront(MotionSpec())
    path = write_motions(tmp_path) / "slow" / "p0" / "0.csv"
    rows = front.read(path)
    assert rows.shape == (150, 6)  # 3 s at 50 Hz
    from touchline.model.data.fronts import windows
    from touchline.model.data.recordings import read_motion

    samples = read_motion(path, 50, 1 / 4096, 1 / 16.4)
    np.testing.assert_array_equal(windows(rows, front.length, front.hop), front.imu.compute(samples))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "no column t, ax"),
        ("t,ax,ay,az,gx,gy,gz\n0,1,1,1,1,1,x\n", r"csv:2: must be a number"),
        ("t,ax,ay,az,gx,gy,gz\n0,1,1,1,1,1,nan\n", r"csv:2: must be a number"),
        ("t,ax,ay,az,gx,gy,gz\n0,1,1,1,1,1,1\n", "two rows"),
        ("t,ax,ay,az,gx,gy,gz\n1,1,1,1,1,1,1\n0,1,1,1,1,1,1\n", "times that rise"),
        ("t,ax,ay,az,gx,gy,gz\n0,1,1,1,1,1,1\n0.1,1,1,1,1,1,1\n", "a window is 100"),
        ("\xff", "cannot be read"),
    ],
)
def test_a_bad_motion_recording_is_one_clear_line(text: str, words: str, tmp_path: Path) -> None:
    from touchline.model.data.fronts import MotionFront, MotionSpec

    path = tmp_path / "a.csv"
    path.write_text(text, "latin-1")
    with pytest.raises(InputError, match=words) as caught:
        MotionFront(MotionSpec()).read(path)
    assert "\n" not in str(caught.value)


def test_a_bad_folder_is_one_clear_line(tmp_path: Path) -> None:
    from touchline.model.data.recordings import entries, read_wav

    with pytest.raises(InputError, match=r"holds no \.wav"):
        entries(tmp_path, {"tone": "tone"}, ".wav")
    (tmp_path / "purr").mkdir()
    (tmp_path / "purr" / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match="none of the classes tone"):
        entries(tmp_path, {"tone": "tone"}, ".wav")
    with pytest.raises(InputError, match=r"cannot be read as \.wav"):
        read_wav(tmp_path / "purr" / "a.wav", 16_000)
    (tmp_path / "b.wav").write_bytes(b"")
    with pytest.raises(InputError, match="lies too deep or in no class"):
        entries(tmp_path, {"purr": "purr"}, ".wav")


def test_another_recording_is_other_data(trained: Path, tmp_path: Path) -> None:
    from touchline.model.train import train

    sound = next((trained.parent / "set").rglob("*.wav"))
    before = sound.read_bytes()
    sound.write_bytes(before[:-2] + b"\x11\x22")
    try:
        with pytest.raises(ConfigError, match="made from other data in set"):
            train(trained.parent / "ears.toml", trained.parent)
    finally:
        sound.write_bytes(before)


def test_macro_f1() -> None:
    from touchline.model.tasks.windows_metric import f1, macro_f1

    found = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    assert f1(found)[:2] == pytest.approx([16 / 19, 18 / 21])
    assert np.isnan(f1(found)[2])
    assert macro_f1(found) == pytest.approx((16 / 19 + 18 / 21) / 2)
    assert np.isnan(macro_f1(np.zeros((2, 2), np.int64)))
