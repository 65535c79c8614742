"""The end of the model road: what was trained becomes an artifact with its measured accuracy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from touchline.model.curves import draw_precision_recall
from touchline.model.data.pictures import Picture
from touchline.model.evaluate_detector import look, people_and_balls, rate
from touchline.model.export import export_onnx, load_checkpoint, write_artifact
from touchline.model.tasks.detector_loader import Source
from touchline.model.tasks.detector_recipe import DetectorRecipe

_CALIBRATION = 64
_PROOF = 4
"""Pictures whose planes and float answers go with the artifact: at 960×544 some 2.5 MB each."""


def finish(
    folder: Path, plan: DetectorRecipe, sources: Sequence[Source], held: Sequence[Picture], told: dict[str, Any]
) -> Path:
    """``folder``/artifact: the averaged weights of ``folder``/checkpoint.pt in int8, calibrated on pictures of
    ``sources``, scored on ``held`` (``folder``/pr.png shows how). ``told``: what else its manifest says of the
    training."""
    artifact = folder / "artifact"
    artifact.mkdir(exist_ok=True)
    pictures = [picture for source in sources for picture in source.pictures]
    every = max(1, len(pictures) // _CALIBRATION)
    net = load_checkpoint(folder / "checkpoint.pt")
    export_onnx(net, artifact / "model.onnx", pictures[::every], plan.style.width)
    facts: dict[str, Any] = {
        "name": plan.name,
        "task": "detect",
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "trained": {
            "recipe_sha256": hashlib.sha256(plan.text.encode()).hexdigest(),
            **told,
            "sets": {spec.path: len(source.pictures) for spec, source in zip(plan.sets, sources, strict=True)},
        },
        "accuracy": {},
    }
    proof = [picture.frame for picture in pictures[:: max(1, len(pictures) // _PROOF)][:_PROOF]]
    write = partial(
        write_artifact, artifact, net, proof, facts, width=plan.style.width, score=0.35, ball_score=0.45
    )
    write()
    if held:
        seen = look(artifact, held)
        facts["accuracy"] = {
            "pictures": len(held),
            "width": plan.style.width,
            **{name: round(value, 4) for name, value in rate(seen, held).items()},
        }
        draw_precision_recall(people_and_balls(seen, held), folder / "pr.png")
        write()
    return artifact
