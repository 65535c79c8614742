"""The same network by emlearn (PyPI), which takes fully connected layers and computes them in float32."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from touchline.tiny import toolchain
from touchline.tiny.artifact import random_inputs
from touchline.tiny.graph import FullyConnected, Graph, Reshape

MISSING = "emlearn: is not installed (pip install emlearn); left out"
CORES: tuple[Literal["cortex-m4", "cortex-m55"], ...] = ("cortex-m4", "cortex-m55")
"""The first computes float32 in software, as it is built here; the second has a unit for it."""
_MATHS = ("-Wl,-u,expf", "-Wl,-u,tanhf", "-Wl,-u,logf", "-lm")


def installed() -> bool:
    return find_spec("emlearn") is not None


def measured(graph: Graph) -> dict[str, Any] | None:
    """RAM, bytes of weights and instructions by core; None for a network that it does not take."""
    layers = [op for op in graph.ops if not isinstance(op, Reshape)]
    dense = [op for op in layers if isinstance(op, FullyConnected)]
    if len(dense) < len(layers) or len(dense) < 2 or len(graph.inputs) != 1:
        return None
    import emlearn
    from emlearn.net import c_generate_net_loadable

    weights: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    activations: list[str] = []
    for op in dense:
        image, filter_, output = (graph.tensors[key] for key in (*op.inputs[:2], op.output))
        scales = np.asarray(filter_.q.scales)
        weights.append((np.asarray(filter_.data).astype(np.float64) * scales[:, None]).T)
        bias = graph.tensors[op.inputs[2]].data if len(op.inputs) > 2 else None
        own = np.zeros(weights[-1].shape[1]) if bias is None else bias.astype(np.float64).ravel()
        biases.append(own * image.q.scale * scales)
        activations.append("relu" if op.clamp.low >= output.q.zero_point else "identity")
    inputs, outputs = weights[0].shape[0], weights[-1].shape[1]
    source = graph.tensors[graph.inputs[0]].q
    stored = random_inputs(graph, np.random.default_rng(0))[0].astype(np.float64)
    data = ((stored - source.zero_point) * source.scale).astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "net.h").write_text(c_generate_net_loadable(activations, weights, biases, prefix="net"), "utf-8")
        (folder / "model.h").write_text(_header(inputs, outputs), "utf-8")
        (folder / "model.c").write_text(_SOURCE.format(inputs=inputs, outputs=outputs), "utf-8")
        extra = ("-w", f"-I{emlearn.includedir}", *_MATHS)
        ports = toolchain.Ports("net", (4 * inputs,), (4 * outputs,))
        runs = {core: toolchain.run(folder, ports, data.tobytes(), f"qemu:{core}", extra=extra) for core in CORES}
    widest = max(max(each.shape) for each in weights)
    return {
        "ram_bytes": 4 * (inputs + 2 * widest),
        "weight_bytes": 4 * sum(w.size + b.size for w, b in zip(weights, biases, strict=True)),
        "instructions": {core: run.instructions for core, run in runs.items()},
    }


def _header(inputs: int, outputs: int) -> str:
    sizes = {"ARENA_BYTES": 4 * (inputs + outputs), "INPUT_BYTES": 4 * inputs, "INPUT_OFFSET": 0}
    sizes |= {"OUTPUT_BYTES": 4 * outputs, "OUTPUT_OFFSET": 4 * inputs}
    lines = ["#include <stdint.h>", *(f"#define NET_{name} {size}" for name, size in sizes.items())]
    return "\n".join([*lines, "void net_run(int8_t *arena);", ""])


_SOURCE = """#include "model.h"
#include "net.h"

void net_run(int8_t *arena)
{{
    float *values = (float *)arena;
    eml_net_regress(&net, values, {inputs}, values + {inputs}, {outputs});
}}
"""
