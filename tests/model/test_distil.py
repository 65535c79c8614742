"""A teacher beside the labels, and fewer channels. Needs the `train` extra."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bright_square import SIDE, write_square_detector
from tests.model.scenes import draw_folder
from touchline.types import ConfigError, Detections

torch = pytest.importorskip("torch")

RECIPE = """
name = "{name}"
[net]
widths = [8, 12, 16, 20]
depths = [1, 2]
head = 8
[style]
crop = 128
width = 320
[schedule]
steps = 5
batch = 4
checkpoint = 5
warmup = 1
bfloat16 = false
{more}
[[sets]]
path = "set"
people = 0.0
balls = 0.0
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures in set/ and a run of a few steps in full/."""
    from touchline.model.train import train

    folder = tmp_path_factory.mktemp("begun")
    draw_folder(folder / "set", 6)
    (folder / "full.toml").write_text(RECIPE.format(name="full", more="").replace("0.0", "1.0"))
    train(folder / "full.toml", folder, lambda _: None)
    return folder


def task_of(folder: Path, more: str) -> Any:
    from touchline.model.tasks.choose import task_of

    return task_of(RECIPE.format(name="r", more=more), folder / "r.toml")


def batch(task: Any, count: int = 3) -> list[Any]:
    lessons = [task.load().lesson(number) for number in range(count)]
    return [torch.from_numpy(np.stack(part)) for part in zip(*lessons, strict=True)]


def test_who_answers_like_the_teacher_is_left_alone_and_who_does_not_is_drawn_to_it(begun: Path) -> None:
    from touchline.model.export import load_checkpoint

    task = task_of(begun, f'[distil]\nteacher = "{begun}/full/checkpoint.pt"')
    planes, *answers = batch(task)
    net = load_checkpoint(begun / "full" / "checkpoint.pt")
    with torch.no_grad():
        maps = net(planes.float())
    alike = task.losses(maps, tuple(answers))
    # The labels say nothing here: people and balls have weight 0.
    assert all(float(part) == pytest.approx(0, abs=1e-5) for part in alike.values())
    other = maps.clone().requires_grad_()
    shifted = task.losses(other + torch.linspace(-1, 1, 13)[None, :, None, None], tuple(answers))
    torch.stack(list(shifted.values())).sum().backward()
    assert float(shifted["distil_people"]) > 0
    assert float(shifted["distil_ball"]) > 0
    assert float(other.grad.abs().amax((0, 2, 3))[:2].min()) > 0


def test_of_what_is_not_asked_nothing_is_learnt(begun: Path) -> None:
    for of, silent in ((["ball", "roles"], [0, 5, 6, 7, 8]), (["people"], [1, 2, 3, 4, 9, 10, 11, 12])):
        task = task_of(begun, f'[distil]\nteacher = "{begun}/full/checkpoint.pt"\nof = {json.dumps(of)}')
        _, *answers = batch(task)
        maps = torch.randn(3, 13, 32, 32, requires_grad=True)
        torch.stack(list(task.losses(maps, tuple(answers)).values())).sum().backward()
        pulled = maps.grad.abs().amax((0, 2, 3))
        assert float(pulled[silent].max()) == 0
        assert float(pulled[0 if "people" in of else 1]) > 0


def test_an_artifact_says_what_its_checkpoint_says(begun: Path) -> None:
    told = []
    for teacher in ("checkpoint.pt", "artifact"):
        task = task_of(begun, f'[distil]\nteacher = "{begun}/full/{teacher}"')
        told.append(batch(task)[6:])
    for mine, theirs in zip(*told, strict=True):
        assert mine.shape == theirs.shape
        assert float(torch.linalg.norm(mine - theirs) / torch.linalg.norm(mine)) < 0.1  # the artifact is int8


def test_a_detector_with_another_head_teaches_by_its_boxes(begun: Path) -> None:
    from touchline.model.tasks.detector_distil import find_tutor, soft_answers
    from touchline.model.tasks.detector_recipe import Distil

    square = write_square_detector(begun / "square.onnx")
    planes = np.full((6, 96, 96), 128, np.uint8)
    planes[:4] = 60
    planes[:4, 24 : 24 + SIDE // 2, 40 : 40 + SIDE // 2] = 230
    heat, chances, sides = find_tutor(Distil(str(square), of=("people", "ball")))(planes)
    row, column = (24 + SIDE // 4) // 2, (40 + SIDE // 4) // 2
    assert float(heat[0].max()) == pytest.approx(float(heat[0, row, column]), abs=0.05)
    assert 0.6 < float(heat[0].max()) < 0.8  # not sure, so not 1
    assert sides[0, :, row, column].sum() == pytest.approx(2 * SIDE, abs=8)
    assert (heat[1] < 0).all()  # it knows no balls, so it does not say that there is none
    assert not chances.any()
    with pytest.raises(ConfigError, match=r"square\.onnx: says nothing of ball"):
        find_tutor(Distil(str(square), of=("ball",)))
    nobody = soft_answers(Detections.empty(("player",)), 96)
    assert not nobody[0].any()


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ("[distil]\nof = ['hands']", "hands"),
        ("[distil]\nweight = -1.0", "weight"),
        ("[prune]\nshare = 0.5", r"\[schedule\] 'start'"),
        ("[prune]\nshare = 1.0", "below 1"),
        ("[prune]\nparts = 1", "'parts'"),
    ],
)
def test_what_cannot_be_is_refused(more: str, names: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=names):
        task_of(tmp_path, more)


@pytest.mark.parametrize(("share", "multiple"), [(0.25, 4), (0.5, 2), (0.5, 1)])
def test_the_share_of_channels_leaves_and_the_rest_stands(begun: Path, share: float, multiple: int) -> None:
    pytest.importorskip("torch_pruning")
    from touchline.model.nets.athlete import AthleteNet
    from touchline.model.tasks.detector_prune import pruned
    from touchline.model.tasks.detector_recipe import NetSpec, Prune

    spec, prune = NetSpec((8, 12, 16, 20), (1, 2), 8), Prune(share, multiple)
    state = torch.load(begun / "full" / "checkpoint.pt", weights_only=True)["averaged"]
    # A channel that matters most of all in its layer stays, whatever its number.
    state["stem.0.0.weight"][5] *= 100
    left = prune.left(spec)
    for before, after in zip((*spec.widths, spec.head), (*left.widths, left.head), strict=True):
        assert before * (1 - share) <= after < before * (1 - share) + multiple
    net = AthleteNet(left.widths, left.depths, left.head)
    net.load_state_dict(pruned(state, spec, prune))
    assert net.eval()(torch.zeros(1, 6, 64, 96)).shape == (1, 13, 32, 48)
    kept = net.stem[0][0].weight
    whole = AthleteNet(spec.widths, spec.depths, spec.head)
    sizes = [sum(each.numel() for each in one.parameters()) for one in (net, whole)]
    assert sizes[0] < sizes[1] * (1 - share)
    assert any(torch.equal(filters, state["stem.0.0.weight"][5]) for filters in kept)


def test_pruned_and_distilled_it_trains_on_and_is_proved_on_the_device(begun: Path) -> None:
    """The whole road by recipe keys: fewer channels, a teacher, a few steps, an int8 artifact that verifies."""
    pytest.importorskip("torch_pruning")
    from touchline.model.export import load_checkpoint
    from touchline.model.train import train
    from touchline.runtime import manifest
    from touchline.runtime.verify import verify

    start = f"{begun}/full/checkpoint.pt"
    more = f'start = "{start}"\n[prune]\nshare = 0.25\nmultiple = 2\n[distil]\nteacher = "{start}"'
    (begun / "thin.toml").write_text(RECIPE.format(name="thin", more=more))
    run = train(begun / "thin.toml", begun, lambda _: None)
    assert verify(run / "artifact").passed
    full, thin = (manifest.read(begun / name / "artifact") for name in ("full", "thin"))
    assert thin.manifest["parameters"] < 0.75 * full.manifest["parameters"]
    assert thin.file.stat().st_size < full.file.stat().st_size
    net = load_checkpoint(run / "checkpoint.pt")
    assert net.stem[0][0].out_channels == 6
    train(begun / "thin.toml", begun, lambda _: None)  # started again, it knows its own checkpoint
