"""What a venue's training is: a recipe like any other, written for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from touchline.model.nets.athlete import AthleteNet
from touchline.model.tasks.choose import read_task
from touchline.model.tasks.detector import Detector
from touchline.model.tasks.detector_recipe import DetectorRecipe, SetSpec
from touchline.types.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done. ``budget``: frames to learn from, at most. ``steps``: of ``batch`` crops, ``crop`` px, at
    rate ``lr``, on ``threads``. ``replay``: share of the crops from a recipe's sets, if there is any."""

    budget: int = 120
    steps: int = 400
    batch: int = 16
    crop: int = 416
    lr: float = 5e-4
    threads: int = 1
    replay: float = 0.5


def write_recipe(
    out: Path, venue: Path, start: Path, net: AthleteNet, width: int, effort: Effort, replay: Path | None
) -> None:
    """Write ``out``: the people of the YOLO folder ``venue`` by its labels; balls and roles, of which those say
    nothing, as the checkpoint ``start``, of ``net``'s shape, answers itself (learning without forgetting, Li &
    Hoiem 2016, arXiv 1606.09282); and where ``replay`` names the recipe it was trained by, that one's sets again.
    ``width``: analysis size, px."""
    mine = 1 - effort.replay if replay else 1.0
    text = f"""# Written by touchline model specialise.
name = {json.dumps(out.resolve().parent.name)}
data = "."

[net]
{shape_of(net)}
[style]
crop = {effort.crop}
width = {width}
scales = [0.6, 1.3]
wide_share = 0.1

[schedule]
steps = {effort.steps}
batch = {effort.batch}
lr = {effort.lr}
warmup = {max(1, effort.steps // 20)}
average = 0.99
checkpoint = {max(1, effort.steps // 8)}
patience = 0
threads = {effort.threads}
start = {json.dumps(str(start.resolve()))}

[distil]
teacher = {json.dumps(str(start.resolve()))}
of = ["ball", "roles"]

[[sets]]
path = {json.dumps(venue.name)}
share = {mine}
people = 0.7
balls = 0.0
"""
    sets = _replay(replay, effort.replay) if replay else []
    out.write_text(text + "".join(map(_set, sets)), "utf-8")


def shape_of(net: AthleteNet) -> str:
    """The keys of a recipe's [net]."""
    state = net.state_dict()
    widths = [len(state[f"{part}.0.0.weight"]) for part in ("stem", "down8", "down16", "down32")]
    depths = [len(net.down16) - 1, len(net.down32) - 1]
    return f"widths = {widths}\ndepths = {depths}\nhead = {len(state['mix8.0.weight'])}\n"


def read_detector_recipe(recipe: Path) -> DetectorRecipe:
    """Raises `ConfigError` where it is one of another task."""
    task = read_task(recipe)
    if not isinstance(task, Detector):
        raise ConfigError(f"{recipe}: trains for {task.recipe.task}; give a recipe of a detector")
    return task.recipe


def _replay(recipe: Path, share: float) -> list[SetSpec]:
    """The sets of a recipe, together ``share`` of what is learnt from, their places absolute."""
    plan = read_detector_recipe(recipe)
    whole = sum(each.share for each in plan.sets)
    return [
        replace(each, path=str((plan.data / each.path).resolve()), share=share * each.share / whole)
        for each in plan.sets
    ]


def _set(spec: SetSpec) -> str:
    # Scoring what is held is the gate's business: it must not have guided the training.
    classes = ", ".join(f"{json.dumps(name)} = {json.dumps(kind)}" for name, kind in spec.classes.items())
    return f"""
[[sets]]
path = {json.dumps(spec.path)}
share = {spec.share}
people = {spec.people}
balls = {spec.balls}
classes = {{{classes}}}
held = {json.dumps(list(spec.held))}
scored = false
"""
