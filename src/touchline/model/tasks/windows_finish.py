"""The end of the model road for windows: an int8 artifact with its measured accuracy, and the same as C."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from touchline.model.build import compile
from touchline.model.curves import draw_confusion
from touchline.model.data.fronts import Front, real, windows
from touchline.model.tasks.windows_loader import Recording, Source
from touchline.model.tasks.windows_metric import Confusion, confusion, f1, macro_f1
from touchline.model.tasks.windows_recipe import WindowRecipe
from touchline.runtime import golden, manifest
from touchline.runtime.load import load
from touchline.tiny.artifact import compile_artifact

Inputs = NDArray[np.float32]
_CALIBRATION = 256


def finish(
    folder: Path,
    plan: WindowRecipe,
    net: nn.Module,
    sources: Sequence[Source],
    held: Sequence[Recording],
    told: dict[str, Any],
) -> Path:
    """``folder``/artifact: ``net``, which ends in softmax, in int8 for target edge, calibrated on windows of
    ``sources``, scored on ``held`` (``folder``/confusion.png shows how); and ``folder``/mcu, the same as C.

    ``told``: what else its manifest says of the training.
    """
    facts: dict[str, Any] = {
        "task": plan.task,
        "labels": list(plan.classes),
        "features": plan.front.described(),
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "trained": {
            "recipe_sha256": hashlib.sha256(plan.text.encode()).hexdigest(),
            **told,
            "sets": {
                spec.path: sum(len(same) for same in source.recordings)
                for spec, source in zip(plan.sets, sources, strict=True)
            },
        },
    }
    shutil.rmtree(folder / "artifact", ignore_errors=True)
    made = write_edge(folder / "artifact", plan.name, net, calibration(plan.front, sources), facts)
    if held:
        found = answers(folder / "artifact", held, plan.front, len(plan.classes))
        manifest.write(
            folder / "artifact",
            {**made.manifest, "accuracy": accuracy(found, plan.classes)},
            [made.file.name, golden.FILE],
        )
        draw_confusion(found, plan.classes, folder / "confusion.png")
    shutil.rmtree(folder / "mcu", ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        # The C is called as the file is.
        named = shutil.copy(made.file, Path(work) / f"{plan.name}.tflite")
        compile_artifact(Path(named), folder / "mcu")
    return folder / "artifact"


def write_edge(
    folder: Path, name: str, net: nn.Module, inputs: Sequence[Inputs], facts: dict[str, Any]
) -> manifest.Artifact:
    """``net`` in int8 as a new artifact, calibrated on ``inputs`` and proved on the first of them."""
    example = torch.zeros(inputs[0].shape)
    return compile(net, example, "edge", out=folder, quantise="int8", calibration=inputs, name=name, facts=facts)


def calibration(front: Front, sources: Sequence[Source]) -> list[Inputs]:
    """Windows of every class, as inputs (1, 1, rows, values).

    One holds both ends of int8, so that the input's scale and zero point become those of the features: what they
    give goes into the net as it is.
    """
    classes = [same for source in sources for same in source.recordings]
    each = max(1, _CALIBRATION // len(classes))
    taken: list[Inputs] = []
    for same in classes:
        for recording in same[:: max(1, len(same) // each)][:each]:
            seen = windows(recording.rows, front.length, front.hop)
            taken.append(real(seen[len(seen) // 2], front.zero_point)[None, None])
    order = np.random.default_rng(0).permutation(len(taken))
    taken = [taken[index] for index in order]
    taken[-1] = taken[-1].copy()
    taken[-1][0, 0, 0, :2] = real(np.array([-128, 127], np.int8), front.zero_point)
    return taken


def answers(model: Path, recordings: Sequence[Recording], front: Front, classes: int) -> Confusion:
    """`confusion` of an artifact on this device."""
    program = load(manifest.read(model).file)
    return confusion(lambda seen: program.run(seen)[0], recordings, front, classes, at_once=1)


def accuracy(found: Confusion, classes: Sequence[str]) -> dict[str, Any]:
    """What a manifest says of it."""
    return {
        "windows": int(found.sum()),
        "macro_f1": round(macro_f1(found), 4),
        "f1": {
            name: None if np.isnan(value) else round(float(value), 4)
            for name, value in zip(classes, f1(found), strict=True)
        },
        "confusion": found.tolist(),
    }
