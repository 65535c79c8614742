"""Training, export and what a device makes of it. Needs the `train` extra."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.model.scenes import draw_folder
from touchline.types import ConfigError, ModelError

torch = pytest.importorskip("torch")

RECIPE = """
name = "small"
data = "{data}"
[net]
widths = [8, 8, 16, 16]
depths = [1, 1]
head = 8
[style]
crop = 128
width = 320
[schedule]
steps = {steps}
batch = 4
checkpoint = {checkpoint}
warmup = 5
lr = 4e-3
average = 0.9
[[sets]]
path = "set"
held = ["v2"]
"""


def write_recipe(folder: Path, steps: int, checkpoint: int = 5) -> Path:
    if not (folder / "set").exists():
        draw_folder(folder / "set", 9)
    path = folder / "small.toml"
    path.write_text(RECIPE.format(data=folder, steps=steps, checkpoint=checkpoint))
    return path


def weights(run: Path) -> dict[str, torch.Tensor]:
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    return {f"{part}.{name}": value for part in ("net", "averaged") for name, value in state[part].items()}


def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path) -> None:
    from touchline.model.train import train

    recipe = write_recipe(tmp_path, steps=20)
    whole = weights(train(recipe, tmp_path / "whole"))
    code = (
        "import sys; from pathlib import Path; from touchline.model.train import train; "
        "train(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    child = subprocess.Popen(["nice", "-n", "19", sys.executable, "-c", code, str(recipe), str(tmp_path / "cut")])
    checkpoint = tmp_path / "cut" / "small" / "checkpoint.pt"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    step = torch.load(checkpoint, weights_only=True)["step"]
    assert 5 <= step < 20
    with (tmp_path / "cut" / "small" / "log.jsonl").open("a") as log:  # as one killed while it wrote leaves it
        log.write(f'{{"step": {step + 5}, "people_ap50": 9}}\n{{"step": {step + 1}')
    cut = weights(train(recipe, tmp_path / "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    # What was said of the steps that were lost is said once, and the looks at held pictures are the same.
    whole_log, cut_log = (log_of(tmp_path / name / "small") for name in ("whole", "cut"))
    assert [entry["step"] for entry in whole_log] == [5, 10, 15, 20]
    assert all("people_ap50" in entry for entry in whole_log)
    assert cut_log == whole_log


def log_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_a_run_that_no_longer_improves_ends_with_its_best_weights(tmp_path: Path) -> None:
    from touchline.model.train import train

    recipe = write_recipe(tmp_path, steps=400)
    text = recipe.read_text().replace("lr = 4e-3", "lr = 1e-12\npatience = 2")
    recipe.write_text(text)
    said: list[str] = []
    run = train(recipe, tmp_path, said.append)
    assert [entry["step"] for entry in log_of(run)] == [5, 10, 15]
    assert any("no better since step 5" in line for line in said)
    trained = json.loads((run / "artifact" / "manifest.json").read_text())["trained"]
    assert (trained["steps"], trained["stopped_at_step"], trained["best_step"]) == (15, 15, 5)
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    assert all(torch.equal(state["averaged"][name], state["best"][name]) for name in state["best"])
    before = weights(run)
    train(recipe, tmp_path, said.append)  # started again, it is done
    assert all(torch.equal(before[name], value) for name, value in weights(run).items())
    assert len(log_of(run)) == 3


def test_the_detector_learns_as_it_always_did(tmp_path: Path) -> None:
    """What the loop that knew the detector alone logged of this recipe; other processors round otherwise."""
    from touchline.model.tasks.choose import read_task
    from touchline.model.train import Run

    task = read_task(write_recipe(tmp_path, steps=60, checkpoint=60))
    torch.manual_seed(1)
    torch.set_num_threads(1)
    run = Run(task, tmp_path / "checkpoint.pt", {})
    entry = next(run.go(task.load()))
    wanted = {"people": 2.4748, "people_box": 1.0075, "ball": 4.2746, "ball_box": 1.9909, "roles": 0.7102}
    assert {name: entry[name] for name in wanted} == pytest.approx(wanted, rel=0.02)


def test_better_weights_start_the_wait_anew() -> None:
    from touchline.model.tasks.choose import task_of
    from touchline.model.train import Run

    task = task_of(
        "[schedule]\ncheckpoint = 5\npatience = 2\n[net]\nwidths = [8, 8, 8, 8]\n[[sets]]", Path("r.toml")
    )
    run = Run(task, Path("never"), {})
    for step, people, stopped in (
        (5, 0.1, False),
        (10, 0.1, False),
        (15, 0.2, False),
        (20, 0.1, False),
        (25, 0.2, True),
    ):
        run.step = step
        next(iter(run.averaged.parameters())).data.fill_(step)
        run._judge({"people_ap50": people, "ball_ap50": float("nan")})
        assert run.stopped == stopped
    assert run.best_step == 15
    assert float(next(iter(run.averaged.parameters())).detach().mean()) == 15


def test_what_it_learnt_from_is_recorded_and_must_stay(tmp_path: Path) -> None:
    from touchline.model.data.yolo import fingerprint
    from touchline.model.train import train

    run = train(write_recipe(tmp_path, steps=5), tmp_path)
    trained = json.loads((run / "artifact" / "manifest.json").read_text())["trained"]
    assert trained["data_sha256"] == {"set": fingerprint(tmp_path / "set")}
    assert trained["seed"] == 1
    label = next((tmp_path / "set" / "labels").iterdir())
    label.write_text(label.read_text().replace("0 ", "1 "))
    assert fingerprint(tmp_path / "set") not in trained["data_sha256"].values()
    with pytest.raises(ConfigError, match="was made from other data in set"):
        train(write_recipe(tmp_path, steps=5), tmp_path)


def test_how_it_went_is_drawn(trained: Path) -> None:
    for name in ("loss.png", "pr.png"):
        picture = cv2.imread(str(trained / name))
        assert picture is not None
        assert min(picture.shape[:2]) > 300
        curves = (picture.max(2).astype(int) - picture.min(2)) > 60  # coloured, as axes and words are not
        assert curves.sum() > 500


def test_a_run_of_another_recipe_is_not_continued(tmp_path: Path) -> None:
    from touchline.model.train import train

    train(write_recipe(tmp_path, steps=5), tmp_path)
    with pytest.raises(ConfigError, match="another recipe"):
        train(write_recipe(tmp_path, steps=6), tmp_path)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "sets"),
        ("x = 1\n[[sets]]", "'x'"),
        ("[schedule]\nstep = 3\n[[sets]]", "'step'"),
        ("[schedule]\nsteps = 'x'\n[[sets]]", "'steps'"),
        ("[", "cannot be read"),
        ("seed = 'x'\n[[sets]]", "'seed'"),
        ("task = 'smell'\n[[sets]]", "choose detector, sound or motion"),
        ("task = 'sound'\n[[sets]]", "'classes'"),
        ("task = 'sound'\nclasses = ['a', 'b']\n[features]\nrate = 'x'\n[[sets]]", "'rate'"),
        ("task = 'sound'\nclasses = ['a', 'b']\n[features]\nhop = 900\n[[sets]]", "hop 900"),
        ("task = 'motion'\nclasses = ['a', 'b']\n[net]\nwidths = [8]\n[[sets]]", "stride for each"),
    ],
)
def test_a_bad_recipe_is_refused(tmp_path: Path, text: str, names: str) -> None:
    from touchline.model.tasks.choose import read_task

    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ConfigError, match=names) as caught:
        read_task(tmp_path / "r.toml")
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small net that has learnt the drawn figures."""
    from touchline.model.train import train

    folder = tmp_path_factory.mktemp("trained")
    return train(write_recipe(folder, steps=220, checkpoint=220), folder)


def test_what_is_trained_is_found_by_the_device(trained: Path, tmp_path: Path) -> None:
    """The whole road: trained, exported in float and int8, written as artifacts, run by ONNX Runtime alone;
    each finds the figures on pictures held back, as torch does."""
    from touchline.model.data.pictures import read_folder
    from touchline.model.evaluate_detector import evaluate
    from touchline.model.export import export_onnx, load_checkpoint, write_artifact
    from touchline.model.tasks.detector_metric import probe

    net = load_checkpoint(trained / "checkpoint.pt")
    pictures = list(read_folder(trained.parent / "set"))
    held = draw_folder(tmp_path / "held", 8, seed=9)
    by_torch = probe(net, list(read_folder(held)), 320)
    assert by_torch["people_ap50"] > 0.5
    for name, calibration in (("float", []), ("int8", pictures)):
        folder = tmp_path / name
        folder.mkdir()
        export_onnx(net, folder / "model.onnx", calibration, width=320)
        proof = [picture.frame for picture in pictures[:2]]
        write_artifact(folder, net, proof, {"name": "small"}, width=320, score=0.3, ball_score=0.3)
        found = evaluate(folder, held)
        assert found["people_ap50"] == pytest.approx(
            by_torch["people_ap50"], abs=0.001 if name == "float" else 0.15
        )
        assert set(found) == {"people_ap50", "ball_ap50", "roles_map50", "ms_per_frame"}
    shipped = evaluate(trained / "artifact", held)
    assert shipped["people_ap50"] == pytest.approx(by_torch["people_ap50"], abs=0.15)
    facts = json.loads((trained / "artifact" / "manifest.json").read_text())
    assert facts["accuracy"]["pictures"] == 3
    assert facts["trained"]["sets"] == {"set": 6}
    sizes = [(tmp_path / name / "model.onnx").stat().st_size for name in ("float", "int8")]
    assert sizes[1] < sizes[0]


def test_an_exported_net_gives_what_torch_gives(trained: Path, tmp_path: Path) -> None:
    from touchline.model.export import export_onnx, load_checkpoint
    from touchline.runtime.load import load

    net = load_checkpoint(trained / "checkpoint.pt")
    export_onnx(net, tmp_path / "m.onnx")
    planes = np.random.default_rng(1).integers(0, 256, (1, 6, 48, 80), np.uint8)
    with torch.inference_mode():
        wanted = net(torch.from_numpy(planes).float())
        given = torch.from_numpy(load(tmp_path / "m.onnx").run(planes)[0])
    # The file leaves each place's cells in its channels; whoever reads it puts them where they belong.
    assert torch.nn.functional.pixel_shuffle(given, 2).numpy() == pytest.approx(wanted.numpy(), abs=2e-4)


def test_every_bias_of_an_int8_net_adds_to_its_sums_as_an_integer(trained: Path) -> None:
    """Else a runtime leaves that convolution in float: a bias has the scale of the input times the weights'."""
    import onnx

    graph = onnx.load(trained / "artifact" / "model.onnx").graph
    values = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    checked = 0
    for node in graph.node:
        if node.op_type == "Conv" and node.input[1] in makers:
            taken, weight, bias = (values[makers[name].input[1]] for name in node.input)
            assert bias == pytest.approx(taken * weight, rel=1e-5)
            checked += 1
    assert checked == sum(node.op_type == "Conv" for node in graph.node) - 1  # all but the last


def test_no_checkpoint_is_said(tmp_path: Path) -> None:
    from touchline.model.export import load_checkpoint

    with pytest.raises(ModelError, match="train first"):
        load_checkpoint(tmp_path / "checkpoint.pt")
