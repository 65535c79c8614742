"""How a training went, as pictures: losses over its steps, precision over recall at its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from touchline.model.metrics import Floats, precision_recall

_PLACES = ("step", "minutes", "done")


def draw_losses(log: Path, file: Path) -> None:
    """The losses and checks of a log.jsonl, over its steps, as a PNG."""
    entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    figure = Figure((8, 7), layout="constrained")
    losses, checks = figure.subplots(2, 1, sharex=True)
    for axes, title, wanted in ((losses, "loss", False), (checks, "on what is held", True)):
        # What is logged of the loss says how much of the run is done, a look at what is held does not.
        mine = [entry for entry in entries if ("done" not in entry) == wanted]
        names = {key: None for entry in mine for key in entry if key not in _PLACES}
        for name in names:
            points = [(entry["step"], entry[name]) for entry in mine if name in entry]
            axes.plot(*zip(*points, strict=True), label=name, marker="." if wanted else None)
        _dress(axes, title)
    losses.set_yscale("log")
    checks.set(xlabel="step", ylim=(0, 1.02))
    FigureCanvasAgg(figure).print_png(file)


def draw_precision_recall(
    kinds: Mapping[str, tuple[Sequence[tuple[Floats, Floats]], Sequence[Floats]]], file: Path
) -> None:
    """Precision over recall at IoU 0.5 as a PNG. ``kinds``: by name what `precision_recall` takes."""
    figure = Figure((6, 6), layout="constrained")
    axes = figure.subplots()
    for name, (found, truth) in kinds.items():
        recall, precision = precision_recall(found, truth)
        if len(recall):
            axes.plot(np.concatenate([[0], recall]), np.concatenate([precision[:1], precision]), label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall")
    _dress(axes, "precision")
    FigureCanvasAgg(figure).print_png(file)


def _dress(axes: Axes, title: str) -> None:
    axes.set_ylabel(title)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize="small")


def draw_confusion(found: NDArray[np.int64], classes: Sequence[str], file: Path) -> None:
    """A confusion matrix, true classes by row, as a PNG: each row's shares, with the numbers."""
    figure = Figure((6.5, 6), layout="constrained")
    axes = figure.subplots()
    shares = found / np.maximum(found.sum(1, keepdims=True), 1)
    axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    for row, column in np.ndindex(*found.shape):
        dark = shares[row, column] > 0.5
        axes.text(column, row, f"{found[row, column]:,}", ha="center", va="center", color="w" if dark else "k")
    axes.set(xlabel="told", ylabel="is")
    axes.set_xticks(range(len(classes)), classes, rotation=30)
    axes.set_yticks(range(len(classes)), classes)
    FigureCanvasAgg(figure).print_png(file)
