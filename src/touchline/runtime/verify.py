"""Is it still the same model? On real inputs, against the float reference, on the device itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.runtime import golden, manifest
from touchline.runtime.golden import Sample
from touchline.runtime.program import Program, load
from touchline.types.errors import CheckFailed, ModelError

_TINY = 1e-12


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
        return self.worst.relative_error <= self.tolerance

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


def verify(folder: Path, *, threads: int = 1) -> Verdict:
    """Run the artifact on its own golden inputs and compare. Raises `ModelError` where it cannot be run or has no
    golden samples."""
    program = load(folder, threads=threads)
    tolerance = program.manifest.get("tolerance")
    if not isinstance(tolerance, int | float) or not tolerance > 0:
        raise ModelError(f"{folder}/manifest.json: has no 'tolerance' above 0; compile the model again")
    if golden.FILE not in program.manifest["files"]:
        raise ModelError(f"{folder}: holds no {golden.FILE}, so nothing proves this model; compile it again")
    return compare(program, golden.read(folder / golden.FILE), float(tolerance), str(folder))


def compare(program: Program, samples: Sequence[Sample], tolerance: float, name: str) -> Verdict:
    """`verify` of a loaded program."""
    answers = [program.outputs_of(*sample.inputs) for sample in samples]
    found: list[Deviation] = []
    for index, port in enumerate(program.outputs):
        mine = np.stack([answer[index].astype(np.float64) for answer in answers])
        true = np.stack([sample.outputs[index].astype(np.float64) for sample in samples])
        if mine.shape != true.shape:
            raise ModelError(
                f"{name}: output {port.name} has shape {mine.shape[1:]}, the reference's had {true.shape[1:]}; "
                "axes were swapped or the file is another model's"
            )
        found.append(_deviation(port.name, mine, true))
    return Verdict(name, len(samples), tolerance, tuple(found))


def _deviation(name: str, mine: NDArray[np.float64], true: NDArray[np.float64]) -> Deviation:
    if not np.isfinite(mine).all():
        return Deviation(name, float("inf"), float("inf"), 0.0)
    difference = mine - true
    high, low = (mine == mine.max()) & (true > mine.max()), (mine == mine.min()) & (true < mine.min())
    # One value always is the greatest; several that are equal were cut off.
    pinned = sum(int(side.sum()) for side in (high, low) if side.sum() > 1)
    return Deviation(
        name,
        float(np.abs(difference).max(initial=0)),
        float(np.linalg.norm(difference) / max(float(np.linalg.norm(true)), _TINY)),
        pinned / max(mine.size, 1),
    )


def _round(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def content(folder: Path) -> str:
    """The artifact's content hash, checked."""
    return str(manifest.read(folder).manifest["content"])
