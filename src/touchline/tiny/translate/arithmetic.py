"""Operators that compute without weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from touchline.tiny.activations import TABLES, requantising_table
from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import Binary, Clamp, Lookup, Op, Reduce, Softmax
from touchline.tiny.translate.moves import axes_of, permuted
from touchline.tiny.translate.translation import Translation, Unsupported


def binary(t: Translation, op: RawOp) -> Iterator[Op]:
    for key in op.inputs:
        t.quantised(key)
    output = t.quantised(op.outputs[0])
    if all(t.tensors[key].data is not None for key in op.inputs):
        raise Unsupported("has constant inputs only")
    if len(op.inputs) != 2:
        raise Unsupported(f"has {len(op.inputs)} inputs")
    kind = cast(Any, op.name.lower())
    if kind in ("maximum", "minimum") and any(t.tensors[key].quant != output.quant for key in op.inputs):
        raise Unsupported("has inputs of other scales than its output")
    clamp = t.clamp(op, output) if kind in ("add", "sub", "mul") else Clamp()
    yield Binary(inputs=op.inputs, output=op.outputs[0], place=t.place, kind=kind, clamp=clamp)


def lookup(t: Translation, op: RawOp) -> Iterator[Op]:
    source = t.quantised(op.inputs[0]).q
    target = t.quantised(op.outputs[0]).q
    name = "GELU, approximate" if op.name == "GELU" and op.options["Approximate"] else op.name
    table = TABLES[name](source, target, float(op.options.get("Alpha", 0.0)))
    yield Lookup(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, function=op.name, table=table)


def quantise(t: Translation, op: RawOp) -> Iterator[Op]:
    source = t.quantised(op.inputs[0], "int8", "uint8")
    target = t.quantised(op.outputs[0], "int8", "uint8")
    table = requantising_table(source, target)
    yield Lookup(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, function=op.name, table=table)


def softmax(t: Translation, op: RawOp) -> Iterator[Op]:
    t.quantised(op.inputs[0])
    target = t.quantised(op.outputs[0]).q
    if target.zero_point != -128 or abs(target.scale - 1 / 256) > 1e-3 / 256:
        raise Unsupported(
            f"has the output scale {target.scale:g} and zero point {target.zero_point}, not 1/256, -128"
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
