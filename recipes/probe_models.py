"""Make the files that ``touchline doctor`` runs: one 3×3 convolution, rectified, for each runtime.

Example: python recipes/probe_models.py --into src/touchline/runtime/probe_models

The convolution's weights are those of `touchline.runtime.probe.WEIGHTS`, which knows what must come out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import touchline
from touchline.runtime.probe import SHAPE, WEIGHTS


def write_onnx(path: Path) -> None:
    """By hand: the exporter's own file is ten times as large."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy"]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "probe", ports[:1], ports[1:], [numpy_helper.from_array(WEIGHTS[None, None], "w")]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), path)


def main() -> None:
    """Write all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True)
    into: Path = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    write_onnx(into / "probe.onnx")
    net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU())
    net[0].weight.data = torch.from_numpy(WEIGHTS[None, None].copy())
    with tempfile.TemporaryDirectory() as work:
        for target in ("edge", "phone"):
            made = touchline.compile(net, torch.rand(SHAPE), target, out=Path(work) / target)
            shutil.copy(made.file, into / f"probe{made.file.suffix}")


if __name__ == "__main__":
    main()
