"""Products of matrices: with weights, and of two tensors that are both computed."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import FullyConnected, MatMul, Op, Rearrange, Reshape
from touchline.tiny.translate.layers import weighted
from touchline.tiny.translate.moves import permuted
from touchline.tiny.translate.translation import Translation, Unsupported


def fully_connected(t: Translation, op: RawOp) -> Iterator[Op]:
    if op.options["WeightsFormat"] != 0:
        raise Unsupported("has shuffled weights")
    weights = t.use(op.inputs[1])
    if weights.data is None or (weights.quant is not None and any(weights.quant.zero_points)):
        yield from _computed_weights(t, op)
        return
    inputs = weighted(t, op, 0, 1, 2)
    clamp = t.clamp(op, t.tensors[op.outputs[0]])
    yield FullyConnected(inputs=inputs, output=op.outputs[0], place=t.place, clamp=clamp)


def _computed_weights(t: Translation, op: RawOp) -> Iterator[Op]:
    image, weights = t.quantised(op.inputs[0]), t.quantised(op.inputs[1])
    output = t.quantised(op.outputs[0])
    if len(weights.shape) != 2:
        raise Unsupported(f"has a filter {weights.shape}, not two axes")
    bias = (*op.inputs, -1)[2]
    if bias >= 0 and t.use(bias, "int32").data is None:
        raise Unsupported("computes its bias at run time")
    rows = t.between(op.inputs[0], "as rows", (image.elements // weights.shape[1], weights.shape[1]))
    yield Reshape(inputs=op.inputs[:1], output=rows, place=t.place)
    yield MatMul(
        inputs=(rows, op.inputs[1], *([bias] if bias >= 0 else [])),
        output=op.outputs[0],
        place=t.place,
        transposed=True,
        clamp=t.clamp(op, output),
    )


def batch_matmul(t: Translation, op: RawOp) -> Iterator[Op]:
    shapes = [t.quantised(key).shape for key in op.inputs]
    t.quantised(op.outputs[0])
    if len(shapes) != 2 or min(map(len, shapes)) < 2:
        raise Unsupported(f"multiplies {' by '.join(map(str, shapes))}")
    if op.options["AdjX"]:
        order = [*range(len(shapes[0]) - 2), len(shapes[0]) - 1, len(shapes[0]) - 2]
        key = t.between(op.inputs[0], "transposed", tuple(shapes[0][axis] for axis in order))
        yield permuted(t, op.inputs[0], key, shapes[0], order)
    else:
        key = op.inputs[0]
    keys: list[int] = []
    outer = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
    for source in (key, op.inputs[1]):
        shape = t.tensors[source].shape
        if prod(shape[:-2]) in (1, prod(outer)):
            keys.append(source)
            continue
        whole = (*(1,) * (len(outer) + 2 - len(shape)), *shape)
        wide = (*outer, *shape[-2:])
        keys.append(t.between(source, "repeated", wide))
        stride = tuple(prod(whole[axis + 1 :]) if whole[axis] == size else 0 for axis, size in enumerate(wide))
        yield Rearrange(inputs=(source,), output=keys[-1], place=t.place, offset=0, size=wide, stride=stride)
    yield MatMul(inputs=tuple(keys), output=op.outputs[0], place=t.place, transposed=bool(op.options["AdjY"]))
