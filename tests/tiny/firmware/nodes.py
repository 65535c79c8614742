"""Small nodes whose networks are drawn by chance, and recordings on which they change their mind often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.tiny.writer import RELU, SAME, Writer
from touchline.runtime import manifest
from touchline.tiny import reference
from touchline.tiny.compile import compile_tflite
from touchline.tiny.features import ImuWindow, LogMel, Mfcc
from touchline.tiny.firmware import Node, Rule
from touchline.tiny.graph import Graph

QUICK = Rule(enter=0.5, leave=0.4, need=1, of=1)
NODES: dict[str, Node] = {
    "motion": Node(
        ImuWindow(length=20, hop=5, gravity_shift=4),
        rate=52.0,
        classes=("still", "run", "jump"),
        rules={"run": Rule(0.5, 0.4, 2, 3), "jump": QUICK},
        chunk=4,
        heartbeat_ms=2_000,
    ),
    "sound": Node(
        LogMel(rate=8_000, window=200, hop=100, fft=256, bands=12, low_hz=100, frames=8),
        rate=8_000,
        classes=("other", "whistle", "cheer"),
        rules={"whistle": Rule(0.5, 0.3, 2, 32), "cheer": QUICK},
        every=3,
        heartbeat_ms=1_000,
    ),
    "cepstra": Node(
        Mfcc(LogMel(rate=8_000, window=200, hop=100, fft=256, bands=12, low_hz=100, frames=4), coefficients=6),
        rate=8_000,
        classes=("other", "speech"),
        rules={"speech": QUICK},
        chunk=2,
        input_scale=4.0,
    ),
}
SEEDS = {"motion": 4, "sound": 9, "cepstra": 3}
"""Of networks that change their mind often, about every class that is told."""


@dataclass(frozen=True)
class Compiled:
    folder: Path
    graph: Graph

    @property
    def manifest(self) -> dict[str, Any]:
        return manifest.read(self.folder).manifest

    def network(self, source: NDArray[np.int8]) -> NDArray[np.int8]:
        """The reference's answer."""
        shape = self.graph.tensors[self.graph.inputs[0]].shape
        return reference.run(self.graph, source.reshape(shape))[0].ravel()


def compiled(node: Node, folder: Path, *, seed: int, scale: float | None = None) -> Compiled:
    """A convolution, a mean and a layer of random weights."""
    rng = np.random.default_rng(seed)
    writer = Writer()
    values = node.axes if node.is_motion else node.features.values
    rows = node.input_bytes // values
    source = writer.input((1, rows, values, 1), scale or node.input_scale, node.features.zero_point)
    weights = writer.tensor((6, 3, 3, 1), scale=0.02, data=rng.integers(-127, 128, (6, 3, 3, 1)))
    hidden = writer.tensor((1, -(-rows // 2), -(-values // 2), 6), scale=0.02, zero_point=-128)
    pooled = writer.tensor((1, 6), scale=0.02, zero_point=-128)
    dense = writer.tensor((len(node.classes), 6), scale=0.2, data=rng.integers(-127, 128, (len(node.classes), 6)))
    logits = writer.tensor((1, len(node.classes)), scale=0.1)
    scores = writer.tensor((1, len(node.classes)), scale=1 / 256, zero_point=-128)
    zeros = [
        writer.tensor((count,), "int32", scale=step, data=np.zeros(count))
        for count, step in ((6, 0.02 * (scale or node.input_scale)), (len(node.classes), 0.2 * 0.02))
    ]
    options = {"padding": SAME, "strideH": 2, "strideW": 2, "dilationHFactor": 1, "dilationWFactor": 1}
    writer.op("CONV_2D", [source, weights, zeros[0]], [hidden], fusedActivationFunction=RELU, **options)
    writer.op("MEAN", [hidden, writer.ints([1, 2])], [pooled], keepDims=False)
    writer.op("FULLY_CONNECTED", [pooled, dense, zeros[1]], [logits])
    writer.op("SOFTMAX", [logits], [scores], beta=1.0)
    made = compile_tflite(writer.save(folder / "net.tflite", scores), folder / "net")
    ports = [_described(made.graph, key) for key in (*made.graph.inputs, *made.graph.outputs)]
    facts = {"name": made.name, "target": "mcu", "inputs": ports[:1], "outputs": ports[1:]}
    manifest.write(made.folder, facts, made.files)
    return Compiled(made.folder, made.graph)


def _described(graph: Graph, key: int) -> dict[str, Any]:
    tensor = graph.tensors[key]
    assert tensor.quant is not None
    quant = {"scale": tensor.quant.scale, "zero_point": tensor.quant.zero_point}
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "bytes": tensor.bytes,
        **quant,
    }


def recording(node: Node, seconds: float, seed: int = 0) -> NDArray[np.int16]:
    """Quiet, loud and at the ends of the range by turns: (n,) or (n, axes)."""
    rng = np.random.default_rng(seed)
    count = round(seconds * node.rate)
    loud = np.repeat(rng.choice([30, 1500, 6000, 20_000], 1 + count // (2 * node.step)), 2 * node.step)[:count]
    noise = rng.normal(0, 1, (count, node.axes)) * loud[:, None]
    tone = np.sin(np.arange(count)[:, None] * rng.uniform(0.02, 1.5, node.axes)) * loud[:, None]
    mixed = np.where(rng.random(1 + count // 200).repeat(200)[:count, None] < 0.5, noise, tone)
    samples = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
    return samples if node.is_motion else samples[:, 0]
