"""How much of a network may be int8: what each layer loses, and which stay float until the tolerance holds."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from touchline.model.lower.litert_int8 import LiteRtQuantiser
from touchline.model.lower.qdq import OnnxQuantiser
from touchline.runtime.devices import CPU
from touchline.runtime.golden import Inputs, Sample
from touchline.runtime.load import load
from touchline.runtime.program import Program
from touchline.runtime.verify import Verdict, compare
from touchline.types.errors import CheckFailed

_TRIED = 4
"""Samples on which each layer is tried out."""
_BLAMED = 3


class Quantiser(Protocol):
    """A float network, calibrated, to be written in int8 as often as wanted, by whichever library."""

    layers: Mapping[str, str]

    def write(self, file: Path, *, only: Sequence[str] = (), leave: Sequence[str] = ()) -> None: ...


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What is lost where this layer alone is in int8: ‖y − r‖ / ‖r‖ of the output that suffers most."""

    layer: str
    operator: str
    relative_error: float


def reduce(
    kind: str, file: Path, calibration: Inputs, samples: Sequence[Sample], tolerance: float, name: str
) -> dict[str, Any]:
    """``file``'s network in the precision that ``kind`` (none, int8, mixed) asks for, in place; what the manifest
    says of that. Raises `CheckFailed` as `to_int8` and `to_mixed` do."""
    match kind:
        case "int8":
            to_int8(file, calibration, samples, tolerance, name)
            return {}
        case "mixed":
            return to_mixed(file, calibration, samples, tolerance, name)
        case _:
            return {}


def to_int8(file: Path, calibration: Inputs, samples: Sequence[Sample], tolerance: float, name: str) -> None:
    """Put ``file``'s network into int8 in place. ``samples``: inputs and the float network's answers.

    Raises `CheckFailed`, which names the layers that lose most, where more is lost than ``tolerance`` allows.
    """
    with _quantiser(file, calibration) as quantiser:
        quantiser.write(file)
        verdict = _judge(file, samples, tolerance, name)
        try:
            verdict.require()
        except CheckFailed as error:
            worst = sensitivities(quantiser, file, samples, name)[:_BLAMED]
            told = ", ".join(f"{each.layer} ({each.relative_error:.2g})" for each in worst)
            raise CheckFailed(
                f"{error}; most is lost in {told}: quantise 'mixed' keeps such layers float"
            ) from error


def to_mixed(
    file: Path, calibration: Inputs, samples: Sequence[Sample], tolerance: float, name: str
) -> dict[str, Any]:
    """`to_int8`, but for as few of the most sensitive layers as it takes to hold ``tolerance``; those stay float.

    What the manifest says of it: ``sensitivity``, all layers, the worst first, and ``float_layers``. Raises
    `CheckFailed` where no layer can be int8.
    """
    with _quantiser(file, calibration) as quantiser:
        found = sensitivities(quantiser, file, samples, name)
        order = [each.layer for each in found]

        def holds(kept: int) -> bool:
            quantiser.write(file, leave=order[:kept])
            return _judge(file, samples, tolerance, name).passed

        # The fewest by bisection: what is lost falls as more layers stay float, nearly always.
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(middle) else (middle + 1, high)
        if low == len(order):
            worst = found[0] if found else Sensitivity("it", "", 0.0)
            raise CheckFailed(
                f"{name}: no layer can be int8 within {tolerance:.3g}; the worst alone, {worst.layer}, loses "
                f"{worst.relative_error:.3g}; allow more, or leave it in float"
            )
        holds(low)  # which the search may have passed by
        return {"sensitivity": [_as_dict(each) for each in found], "float_layers": order[:low]}


def sensitivities(quantiser: Quantiser, file: Path, samples: Sequence[Sample], name: str) -> list[Sensitivity]:
    """Of each layer, the worst first. Overwrites ``file``."""
    found: list[Sensitivity] = []
    for label, operator in quantiser.layers.items():
        quantiser.write(file, only=[label])
        error = _judge(file, samples[:_TRIED], 1.0, name).worst.relative_error
        found.append(Sensitivity(label, operator, error))
    return sorted(found, key=lambda each: -each.relative_error)


@contextlib.contextmanager
def _quantiser(file: Path, calibration: Inputs) -> Generator[Quantiser]:
    match file.suffix:
        case ".onnx":
            with OnnxQuantiser(file, calibration) as made:
                yield made
        case _:
            yield LiteRtQuantiser(file, calibration)


def _judge(file: Path, samples: Sequence[Sample], tolerance: float, name: str) -> Verdict:
    return compare(Program(load(file, threads=1, device=CPU), {}, name), samples, tolerance, name)


def _as_dict(each: Sensitivity) -> dict[str, Any]:
    return asdict(each) | {"relative_error": float(f"{each.relative_error:.4g}")}
