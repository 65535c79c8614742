"""Operators that have a state of their own: LSTM and SVDF."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import tflite

from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import Lstm, Op, Quant, Reshape, SvdfState, SvdfTime, Tensor
from touchline.tiny.translate.translation import Translation, Unsupported


def lstm(t: Translation, op: RawOp) -> Iterator[Op]:
    keys = (*op.inputs, *[-1] * (24 - len(op.inputs)))
    for what, unwanted in (("peepholes", keys[9:12]), ("a projection", keys[16:18]), ("layer norms", keys[20:24])):
        if any(key >= 0 for key in unwanted):
            raise Unsupported(f"has {what}")
    if any(key < 0 for key in keys[1:9]):
        raise Unsupported("couples its input gate to its forget gate")
    source, target = t.quantised(keys[0]), t.quantised(op.outputs[0])
    state, cell = t.raw.tensors[keys[18]], t.raw.tensors[keys[19]]
    if state.dtype != "int8" or cell.dtype != "int16" or len(state.scales) != 1 or len(cell.scales) != 1:
        raise Unsupported(f"has a state of {state.dtype} and a cell of {cell.dtype}, not int8 and int16")
    power, bits = math.frexp(cell.scales[0])
    shape = source.shape
    if power != 0.5 or any(cell.zero_points) or len(shape) != 3 or 1 not in shape[:2]:
        raise Unsupported(f"has the input {shape} and a cell of scale {cell.scales[0]:g}")
    if shape[1 if op.options["TimeMajor"] else 0] != 1:
        raise Unsupported(f"has more than one sequence ({shape})")
    if op.options["FusedActivationFunction"] != tflite.ActivationFunctionType.TANH or op.options["ProjClip"] > 0:
        raise Unsupported("has another activation than TANH, or clips a projection")
    for key in keys[1:9]:
        if t.use(key).data is None:
            raise Unsupported("computes its weights at run time")
    biases = [key if key >= 0 else _no_bias(t, state.shape[-1]) for key in keys[12:16]]
    if any(t.use(key, "int32").data is None for key in biases):
        raise Unsupported("computes its bias at run time")
    first, last = keys[0], op.outputs[0]
    if op.options["TimeMajor"]:
        first = t.between(keys[0], "batch first", (1, *shape[:1], *shape[2:]))
        last = t.between(op.outputs[0], "batch first", (1, *target.shape[:1], *target.shape[2:]))
        yield Reshape(inputs=keys[:1], output=first, place=t.place)
    yield Lstm(
        inputs=(first, *keys[1:9], *biases),
        output=last,
        place=t.place,
        state=Quant(state.scales, state.zero_points or (0,)),
        cell_bits=bits - 1,
        cell_clip=min(int(op.options["CellClip"] / cell.scales[0]), 32767),
    )
    if op.options["TimeMajor"]:
        yield Reshape(inputs=(last,), output=op.outputs[0], place=t.place)


def _no_bias(t: Translation, size: int) -> int:
    return t.add(Tensor("no bias", (size,), "int32", None, np.zeros(size, np.int32)))


def svdf(t: Translation, op: RawOp) -> Iterator[Op]:
    """Its state is what a variable is elsewhere: an input and an output, which the caller hands on."""
    frame, _ = t.quantised(op.inputs[0]), t.quantised(op.outputs[0])
    features = t.quantised(op.inputs[1])
    times, before = t.quantised(op.inputs[2], "int8", "int16"), t.quantised(op.inputs[4], "int8", "int16")
    keys = (*op.inputs[1:3], *(key for key in op.inputs[3:4] if key >= 0))
    if any(t.use(key, "int8", "int16", "int32").data is None for key in keys):
        raise Unsupported("computes its weights or its bias at run time")
    if times.dtype != before.dtype or any(features.q.zero_points) or any(times.q.zero_points):
        raise Unsupported(f"has {times.dtype} weights for a state of {before.dtype}, or weights with a zero point")
    if len(frame.shape) != 2 or frame.shape[0] != 1:
        raise Unsupported(f"has the input {frame.shape}, not one frame")
    after = t.between(op.inputs[4], "moved on", before.shape)
    name = f"{t.place} {before.name}"
    t.read[name], t.written[name] = op.inputs[4], after
    yield SvdfState(inputs=(op.inputs[0], op.inputs[4], op.inputs[1]), output=after, place=t.place)
    yield SvdfTime(inputs=(after, *keys[1:]), output=op.outputs[0], place=t.place, rank=op.options["Rank"])
