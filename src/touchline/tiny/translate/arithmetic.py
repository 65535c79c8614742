"""Operators that compute without weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from touchline.tiny.activations import TABLES, requantising_table
from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import (
    COMPARISONS,
    ArgMax,
    Binary,
    Clamp,
    L2Norm,
    Lookup,
    Op,
    Reduce,
    Requantise,
    Select,
    Softmax,
)
from touchline.tiny.translate.moves import axes_of, permuted
from touchline.tiny.translate.translation import Translation, Unsupported


def binary(t: Translation, op: RawOp) -> Iterator[Op]:
    kind = cast(Any, op.name.lower())
    for key in op.inputs:
        t.quantised(key)
    output = t.use(op.outputs[0], "bool") if kind in COMPARISONS else t.quantised(op.outputs[0])
    if all(t.tensors[key].data is not None for key in op.inputs):
        raise Unsupported("has constant inputs only")
    if len(op.inputs) != 2:
        raise Unsupported(f"has {len(op.inputs)} inputs")
    if kind in ("maximum", "minimum") and any(t.tensors[key].quant != output.quant for key in op.inputs):
        raise Unsupported("has inputs of other scales than its output")
    clamp = t.clamp(op, output) if kind in ("add", "sub", "mul", "div") else Clamp()
    yield Binary(inputs=op.inputs, output=op.outputs[0], place=t.place, kind=kind, clamp=clamp)


def select(t: Translation, op: RawOp) -> Iterator[Op]:
    condition = t.use(op.inputs[0], "bool")
    for key in (*op.inputs[1:], *op.outputs):
        t.quantised(key)
    if op.name == "SELECT" and len(condition.shape) == 1 and len(t.tensors[op.outputs[0]].shape) > 1:
        raise Unsupported("chooses whole rows")
    yield Select(inputs=op.inputs, output=op.outputs[0], place=t.place)


def l2_norm(t: Translation, op: RawOp) -> Iterator[Op]:
    t.quantised(op.inputs[0])
    t.quantised(op.outputs[0])
    if op.options["FusedActivationFunction"]:
        raise Unsupported("fuses an activation")
    yield L2Norm(inputs=op.inputs[:1], output=op.outputs[0], place=t.place)


def arg_max(t: Translation, op: RawOp) -> Iterator[Op]:
    shape = t.quantised(op.inputs[0]).shape
    t.use(op.outputs[0], "int32", "int64")
    (axis,) = axes_of(t.constant(op.inputs[1]), len(shape))
    kind = "max" if op.name == "ARG_MAX" else "min"
    yield ArgMax(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, kind=kind, axis=axis)


def log_softmax(t: Translation, op: RawOp) -> Iterator[Op]:
    t.quantised(op.inputs[0])
    target = t.quantised(op.outputs[0]).q
    if (target.scale, target.zero_point) != (1 / 16, 127):
        raise Unsupported(
            f"has the output scale {target.scale:g} and zero point {target.zero_point}, not 1/16, 127"
        )
    yield Softmax(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, log=True)


def lookup(t: Translation, op: RawOp) -> Iterator[Op]:
    source = t.quantised(op.inputs[0]).q
    target = t.quantised(op.outputs[0]).q
    name = "GELU, approximate" if op.name == "GELU" and op.options["Approximate"] else op.name
    table = TABLES[name](source, target, float(op.options.get("Alpha", 0.0)))
    yield Lookup(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, function=op.name, table=table)


def quantise(t: Translation, op: RawOp) -> Iterator[Op]:
    wide = ("int16", "int32")
    source = t.quantised(op.inputs[0], "int8", "uint8", *wide)
    target = t.quantised(op.outputs[0], "int8", "uint8", *wide)
    if source.dtype in wide or target.dtype in wide:
        yield Requantise(inputs=op.inputs[:1], output=op.outputs[0], place=t.place)
        return
    table = requantising_table(source, target)
    yield Lookup(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, function=op.name, table=table)


def softmax(t: Translation, op: RawOp) -> Iterator[Op]:
    t.quantised(op.inputs[0])
    target = t.quantised(op.outputs[0], "int8", "int16")
    bits = 8 if target.dtype == "int8" else 16
    if target.q.zero_point != -(1 << bits - 1) or abs(target.q.scale * (1 << bits) - 1) > 1e-3:
        raise Unsupported(
            f"has the output scale {target.q.scale:g} and zero point {target.q.zero_point}, not 1/{1 << bits}, "
            f"{-(1 << bits - 1)}"
        )
    beta = float(op.options["Beta"])
    yield Softmax(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, beta=beta)


def reduce(t: Translation, op: RawOp) -> Iterator[Op]:
    source, target = t.quantised(op.inputs[0]), t.quantised(op.outputs[0])
    kind = cast(Any, {"MEAN": "mean", "SUM": "sum"}.get(op.name, "max"))
    if kind == "max" and source.quant != target.quant:
        raise Unsupported("has an input of another scale than its output")
    axes = axes_of(t.constant(op.inputs[1]), len(source.shape))
    key, made = op.inputs[0], op.outputs[0]
    between = [axis for axis in range(axes[0], axes[-1]) if axis not in axes and source.shape[axis] != 1]
    if between:  # those that are reduced go behind the others
        order = [*(axis for axis in range(len(source.shape)) if axis not in axes), *axes]
        moved = t.between(key, "transposed", tuple(source.shape[axis] for axis in order))
        yield permuted(t, key, moved, source.shape, order)
        key, axes = moved, tuple(range(len(order) - len(axes), len(order)))
    if op.name == "REDUCE_MIN":  # the largest of the values from the other end
        turned = t.between(key, "turned", t.tensors[key].shape)
        yield Lookup(inputs=(key,), output=turned, place=t.place, function="~", table=_TURNED)
        key, made = turned, t.between(made, "turned", target.shape)
    yield Reduce(inputs=(key,), output=made, place=t.place, kind=kind, axes=axes)
    if op.name == "REDUCE_MIN":
        yield Lookup(inputs=(made,), output=op.outputs[0], place=t.place, function="~", table=_TURNED)


_TURNED = tuple(range(127, -129, -1))
