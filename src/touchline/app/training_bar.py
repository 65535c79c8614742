"""A training run on a terminal: a bar that moves, and what was found at each look above it; else plain lines."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from touchline.model.train import Moved, train

_KEPT = 0.95
"""Of the shown loss and rate, from step to step."""


def train_watched(recipe: Path, runs: Path, console: Console) -> None:
    """Train, showing on ``console`` steps, steps a second, loss, and the best look so far."""
    with watched(console, recipe.stem) as (say, watch):
        train(recipe, runs, say, watch)


@contextlib.contextmanager
def watched(console: Console, name: str) -> Generator[tuple[Callable[[str], None], Callable[[Moved], None]]]:
    """What `train` wants to tell how it goes, line by line and step by step."""
    if not console.is_terminal:
        yield (
            lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True),
            lambda _: None,
        )
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = Bar(progress, name)
        yield bar.say, bar.watch


class Bar:
    """What a run tells → one line of a `Progress`."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._bar = progress.add_task(name, total=None, told="")
        self._loss = 0.0
        self._rate = 0.0
        self._last: float | None = None

    def say(self, line: str) -> None:
        # Losses are in the bar; looks at what is held, and what else there is to say, stand above it.
        if not (line.startswith("step ") and "  done " in line):
            self._progress.console.print(line, markup=False, highlight=False)

    def watch(self, moved: Moved) -> None:
        now = time.monotonic()
        first = self._last is None
        self._loss = moved.loss if first else _KEPT * self._loss + (1 - _KEPT) * moved.loss
        if self._last is not None and now > self._last:
            rate = 1 / (now - self._last)
            self._rate = _KEPT * self._rate + (1 - _KEPT) * rate if self._rate else rate
        self._last = now
        told = f"{self._rate:.3g} steps/s  loss {self._loss:.4g}"
        if moved.best is not None:
            told += f"  best {moved.best:.4g} at {moved.best_step}"
        self._progress.update(self._bar, total=moved.steps, completed=moved.step, told=told)
