"""Small models of products of two tensors, neither of which is known before."""

from __future__ import annotations

import numpy as np

from tests.tiny import draw
from tests.tiny.draw import Make, Rng
from tests.tiny.writer import NONE, RELU, Writer


def _matrix(writer: Writer, rng: Rng, *shape: int, constant: bool) -> int:
    if not constant:
        return writer.input(shape, draw.scale(rng), draw.zero(rng))
    return writer.tensor(
        shape, scale=draw.scale(rng), zero_point=draw.zero(rng), data=rng.integers(-128, 128, shape)
    )


def _output(writer: Writer, rng: Rng, a: int, b: int, inner: int, *shape: int) -> int:
    scales = [float(writer.graph.tensors[key].quantization.scale[0]) for key in (a, b)]
    spread = scales[0] * scales[1] * 80 * 80 * inner**0.5
    return writer.tensor(shape, scale=spread / rng.uniform(20, 200), zero_point=draw.zero(rng))


def batch_matmul(writer: Writer, rng: Rng) -> list[int]:
    m, k, n = (int(size) for size in rng.integers(1, 20, 3))
    outer_a, outer_b = [((), ()), ((1, 3), (1, 3)), ((2, 1), (2, 3)), ((3,), (1,)), ((1,), (3,)), ((2, 3), ())][
        draw.pick(rng, 0, 1, 2, 3, 4, 5)
    ]
    turned_a, turned_b = (bool(rng.random() < 0.5) for _ in range(2))
    constant = draw.pick(rng, 0, 0, 1, 2)
    a = _matrix(writer, rng, *outer_a, *((k, m) if turned_a else (m, k)), constant=constant == 1)
    b = _matrix(writer, rng, *outer_b, *((n, k) if turned_b else (k, n)), constant=constant == 2)
    made = (*np.broadcast_shapes(outer_a, outer_b), m, n)
    output = _output(writer, rng, a, b, k, *made)
    writer.op("BATCH_MATMUL", [a, b], [output], version=2, adjX=turned_a, adjY=turned_b)
    return [output]


def computed_weights(writer: Writer, rng: Rng) -> list[int]:
    rows, inner, outputs = draw.pick(rng, 1, 2, 5), int(rng.integers(1, 40)), int(rng.integers(1, 12))
    image = writer.input((rows, inner), draw.scale(rng), draw.zero(rng))
    weights = _matrix(writer, rng, outputs, inner, constant=rng.random() < 0.3)
    scale = np.prod([writer.graph.tensors[key].quantization.scale[0] for key in (image, weights)])
    bias = writer.tensor((outputs,), "int32", scale, data=rng.integers(-9000, 9000, outputs))
    output = _output(writer, rng, image, weights, inner, rows, outputs)
    writer.op(
        "FULLY_CONNECTED", [image, weights, bias if rng.random() < 0.5 else -1], [output], version=4,
        fusedActivationFunction=draw.pick(rng, NONE, RELU),
    )  # fmt: skip
    return [output]


ZOO: dict[str, Make] = {
    "batch_matmul": batch_matmul,
    "computed_weights": computed_weights,
}
