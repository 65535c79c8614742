"""Target ``server``: ONNX, for ONNX Runtime and whatever execution provider it finds there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from torch.export import ExportedProgram
from torch.onnx._internal.exporter import _dispatching, _registration

from touchline.runtime.quiet import quiet
from touchline.types.errors import ModelError

FILE = "model.onnx"


def supports() -> Any:
    """Of each graph node, whether the exporter knows it. (The exporter itself stops at the first it does not.)"""
    with quiet():
        registry = _registration.ONNXRegistry.from_torchlib()

    def known(node: Any) -> bool:
        return _dispatching.dispatch(node, registry)[0] is not None

    return known


def lower(program: ExportedProgram, folder: Path) -> str:
    """Write model.onnx, in float. Returns its name."""
    with quiet():
        exported = torch.onnx.export(program, dynamo=True, verbose=False)
    if exported is None:
        raise ModelError("the exporter to ONNX gave nothing; report it with the model")
    exported.save(str(folder / FILE), external_data=False)
    onnx.checker.check_model(str(folder / FILE))
    return FILE
