"""What a training run shows, on a terminal and elsewhere. Needs the `train` extra."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

pytest.importorskip("torch")

from touchline.app import training_bar
from touchline.model.train import Moved


def test_the_bar_tells_steps_loss_and_the_best_look() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    progress = Progress(TextColumn("{task.description}"), TextColumn("{task.fields[told]}"), console=console)
    bar = training_bar.Bar(progress, "ears")
    bar.watch(Moved(1, 10, 2.0, None, 0))
    (shown,) = progress.tasks
    assert (shown.completed, shown.total) == (1, 10)
    assert "loss 2" in shown.fields["told"]
    assert "best" not in shown.fields["told"]
    for step in range(2, 60):
        bar.watch(Moved(step, 100, 1.0, 0.75, 20))
    assert "best 0.75 at 20" in shown.fields["told"]
    assert "loss 1.0" in shown.fields["told"]
    assert float(shown.fields["told"].split(" steps/s")[0]) > 0


def test_above_the_bar_stands_all_but_losses() -> None:
    file = io.StringIO()
    console = Console(file=file, width=200)
    bar = training_bar.Bar(Progress(console=console), "ears")
    for line in (
        "step 50  done 0.5  entropy 1.25",
        "step 50  macro_f1 0.8",
        "the artifact is in well done runs/ears",
    ):
        bar.say(line)
    assert file.getvalue() == "step 50  macro_f1 0.8\nthe artifact is in well done runs/ears\n"


def test_without_a_terminal_it_is_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(recipe: Path, runs: Path, say: Any, watch: Any) -> None:
        say("step 50  done 0.5  entropy 1.25")
        say("step 50  macro_f1 0.8")

    monkeypatch.setattr(training_bar, "train", train)
    file = io.StringIO()
    training_bar.train_watched(Path("r.toml"), Path("runs"), Console(file=file))
    assert file.getvalue() == "step 50  done 0.5  entropy 1.25\nstep 50  macro_f1 0.8\n"
