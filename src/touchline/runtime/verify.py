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
from touchline.runtime.program import Program, load
from touchline.types.errors import CheckFailed, ModelError

_TINY = 1e-12

MOST = 0.1
"""The largest tolerance that a gate grants a model on its own word."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far one output lies from the reference's, over all samples.

    ``max_error``: greatest absolute difference. ``relative_error``: ‖y − r‖₂ / ‖r‖₂. ``pinned``: share of values
    that sit at the output's least or greatest value while the reference's go on beyond it: a silent saturation.
    """

    output: str
    max_error: float
    relative_error: float
    pinned: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found. ``tolerance``: the greatest relative error allowed."""

    name: str
    samples: int
    tolerance: float
    outputs: tuple[Deviation, ...]

    @property
    def worst(self) -> Deviation:
        """The output that is furthest off."""
        return max(self.outputs, key=lambda each: each.relative_error)

    @property
    def passed(self) -> bool:
        """Whether every output is within the tolerance."""
        return all(each.relative_error <= self.tolerance for each in self.outputs)

    def as_dict(self) -> dict[str, Any]:
        """For JSON and the manifest."""
        return {
            "samples": self.samples,
            "tolerance": self.tolerance,
            "passed": self.passed,
            "outputs": [{key: _round(value) for key, value in asdict(each).items()} for each in self.outputs],
        }

    def require(self) -> Verdict:
        """Itself. Raises `CheckFailed` where it did not pass."""
        if not self.passed:
            worst = self.worst
            pinned = f", {worst.pinned:.0%} of its values saturated" if worst.pinned > 0.001 else ""
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
    return Verdict(name, len(samples), tolerance, tuple(found))


def _deviation(name: str, mine: NDArray[np.float64], true: NDArray[np.float64]) -> Deviation:
    if not np.isfinite(mine).all():
        return Deviation(name, inf, inf, 0.0)
    difference = mine - true
    if not mine.size:
        return Deviation(name, 0.0, 0.0, 0.0)
    high, low = (mine == mine.max()) & (true > mine.max()), (mine == mine.min()) & (true < mine.min())
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
