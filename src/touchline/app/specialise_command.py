"""``touchline model specialise``: a small detector for one venue, taught by a big one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from touchline.app.decision import require, show

_out = Console()


def specialise(
    teacher: Annotated[
        str,
        typer.Option(help="A detector to learn from: a name, an artifact's folder, an .onnx with its TOML file."),
    ],
    video: Annotated[Path, typer.Option(help="Folder of the venue's videos, or one of them.")],
    student: Annotated[
        str, typer.Option(help="The detector in place: a name, an artifact's folder, or a training run's.")
    ] = "athlete",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run, by default runs/STUDENT-VENUE; a run found there is resumed."),
    ] = None,
    budget: Annotated[int, typer.Option(min=4, max=5000, help="Frames to learn from, at most.")] = 120,
    recipe: Annotated[
        Path | None, typer.Option(help="What the student was trained by: its sets are learnt from again.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training, 16 crops each.")] = 400,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads of training.")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train a detector for a venue from its videos, labelled by a bigger one, and gate it.

    Exit status 1, with the reason, where the new one may not take the old one's place.
    """
    from touchline.app.training_bar import watched
    from touchline.model.specialise import specialise as run
    from touchline.model.specialise_recipe import Effort

    effort = Effort(budget=budget, steps=steps, threads=threads)
    with watched(Console(stderr=True), "specialise") as (say, watch):
        done = run(teacher, video, student, out, effort=effort, recipe=recipe, say=say, watch=watch)
    if json_:
        typer.echo(json.dumps(done.as_dict()))
    else:
        show(done.decision, _out)
        for metric, before in done.accuracy["before"].items():
            after = done.accuracy["after"].get(metric, float("nan"))
            _out.print(f"{metric} on {done.held} held frames: {before:.3f} → {after:.3f}", highlight=False)
    require(done.decision, done.artifact, student)
    if not json_:
        _out.print(f"{done.artifact}: may replace {student}", markup=False, highlight=False)
