"""Target ``phone``: ExecuTorch's .pte with XNNPACK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from touchline.runtime.golden import Inputs
from touchline.runtime.quiet import quiet

FILE = "model.pte"


def supports() -> Any:
    """Of each graph node, whether ExecuTorch has it: core ATen."""

    def known(node: Any) -> bool:
        return torch.Tag.core in node.target.tags

    return known


def lower(program: ExportedProgram, folder: Path, calibration: Inputs | None) -> str:
    """Write model.pte; with ``calibration`` in int8 (XNNPACK's own quantiser, weights per channel). Returns the
    file's name."""
    with quiet():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        if calibration is not None:
            program = _quantise(program, calibration)
        lowered: Any = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    (folder / FILE).write_bytes(lowered.buffer)
    return FILE


def _quantise(program: ExportedProgram, calibration: Inputs) -> ExportedProgram:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantiser: Any = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    watched: Any = prepare_pt2e(program.module(), quantiser)
    for sample in calibration:
        watched(*(torch.from_numpy(array) for array in sample))
    example = program.example_inputs[0] if program.example_inputs else ()
    return torch.export.export(convert_pt2e(watched), example)
