"""Is it still the same model? On real inputs, against the float reference, on the device itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.runtime import golden
from touchline.runtime.devices import AUTO
from touchline.runtime.golden import Sample
from touchline.runtime.preprocess import Preprocess
from touchline.runtime.program import Program, load
from touchline.types.errors import CheckFailed, ModelError

_TINY = 1e-12

_BEYOND = 0.02
_PINNED = 0.001
"""Share of an output's values that may be saturated."""
_PREPARED = 0.1
"""Of an input made from a picture: libraries resize pictures in different ways."""
_SAME = 1e-3
"""Below this an input is the same, whatever else would fit as well."""

MOST = 0.1
"""The largest tolerance that a gate grants a model on its own word."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far one output lies from the reference's, over all samples.

    ``max_error``: greatest absolute difference. ``relative_error``: ‖y − r‖₂ / ‖r‖₂. ``pinned``: share of values
    that sit at the output's least or greatest value while the reference's go on well beyond it (by 2 % of its
    greatest magnitude): a silent saturation.
    """

    output: str
    max_error: float
    relative_error: float
    pinned: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """How far the input that the manifest's ``preprocess`` makes of the proof's pictures lies from the input that
    belongs to them. ``relative_error``: as of outputs. ``instead``: what in ``preprocess`` would bring it much
    closer, such as ``colour = 'bgr'``; empty where nothing would."""

    input: str
    relative_error: float
    instead: str

    @property
    def passed(self) -> bool:
        """Whether it is the same but for how pictures are resized, and nothing else explains it better."""
        return self.relative_error <= _PREPARED and not self.instead


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found. ``tolerance``: the greatest relative error allowed."""

    name: str
    samples: int
    tolerance: float
    outputs: tuple[Deviation, ...]
    prepared: Prepared | None = None

    @property
    def worst(self) -> Deviation:
        """The output that is furthest off."""
        return max(self.outputs, key=lambda each: each.relative_error)

    @property
    def passed(self) -> bool:
        """Whether every output is within the tolerance and none saturates, and pictures become the right input."""
        return (self.prepared is None or self.prepared.passed) and all(
            each.relative_error <= self.tolerance and each.pinned <= _PINNED for each in self.outputs
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON and the manifest."""
        return {
            "samples": self.samples,
            "tolerance": self.tolerance,
            "passed": self.passed,
            "outputs": [{key: _round(value) for key, value in asdict(each).items()} for each in self.outputs],
            **({"prepared": {k: _round(v) for k, v in asdict(self.prepared).items()}} if self.prepared else {}),
        }

    def require(self) -> Verdict:
        """Itself. Raises `CheckFailed` where it did not pass."""
        if self.prepared is not None and not self.prepared.passed:
            words = self.prepared.instead
            raise CheckFailed(
                f"{self.name}: preprocess makes another input of pictures than {self.prepared.input} takes: off "
                f"by {self.prepared.relative_error:.3g}; {f'it fits with {words}' if words else 'correct it'}"
            )
        if not self.passed:
            worst = max(self.outputs, key=lambda each: (each.pinned > _PINNED, each.relative_error))
            pinned = f", {100 * worst.pinned:.3g}% of its values saturated" if worst.pinned > _PINNED else ""
            raise CheckFailed(
                f"{self.name}: not the same model: output {worst.output} is off by {worst.relative_error:.3g} "
                f"(‖y − r‖ / ‖r‖{pinned}), {self.tolerance:.3g} is allowed; calibrate on more real inputs or keep "
                "more of it in float"
            )
        return self


def verify(folder: Path, *, threads: int = 1, device: str = AUTO) -> Verdict:
    """Run the artifact on its own golden inputs and compare. Raises `ModelError` where it cannot be run or has no
    golden samples."""
    program = load(folder, threads=threads, device=device)
    tolerance = tolerance_of(program.manifest, folder)
    if golden.FILE not in program.manifest["files"]:
        raise ModelError(f"{folder}: holds no {golden.FILE}, so nothing proves this model; compile it again")
    return compare(program, golden.read(folder / golden.FILE), tolerance, str(folder))


def tolerance_of(said: Mapping[str, Any], folder: Path) -> float:
    """A manifest's tolerance. Raises `ModelError` where it has none that is a finite number above 0."""
    tolerance = said.get("tolerance")
    if not isinstance(tolerance, int | float) or isinstance(tolerance, bool) or not 0 < tolerance < inf:
        raise ModelError(f"{folder}/manifest.json: has no 'tolerance' above 0; compile the model again")
    return float(tolerance)


def compare(program: Program, samples: Sequence[Sample], tolerance: float, name: str) -> Verdict:
    """`verify` of a loaded program. Raises `ModelError` where the samples are not of such a model."""
    for number, sample in enumerate(samples):
        if len(sample.outputs) != len(program.outputs):
            raise ModelError(
                f"{name}: golden sample {number} has {len(sample.outputs)} outputs, the model "
                f"{len(program.outputs)}; compile it again"
            )
        if any(array.dtype.kind not in "biuf" or not np.isfinite(array).all() for array in sample.outputs):
            raise ModelError(f"{name}: golden sample {number} answers what is no finite number; compile it again")
    answers = [program.outputs_of(*sample.inputs) for sample in samples]
    found: list[Deviation] = []
    for index, port in enumerate(program.outputs):
        for answer, sample in zip(answers, samples, strict=True):
            mine, true = answer[index].shape, sample.outputs[index].shape
            if mine != true:
                raise ModelError(
                    f"{name}: output {port.name} has shape {mine}, the reference's had {true}; "
                    "axes were swapped or the file is another model's"
                )
        # Flat, for a model that takes any size may have answered in several.
        given = np.concatenate([answer[index].astype(np.float64).ravel() for answer in answers])
        wanted = np.concatenate([sample.outputs[index].astype(np.float64).ravel() for sample in samples])
        found.append(_deviation(port.name, given, wanted))
    return Verdict(name, len(samples), tolerance, tuple(found), _prepared(program, samples))


def _prepared(program: Program, samples: Sequence[Sample]) -> Prepared | None:
    """None without ``preprocess`` or pictures to try it on. Raises `ShapeError` where one is no picture."""
    shown = [(sample.picture, sample.inputs[0]) for sample in samples if sample.picture is not None]
    said = program.preprocess
    if said is None or not shown:
        return None
    (port,) = program.inputs

    def error(how: Preprocess) -> float:
        made = np.stack([how.prepare(picture, port.shape, port.dtype) for picture, _ in shown]).astype(np.float64)
        true = np.stack([array for _, array in shown]).astype(np.float64)
        return float(np.linalg.norm(made - true) / max(float(np.linalg.norm(true)), _TINY))

    mine = error(said)
    others = [(error(other), words) for words, other in said.others()]
    least, words = min(others)
    return Prepared(port.name, mine, words if mine > _SAME and least < mine / 2 else "")


def _deviation(name: str, mine: NDArray[np.float64], true: NDArray[np.float64]) -> Deviation:
    if not np.isfinite(mine).all():
        return Deviation(name, inf, inf, 0.0)
    difference = mine - true
    if not mine.size:
        return Deviation(name, 0.0, 0.0, 0.0)
    beyond = _BEYOND * float(np.abs(true).max())
    high = (mine == mine.max()) & (true > mine.max() + beyond)
    low = (mine == mine.min()) & (true < mine.min() - beyond)
    # One value always is the greatest; several that are equal were cut off.
    pinned = sum(int(side.sum()) for side in (high, low) if side.sum() > 1)
    return Deviation(
        name,
        float(np.abs(difference).max(initial=0)),
        float(np.linalg.norm(difference) / max(float(np.linalg.norm(true)), _TINY)),
        pinned / mine.size,
    )


def _round(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
