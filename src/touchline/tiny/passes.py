"""The graph as the file has it → the graph as kernels run it: one list of passes, in order, ending in a check.

Pure: a graph goes in, a graph comes out. No pass changes a single bit of any output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from touchline.tiny import reference
from touchline.tiny.arrays import Ints
from touchline.tiny.check import verify
from touchline.tiny.graph import (
    Binary,
    Clamp,
    Conv2D,
    ConvAdd,
    DepthwiseConv2D,
    FullyConnected,
    Graph,
    Lookup,
    MatMul,
    Op,
    Pad,
    Padding,
    Pool2D,
    Rearrange,
    Reshape,
    Select,
    Tensor,
    TransposeConv2D,
)
from touchline.types.errors import ModelError


def drop_unused(graph: Graph) -> Graph:
    """Operators that no output depends on."""
    wanted = set(graph.outputs)
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if op.output in wanted:
            kept.append(op)
            wanted.update(op.inputs)
    return graph.with_ops(tuple(reversed(kept)))


def fold_pads(graph: Graph) -> Graph:
    """PAD with the zero point, along height and width, becomes padding of the convolutions that read it."""
    pads = {op.output: op for op in graph.ops if isinstance(op, Pad) and _is_spatial_zero(graph, op)}
    ops: list[Op] = []
    for op in graph.ops:
        pad = pads.get(op.inputs[0]) if isinstance(op, Conv2D | DepthwiseConv2D) else None
        if pad is not None and isinstance(op, Conv2D | DepthwiseConv2D):
            padding = Padding(
                op.padding.top + pad.before[1],
                op.padding.bottom + pad.after[1],
                op.padding.left + pad.before[2],
                op.padding.right + pad.after[2],
            )
            op = replace(op, inputs=(pad.inputs[0], *op.inputs[1:]), padding=padding)
        ops.append(op)
    return drop_unused(graph.with_ops(tuple(ops)))


def _is_spatial_zero(graph: Graph, pad: Pad) -> bool:
    edges = (*pad.before[:1], *pad.after[:1], *pad.before[3:], *pad.after[3:])
    return len(pad.before) == 4 and not any(edges) and pad.value == graph.tensors[pad.inputs[0]].q.zero_point


def widen_single_channels(graph: Graph) -> Graph:
    """A depthwise convolution of one channel is a convolution, whose kernels are the faster ones."""
    tensors = dict(graph.tensors)
    ops: list[Op] = []
    for op in graph.ops:
        filter_ = tensors[op.inputs[1]] if isinstance(op, DepthwiseConv2D) else None
        if isinstance(op, DepthwiseConv2D) and filter_ is not None and tensors[op.inputs[0]].shape[3] == 1:
            data = np.ascontiguousarray(np.asarray(filter_.data).transpose(3, 1, 2, 0))
            key = max(tensors) + 1
            tensors[key] = replace(filter_, shape=data.shape, data=data, quant=replace(filter_.q, axis=0))
            op = Conv2D(
                inputs=(op.inputs[0], key, *op.inputs[2:]),
                output=op.output,
                place=op.place,
                stride=op.stride,
                dilation=op.dilation,
                padding=op.padding,
                clamp=op.clamp,
            )
        ops.append(op)
    return replace(graph, tensors=tensors).with_ops(tuple(ops))


_INT8 = np.arange(-128, 128, dtype=np.int64)


def fold_functions(graph: Graph) -> Graph:
    """Arithmetic of one tensor, its tables and numbers is a table: 2·x, x·σ(x), x / (1 + |x|)."""
    known: dict[int, tuple[int, Ints]] = {}  # of each table's output: its input, and what it gives for int8
    ops: list[Op] = []
    for op in graph.ops:
        if isinstance(op, Binary | Select):
            op = _as_table(graph, op, known) or op
        if isinstance(op, Lookup) and graph.tensors[op.inputs[0]].dtype == "int8":
            source, before = known.get(op.inputs[0], (op.inputs[0], _INT8))
            known[op.output] = (source, np.array(op.table, np.int64)[before + 128])
        ops.append(op)
    return drop_unused(graph.with_ops(tuple(ops)))


def _as_table(graph: Graph, op: Binary | Select, known: dict[int, tuple[int, Ints]]) -> Lookup | None:
    made = graph.tensors[op.output]
    keys = {key for key in op.inputs if not graph.is_constant(key)}
    numbers = [graph.tensors[key] for key in op.inputs if graph.is_constant(key)]
    if any(graph.tensors[key].shape != made.shape for key in keys) or any(t.elements != 1 for t in numbers):
        return None
    # Tables of one tensor, unless it is a tensor itself that is computed with.
    seen = {key: known.get(key, (key, _INT8)) if len(keys) > 1 else (key, _INT8) for key in keys}
    sources = {source for source, _ in seen.values()}
    if len(sources) != 1 or graph.tensors[next(iter(sources))].dtype != "int8":
        return None
    values = [
        seen[key][1] if key in seen else np.asarray(graph.tensors[key].data).astype(np.int64).ravel()
        for key in op.inputs
    ]
    table = reference.table_of(graph, op, values)
    function = op.kind if isinstance(op, Binary) else "select"
    return Lookup(inputs=(sources.pop(),), output=op.output, place=op.place, function=function, table=table)


def fold_constants(graph: Graph) -> Graph:
    """What is computed from constants alone is a constant."""
    tensors = dict(graph.tensors)
    ops: list[Op] = []
    for op in graph.ops:
        if op.output not in graph.outputs and all(tensors[key].data is not None for key in op.inputs):
            made = reference.evaluate(replace(graph, tensors=tensors), op)
            tensors[op.output] = replace(tensors[op.output], data=made)
        else:
            ops.append(op)
    return replace(graph, tensors=tensors).with_ops(tuple(ops))


def expand_broadcasts(graph: Graph) -> Graph:
    """What no kernel repeats while it computes is repeated before."""
    tensors = dict(graph.tensors)
    ops: list[Op] = []
    for op in graph.ops:
        if isinstance(op, Binary | Select) and not _repeats(
            op, [tensors[key].shape for key in op.inputs], tensors
        ):
            shape = tensors[op.output].shape
            keys: list[int] = []
            for key in op.inputs:
                tensor = tensors[key]
                if tensor.shape == shape:
                    keys.append(key)
                    continue
                keys.append(max(tensors) + 1)
                if tensor.data is not None:
                    wide = np.ascontiguousarray(np.broadcast_to(tensor.data, shape))
                    tensors[keys[-1]] = replace(tensor, shape=shape, data=wide)
                    continue
                tensors[keys[-1]] = replace(tensor, name=f"{tensor.name} repeated", shape=shape)
                given = (1,) * (len(shape) - len(tensor.shape)) + tensor.shape
                stride = tuple(
                    0 if given[axis] != size else prod(given[axis + 1 :]) for axis, size in enumerate(shape)
                )
                repeat = Rearrange(
                    inputs=(key,), output=keys[-1], place=op.place, offset=0, size=shape, stride=stride
                )
                ops.append(repeat)
            op = replace(op, inputs=tuple(keys))
        ops.append(op)
    return replace(graph, tensors=tensors).with_ops(tuple(ops))


def _repeats(op: Binary | Select, shapes: list[tuple[int, ...]], tensors: dict[int, Tensor]) -> bool:
    """Whether the kernel of ``op`` repeats its smaller input itself: one run of axes, its second input."""
    shape = tensors[op.output].shape
    if isinstance(op, Select):
        return all(each == shape for each in shapes)
    commutes = op.kind in ("add", "mul", "maximum", "minimum", "squared_difference", "equal", "not_equal")
    pairs = [(shapes[0], shapes[1])] + ([(shapes[1], shapes[0])] if commutes else [])
    for large, small in pairs:
        small = (1,) * (len(shape) - len(small)) + small
        differing = [axis for axis, size in enumerate(shape) if small[axis] != size]
        run = range(differing[0], differing[-1] + 1) if differing else range(0)
        if large == shape and all(small[axis] == 1 for axis in run):
            return True
    return False


def merge_lookups(graph: Graph) -> Graph:
    """A table read through another is one table."""
    made = {op.output: op for op in graph.ops if isinstance(op, Lookup)}
    ops: list[Op] = []
    for op in graph.ops:
        before = made.get(op.inputs[0]) if isinstance(op, Lookup) else None
        if before is not None and isinstance(op, Lookup) and graph.tensors[before.output].dtype == "int8":
            table = tuple(op.table[value + 128] for value in before.table)
            op = replace(op, inputs=before.inputs, function=f"{before.function}, {op.function}", table=table)
            made[op.output] = op
        ops.append(op)
    return drop_unused(graph.with_ops(tuple(ops)))


_Bounded = Conv2D | DepthwiseConv2D | TransposeConv2D | FullyConnected | MatMul | Pool2D | Binary


def fuse_activations(graph: Graph) -> Graph:
    """A table that only clamps becomes the bounds of what makes its input."""
    ops = list(graph.ops)
    for lookup in [op for op in ops if isinstance(op, Lookup)]:
        key = lookup.inputs[0]
        clamp = _as_clamp(lookup)
        maker = next((op for op in ops if op.output == key), None)
        alone = sum(key in op.inputs for op in ops) == 1 and key not in graph.outputs
        if clamp is None or maker is None or not alone or graph.tensors[lookup.output].dtype != "int8":
            continue
        if not isinstance(maker, _Bounded):
            continue
        if isinstance(maker, Binary) and maker.kind not in ("add", "sub", "mul", "div"):
            continue
        bounds = Clamp(*(min(max(edge, clamp.low), clamp.high) for edge in (maker.clamp.low, maker.clamp.high)))
        if graph.tensors[key].quant != graph.tensors[lookup.output].quant:
            continue
        ops[ops.index(maker)] = replace(maker, output=lookup.output, clamp=bounds)
        ops.remove(lookup)
    return graph.with_ops(tuple(ops))


def _as_clamp(lookup: Lookup) -> Clamp | None:
    low, high = lookup.table[0], lookup.table[-1]
    clamped = tuple(min(max(value, low), high) for value in range(-128, 128))
    return Clamp(low, high) if low <= high and clamped == lookup.table else None


def fuse_residuals(graph: Graph) -> Graph:
    """A convolution whose only reader is an ADD sums into the ADD's other input, if that is not read again."""
    ops = list(graph.ops)
    for add in [op for op in ops if isinstance(op, Binary) and op.kind == "add"]:
        for position in (0, 1):
            conv_key, other = add.inputs[position], add.inputs[1 - position]
            conv = next((op for op in ops if op.output == conv_key), None)
            if not isinstance(conv, Conv2D) or isinstance(conv, ConvAdd) or conv_key == other:
                continue
            if (
                graph.tensors[conv_key].shape != graph.tensors[other].shape
                or graph.tensors[other].data is not None
            ):
                continue
            if (
                sum(conv_key in op.inputs for op in ops) != 1
                or conv_key in graph.outputs
                or other in graph.outputs
            ):
                continue
            root = storage(graph)
            if root[conv.inputs[0]] == root[other]:
                continue
            where = ops.index(add)
            readers = [
                op for op in ops if op is not add and any(root.get(key) == root[other] for key in op.inputs)
            ]
            if any(ops.index(op) > where for op in readers) or graph.tensors[add.output].shape[0] != 1:
                continue
            fused = ConvAdd(
                inputs=(*conv.inputs, other),
                output=add.output,
                place=f"{conv.place} with {add.place}",
                stride=conv.stride,
                dilation=conv.dilation,
                padding=conv.padding,
                clamp=conv.clamp,
                middle=graph.tensors[conv_key],
                add_clamp=add.clamp,
            )
            ops[where] = fused
            ops.remove(conv)
            break
    return graph.with_ops(tuple(ops))


def storage(graph: Graph) -> dict[int, int]:
    """Tensor → the tensor whose bytes it shares: a reshaped one shares those of what was reshaped."""
    root: dict[int, int] = {key: key for key in graph.tensors}
    for op in graph.ops:
        if isinstance(op, Reshape):
            root[op.output] = root[op.inputs[0]]
    return root


def check_spec(graph: Graph) -> Graph:
    """What lowering relies on, said once more after all passes.

    Raises `ModelError` where a pass, or the model, left something else.
    """
    verify(graph)
    for op in graph.ops:
        if all(graph.is_constant(key) for key in op.inputs):
            raise ModelError(
                f"{graph.name}: {op.place} has constant inputs only; export the model with them folded"
            )
    return graph


PASSES: tuple[Callable[[Graph], Graph], ...] = (
    fold_constants,
    drop_unused,
    fold_pads,
    widen_single_channels,
    fold_functions,
    expand_broadcasts,
    merge_lookups,
    fuse_activations,
    fuse_residuals,
    check_spec,
)
"""In this order."""


def run_passes(graph: Graph) -> Graph:
    for step in PASSES:
        graph = step(graph)
    return graph
