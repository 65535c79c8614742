"""May this model take the other's place on this device?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from touchline.runtime import manifest
from touchline.runtime.measure import Measurement, measure
from touchline.runtime.verify import MOST, Verdict, tolerance_of, verify
from touchline.types.errors import ModelError

Gaps = Mapping[str, tuple[float, float, float]]
"""By metric: the new model's minus the old one's, and the ends of that difference's 95 % interval."""

Difference = Callable[[Path, Path], Gaps]
"""New and old artifact → how their accuracy differs on an evaluation set."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the new model may cost: keys of a manifest's ``limits``. The model in place sets them; the new one's
    manifest can only tighten them.

    ``accuracy_drop``: of the task's metric, what may be lost; the whole of its 95 % interval counts. ``latency``,
    ``memory``, ``size``: the new one's over the old one's.
    """

    accuracy_drop: float = 0.005
    latency: float = 1.10
    memory: float = 1.20
    size: float = 1.20


_DEFAULTS: dict[str, float] = asdict(Limits())


@dataclass(frozen=True, slots=True)
class Check:
    """One question, its answer and what it rests on."""

    what: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class Decision:
    """All checks; the gate opens where every one passed."""

    new: str
    old: str
    checks: tuple[Check, ...]
    measured: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def passed(self) -> bool:
        """Whether the new model may go in."""
        return all(check.passed for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "new": self.new,
            "old": self.old,
            "passed": self.passed,
            "checks": [{"what": each.what, "passed": each.passed, "found": each.found} for each in self.checks],
            **self.measured,
        }


def gate(new: Path, old: Path, *, difference: Difference | None = None) -> Decision:
    """Verify the new artifact on this device, measure both in turns, and decide by `Limits`.

    ``difference``: the task's own metric on an evaluation set, where there is one. Raises `ModelError` where
    either cannot be read or run, or where they are not of one kind.
    """
    said = [manifest.read(folder).manifest for folder in (new, old)]
    _same_kind(*said, new=new, old=old)
    # A model cannot excuse itself: beyond what is usual its tolerance must be that of the one in place.
    verdict = verify(new)
    verdict = replace(verdict, tolerance=min(verdict.tolerance, max(MOST, tolerance_of(said[1], old))))
    measured = measure([new, old])
    gaps = difference(new, old) if difference else {}
    checks = decide(limits_of(said[0], said[1]), verdict, measured, gaps)
    return Decision(
        str(new),
        str(old),
        tuple(checks),
        {"verified": verdict.as_dict(), "measured": [m.as_dict() for m in measured]},
    )


def decide(limits: Limits, verdict: Verdict, measured: Sequence[Measurement], gaps: Gaps) -> list[Check]:
    """The gate's rules. ``measured``: of the new artifact and of the old. ``gaps``: as `Difference` gives them."""
    new, old = measured
    worst = verdict.worst
    checks = [
        Check(
            "same model as its float reference",
            verdict.passed,
            f"off by {worst.relative_error:.3g}, {verdict.tolerance:.3g} allowed ({verdict.samples} inputs)",
        )
    ]
    for metric, (change, low, high) in gaps.items():
        checks.append(
            Check(
                metric,
                low >= -limits.accuracy_drop,
                f"{change:+.4f} (95 %: {low:+.4f} to {high:+.4f}), −{limits.accuracy_drop:g} allowed",
            )
        )
    for mine, theirs in zip(new.latency, old.latency, strict=True):
        ratio = mine.p50_ms / theirs.p50_ms
        checks.append(
            Check(
                f"latency, {mine.threads} thread{'s' * (mine.threads > 1)}",
                ratio <= limits.latency,
                f"{mine.p50_ms:.3g} ms against {theirs.p50_ms:.3g} (× {ratio:.2f}), × {limits.latency:g} allowed",
            )
        )
    for what, mine, theirs, most, unit in (
        ("memory", new.peak_memory_mb, old.peak_memory_mb, limits.memory, "MB"),
        ("size", new.size_bytes / 1e6, old.size_bytes / 1e6, limits.size, "MB"),
    ):
        ratio = mine / theirs
        found = f"{mine:.3g} {unit} against {theirs:.3g} (× {ratio:.2f}), × {most:g} allowed"
        checks.append(Check(what, ratio <= most, found))
    return checks


def limits_of(new: Mapping[str, Any], old: Mapping[str, Any]) -> Limits:
    """The limits that two manifests set. Raises `ModelError` on an unknown or odd one."""
    base, tighter = (_limits(said) for said in (old, new))
    given = {key: min(value, base.get(key, _DEFAULTS[key])) for key, value in tighter.items()}
    return Limits(**(base | given))


def _limits(said: Mapping[str, Any]) -> dict[str, float]:
    table = dict(said.get("limits", {}))
    for key, value in table.items():
        if key not in _DEFAULTS:
            raise ModelError(f"manifest.json: unknown limit '{key}'; known are {', '.join(sorted(_DEFAULTS))}")
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
            raise ModelError(f"manifest.json: limit '{key}' must be a number from 0 on, is {value!r}")
    return table


def _same_kind(one: Mapping[str, Any], two: Mapping[str, Any], *, new: Path, old: Path) -> None:
    for key in ("task", "inputs", "outputs"):
        mine, theirs = (
            [_port(port) for port in each.get(key, [])] if key != "task" else each.get(key) for each in (one, two)
        )
        if mine != theirs:
            raise ModelError(
                f"{new}: its {key} are {mine}, those of {old} are {theirs}; compare models of one kind"
            )


def _port(said: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(str(said.get(key)) for key in ("name", "shape", "dtype", "layout"))
