"""A gate's decision, told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from touchline.types import CheckFailed

if TYPE_CHECKING:  # it brings the runtimes with it
    from touchline.runtime.gate import Decision


def show(decision: Decision, out: Console) -> None:
    """Every check, as a table."""
    table = Table(box=None)
    for column in ("check", "", "found"):
        table.add_column(column)
    for check in decision.checks:
        table.add_row(check.what, "passed" if check.passed else "[red]REFUSED", check.found)
    out.print(table)


def require(decision: Decision, new: object, old: object) -> None:
    """Raise `CheckFailed` with the reasons where ``new`` may not replace ``old``."""
    if not decision.passed:
        reasons = "; ".join(f"{check.what}: {check.found}" for check in decision.checks if not check.passed)
        raise CheckFailed(f"{new} may not replace {old}: {reasons}")
