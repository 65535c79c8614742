"""Target ``edge``: LiteRT, the lightest runtime on a box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from touchline.runtime.quiet import quiet

FILE = "model.tflite"


def supports() -> Any:
    """Of each graph node, whether the converter lowers it."""
    with quiet():
        from litert_torch.backend.lowerings import registry

    def known(node: Any) -> bool:
        return registry.lookup(node.target) is not None

    return known


def lower(module: nn.Module, example: Sequence[Tensor], folder: Path) -> str:
    """Write model.tflite, in float. Returns its name."""
    with quiet():
        import litert_torch

        litert_torch.convert(module, tuple(example)).export(str(folder / FILE))
    return FILE
