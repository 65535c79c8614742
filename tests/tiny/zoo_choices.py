"""Small models of rows set in proportion, of choices, of look-ups by indices, and of wider integers."""

from __future__ import annotations

import numpy as np

from tests.tiny import draw
from tests.tiny.draw import Make, Rng
from tests.tiny.writer import NONE, RELU, Writer


def log_softmax(writer: Writer, rng: Rng) -> list[int]:
    shape = (draw.pick(rng, 1, 1, 3), int(rng.integers(1, 40)))
    image = writer.input(shape, float(np.float32(10.0 ** rng.uniform(-3, 0.5))), draw.zero(rng))
    output = writer.tensor(shape, scale=1 / 16, zero_point=127)
    writer.op("LOG_SOFTMAX", [image], [output], version=2)
    return [output]


def l2_norm(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng, draw.pick(rng, 1, 2, 3, 16, 300))
    output = writer.tensor(draw.shape(writer, image), scale=1 / 128, zero_point=0)
    writer.op("L2_NORMALIZATION", [image], [output])
    return [output]


def softmax_to_int16(writer: Writer, rng: Rng) -> list[int]:
    shape = (draw.pick(rng, 1, 3), int(rng.integers(1, 40)))
    image = writer.input(shape, draw.scale(rng), draw.zero(rng))
    wide = writer.tensor(shape, "int16", 1 / 65536, -32768)
    output = writer.tensor(shape, "int32", rng.uniform(1e-5, 1e-4))
    writer.op("SOFTMAX", [image], [wide], version=3, beta=1.0)
    writer.op("QUANTIZE", [wide], [output], version=3)
    return [wide, output]


def quantize_int16(writer: Writer, rng: Rng) -> list[int]:
    source = writer.input((1, int(rng.integers(1, 99))), 10.0 ** rng.uniform(-4, -2), 0, "int16")
    output = writer.tensor(draw.shape(writer, source), scale=draw.scale(rng), zero_point=draw.zero(rng))
    writer.op("QUANTIZE", [source], [output], version=3)
    return [output]


def arg_max(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    shape, axis = draw.shape(writer, image), draw.pick(rng, 1, 2, 3)
    outputs = [writer.tensor(shape[:axis] + shape[axis + 1 :], "int32") for _ in range(2)]
    writer.op("ARG_MAX", [image, writer.ints(axis)], outputs[:1], outputType=2)
    writer.op("ARG_MIN", [image, writer.ints(axis - 4)], outputs[1:], outputType=2)
    return outputs


def arg_max_to_int64(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    output = writer.tensor(draw.shape(writer, image)[:3], "int64")
    writer.op("ARG_MAX", [image, writer.ints(3)], [output], outputType=4)
    return [output]


def div(writer: Writer, rng: Rng) -> list[int]:
    """By what is never 0; and by no scales where TFLM shifts by more than 31 bits."""
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    some = [shape, (shape[3],), (1, 1, shape[2], 1), ()][draw.pick(rng, 0, 1, 2, 3)]
    zero = draw.zero(rng)
    values = rng.choice(np.setdiff1d(np.arange(-128, 128), [zero]), some)
    divisor = writer.tensor(some, scale=draw.scale(rng), zero_point=zero, data=values)
    ratio = writer.graph.tensors[image].quantization.scale[0] / writer.graph.tensors[divisor].quantization.scale[0]
    output = writer.tensor(shape, scale=ratio / rng.uniform(128, 4000), zero_point=draw.zero(rng))
    activation = draw.pick(rng, NONE, RELU)
    writer.op("DIV", [image, divisor], [output], fusedActivationFunction=activation)
    return [output]


def select(writer: Writer, rng: Rng) -> list[int]:
    """By a comparison of two tensors, the second broadcast."""
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    small = [shape, (1, 1, 1, shape[3]), (1, shape[1], 1, 1)][draw.pick(rng, 0, 1, 2)]
    other = writer.input(small, draw.scale(rng), draw.zero(rng))
    names = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
    holds = writer.tensor(shape, "bool")
    writer.op(names[int(rng.integers(6))], [image, other], [holds])
    choices = [draw.like(writer, image, shape) for _ in range(2)]
    writer.graph.inputs.extend(choices)
    output = draw.like(writer, image, shape)
    writer.op("SELECT_V2", [holds, *choices], [output], version=1)
    return [output, holds]


def gather_at_run_time(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    shape, axis = draw.shape(writer, image), draw.pick(rng, 1, 2, 3)
    indices = writer.indices((int(rng.integers(1, 5)),), 0, shape[axis])
    made = (*shape[:axis], *draw.shape(writer, indices), *shape[axis + 1 :])
    output = draw.like(writer, image, made)
    writer.op("GATHER", [image, indices], [output], version=2, axis=axis)
    return [output]


def embedding(writer: Writer, rng: Rng) -> list[int]:
    """EMBEDDING_LOOKUP; and GATHER as Keras has it, where negative indices count from the end."""
    size, depth = int(rng.integers(2, 30)), int(rng.integers(1, 9))
    scale, zero = draw.scale(rng), draw.zero(rng)
    table = writer.tensor((size, depth), scale=scale, zero_point=zero, data=rng.integers(-128, 128, (size, depth)))
    ids, signed = writer.indices((5,), 0, size), writer.indices((1, 4), -size, size)
    holds = writer.tensor((1, 4), "bool")
    raised, picked = writer.tensor((1, 4), "int32"), writer.tensor((1, 4), "int32")
    outputs = [writer.tensor(shape, scale=scale, zero_point=zero) for shape in ((5, depth), (1, 4, depth))]
    writer.op("EMBEDDING_LOOKUP", [ids, table], outputs[:1], version=1)
    writer.op("LESS", [signed, writer.ints(0)], [holds], version=1)
    writer.op("ADD", [signed, writer.ints(size)], [raised], version=1)
    writer.op("SELECT", [holds, raised, signed], [picked], version=1)
    writer.op("GATHER", [table, picked], outputs[1:], version=2, axis=0)
    return outputs


ZOO: dict[str, Make] = {
    "log_softmax": log_softmax,
    "l2_norm": l2_norm,
    "softmax_to_int16": softmax_to_int16,
    "quantize_int16": quantize_int16,
    "arg_max": arg_max,
    "arg_max_to_int64": arg_max_to_int64,
    "div": div,
    "select": select,
    "gather_at_run_time": gather_at_run_time,
    "embedding": embedding,
}
