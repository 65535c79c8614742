"""An nn.Module as one graph, and what of it a target can take."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from touchline.types.errors import ModelError

Supports = Callable[[Any], bool]
"""Whether a target takes a graph's node."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """An operator that a target does not take, and the line of the model that asks for it."""

    operator: str
    line: str


def trace(module: nn.Module, example: Sequence[Tensor], name: str) -> ExportedProgram:
    """The module, in evaluation mode, as one graph with the example's shapes.

    Raises `ModelError` where Python decides by the data what is computed, which no device can.
    """
    try:
        return torch.export.export(module, tuple(example), strict=False)
    except Exception as error:
        # torch.export raises whatever the module's own code raises, besides errors of its own.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(
            f"{name}: cannot be traced ({type(error).__name__}: {reason}); see docs/artifacts.md"
        ) from error


def decompose(program: ExportedProgram) -> ExportedProgram:
    """The same graph in core ATen operators."""
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # torch's, of its own doing
        return program.run_decompositions()


def unsupported(program: ExportedProgram, supports: Supports) -> list[Unsupported]:
    """Every operator call that ``supports`` refuses, each with its source line, in the graph's order."""
    found: dict[Unsupported, None] = {}
    for node in program.graph.nodes:
        # What is no operator is Python's own, such as taking one of several results.
        if node.op == "call_function" and hasattr(node.target, "overloadpacket") and not supports(node):
            found[Unsupported(str(node.target), _line(node))] = None
    return list(found)


def refuse(name: str, target: str, missing: Sequence[Unsupported], others: Sequence[str]) -> ModelError:
    """One error that names all of ``missing`` and the targets that would take the model."""
    each = "; ".join(f"{entry.operator} at {entry.line}" for entry in missing)
    remedy = f"compile for {' or '.join(others)}" if others else "replace them: no other target takes them either"
    return ModelError(f"{name}: target {target} has no {each}; {remedy}")


def _line(node: Any) -> str:
    """FILE:LINE of the innermost frame of the user's code: of the trace's frames that are not torch's own."""
    frames = [line.strip() for line in str(node.meta.get("stack_trace", "")).splitlines() if "File " in line]
    own = [frame for frame in frames if "/torch/" not in frame] or frames
    if not own:
        return "a place that torch does not tell"
    file, _, rest = own[-1].removeprefix('File "').partition('", line ')
    return f"{file}:{rest.split(',')[0]}"
