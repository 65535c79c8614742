"""What every graph must hold before anything else relies on it: read from a file, or changed by passes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from touchline.tiny.graph import (
    ArgMax,
    Banded,
    Binary,
    Concat,
    Conv2D,
    ConvAdd,
    DepthwiseConv2D,
    FullyConnected,
    Gather,
    Graph,
    L2Norm,
    Lookup,
    Lstm,
    MatMul,
    Op,
    Pad,
    Padding,
    Pair,
    Pool2D,
    Quant,
    Rearrange,
    Reduce,
    Requantise,
    Reshape,
    Resize,
    Select,
    Softmax,
    StridedSlice,
    SvdfState,
    SvdfTime,
    Take,
    Tensor,
    TransposeConv2D,
)
from touchline.types.errors import ModelError


def verify(graph: Graph) -> None:
    """Everything that the rest of the compiler relies on.

    Raises `ModelError` with all that is wrong, each with its place.
    """
    problems: list[str] = []
    known = {key for key, tensor in graph.tensors.items() if tensor.data is not None} | set(graph.inputs)
    for key, tensor in graph.tensors.items():
        if any(size < 1 for size in tensor.shape):
            problems.append(f"tensor {tensor.name!r} has the shape {tensor.shape}, not fixed and positive sizes")
        if tensor.data is not None and (
            tensor.data.shape != tensor.shape or tensor.data.dtype != np.dtype(tensor.dtype)
        ):
            problems.append(
                f"tensor {tensor.name!r} holds {tensor.data.dtype} {tensor.data.shape}, not what it says"
            )
        if key in graph.inputs and tensor.data is not None:
            problems.append(f"input {tensor.name!r} is a constant")
    for op in graph.ops:
        problems.extend(
            f"{op.place} reads tensor {key} before it is made" for key in op.inputs if key not in known
        )
        if op.output in known:
            problems.append(f"{op.place} writes tensor {op.output} a second time")
        known.add(op.output)
        problems.extend(f"{op.place} {what}" for what in _misfits(graph, op))
    problems.extend(f"output {key} is made by nothing" for key in graph.outputs if key not in known)
    if not graph.ops:
        problems.append("it has no operator")
    if problems:
        raise ModelError(f"{graph.name}: {'; '.join(problems)}; export the model again")


def _misfits(graph: Graph, op: Op) -> Iterator[str]:
    tensors = [graph.tensors[key] for key in op.inputs if key in graph.tensors]
    output = graph.tensors[op.output]
    if len(tensors) != len(op.inputs):
        return
    match op:
        case ConvAdd():
            if tensors[-1].shape != output.shape or op.middle.shape != output.shape:
                yield f"sums {op.middle.shape} and {tensors[-1].shape} to {output.shape}"
            yield from _convolution(op, tensors[:-1], op.middle)
        case Banded():
            inside = graph.inside(op)
            for layer in op.chain:
                yield from _misfits(inside, layer)
            if op.rows < 1 or op.chain[-1].output != op.output or op.chain[0].inputs[0] != op.inputs[0]:
                yield f"makes {op.rows} rows at a time, or something else than its last convolution does"
        case Conv2D() | DepthwiseConv2D() | TransposeConv2D():
            yield from _convolution(op, tensors, output)
        case FullyConnected():
            weights = tensors[1]
            if len(weights.shape) != 2:
                yield f"has a filter {weights.shape}, not two axes"
                return
            if tensors[0].elements % weights.shape[1]:
                yield f"takes rows of {weights.shape[1]} from {tensors[0].shape}"
            elif output.elements != tensors[0].elements // weights.shape[1] * weights.shape[0]:
                yield f"gives {output.shape} from {tensors[0].shape} by {weights.shape}"
            yield from _weights(tensors, weights.shape[0])
        case MatMul():
            yield from _matrices(op, tensors, output)
        case Pool2D():
            if len(tensors[0].shape) != 4 or len(output.shape) != 4:
                yield f"must have four axes, has {tensors[0].shape} and {output.shape}"
                return
            if min(*op.stride, *op.window) < 1:
                yield f"has the window {op.window} and the stride {op.stride}"
                return
            yield from _spatial(tensors[0], output, op.window, op.stride, (1, 1), op.padding)
            yield from _same_quant(tensors[:1], output)
        case Binary():
            try:
                shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
            except ValueError:
                yield f"cannot broadcast {tensors[0].shape} with {tensors[1].shape}"
                return
            if shape != output.shape:
                yield f"gives {output.shape}, not {shape}"
        case Lookup():
            if len(op.table) != 256 or tensors[0].shape != output.shape:
                yield f"maps {tensors[0].shape} to {output.shape} by {len(op.table)} values"
        case Lstm():
            shapes = [tensor.shape for tensor in tensors]
            if len(shapes) != 13 or len(shapes[0]) != 3 or shapes[0][0] != 1 or len(output.shape) != 3:
                yield f"takes {shapes[:1]} and {len(shapes) - 1} constants"
                return
            inputs, state = shapes[0][2], output.shape[2]
            wanted = [(state, inputs)] * 4 + [(state, state)] * 4 + [(state,)] * 4
            if shapes[1:] != wanted or output.shape[:2] != shapes[0][:2]:
                yield f"gives {output.shape} from {shapes}"
            if not -15 <= op.cell_bits <= -1:
                yield f"has a cell of scale 2^{op.cell_bits}"
            if any(tensor.quant is None or len(tensor.quant.scales) != 1 for tensor in tensors[1:9]):
                yield "has weights with no single scale"
            elif any(any(tensor.q.zero_points) for tensor in tensors[1:9]):
                yield "has weights with a zero point other than 0"
        case SvdfState():
            image, state, weights = (tensor.shape for tensor in tensors)
            if len(weights) != 2 or image != (1, weights[1]) or prod(state) % weights[0] or state != output.shape:
                yield f"moves a state {state} on by {image} and a filter {weights}"
            yield from _same_quant(tensors[1:2], output)
        case SvdfTime():
            state, weights = tensors[0].shape, tensors[1].shape
            if len(weights) != 2 or prod(state) != prod(weights) or op.rank < 1 or weights[0] % op.rank:
                yield f"takes a state {state} by a filter {weights} of rank {op.rank}"
            elif output.shape != (1, weights[0] // op.rank):
                yield f"gives {output.shape} from {weights[0]} filters of rank {op.rank}"
            elif len(tensors) > 2 and (tensors[2].elements != output.elements or tensors[2].dtype != "int32"):
                yield f"has a {tensors[2].dtype} bias {tensors[2].shape} for {output.elements} outputs"
        case L2Norm():
            if tensors[0].shape != output.shape or output.q != Quant((1 / 128,), (0,)):
                yield f"gives {output.shape} of scale {output.q.scale:g} from {tensors[0].shape}"
        case ArgMax():
            shape = tensors[0].shape
            if not 0 <= op.axis < len(shape) or output.elements * shape[op.axis] != tensors[0].elements:
                yield f"gives {output.shape} from {shape} along axis {op.axis}"
            if output.dtype not in ("int32", "int64"):
                yield f"gives {output.dtype}"
        case Select():
            if tensors[0].dtype != "bool" or np.broadcast_shapes(*(t.shape for t in tensors)) != output.shape:
                yield f"chooses by {tensors[0].dtype} {tensors[0].shape} to {output.shape}"
            yield from _same_quant(tensors[1:], output)
        case Gather():
            data, indices = tensors
            shape = (*data.shape[: op.axis], *indices.shape, *data.shape[op.axis + 1 :])
            if not 0 <= op.axis < len(data.shape) or prod(shape) != output.elements or indices.dtype != "int32":
                yield f"takes {indices.dtype} {indices.shape} along axis {op.axis} of {data.shape}"
            yield from _same_quant(tensors[:1], output)
        case Softmax() | Requantise():
            if tensors[0].shape != output.shape:
                yield f"gives {output.shape} from {tensors[0].shape}"
        case Reduce():
            kept = prod(size for axis, size in enumerate(tensors[0].shape) if axis not in op.axes)
            if any(not 0 <= axis < len(tensors[0].shape) for axis in op.axes) or output.elements != kept:
                yield f"gives {output.shape} from {tensors[0].shape} over axes {op.axes}"
        case Concat():
            rank = len(output.shape)
            if not 0 <= op.axis < rank or any(len(tensor.shape) != rank for tensor in tensors):
                yield f"joins {[tensor.shape for tensor in tensors]} along axis {op.axis}"
                return
            joined = list(tensors[0].shape)
            joined[op.axis] = sum(tensor.shape[op.axis] for tensor in tensors)
            if tuple(joined) != output.shape:
                yield f"gives {output.shape}, not {tuple(joined)}"
            yield from _same_quant(tensors, output)
        case Pad():
            grown = tuple(a + b + c for a, b, c in zip(op.before, tensors[0].shape, op.after, strict=False))
            if grown != output.shape or min(*op.before, *op.after) < 0:
                yield f"gives {output.shape}, not {grown}"
            yield from _same_quant(tensors[:1], output)
        case Reshape():
            if tensors[0].elements != output.elements or tensors[0].dtype != output.dtype:
                yield f"makes {output.shape} of {tensors[0].shape}"
        case StridedSlice():
            shape = tensors[0].shape
            if (
                not len(shape) == len(op.begin) == len(op.stride) == len(op.size)
                or prod(op.size) != output.elements
            ):
                yield f"takes {op.size} of {shape}, gives {output.shape}"
                return
            last = [b + (n - 1) * s for b, n, s in zip(op.begin, op.size, op.stride, strict=True)]
            if any(not (0 <= b < n and 0 <= e < n) for b, e, n in zip(op.begin, last, shape, strict=True)):
                yield f"takes {op.begin} to {last} of {shape}"
            yield from _same_quant(tensors[:1], output)
        case Rearrange():
            reach = [(n - 1) * step for n, step in zip(op.size, op.stride, strict=False)]
            first = op.offset + sum(step for step in reach if step < 0)
            last = op.offset + sum(step for step in reach if step > 0)
            if len(op.size) != len(op.stride) or min(op.size, default=1) < 1 or prod(op.size) != output.elements:
                yield f"gives {output.shape} from {op.size} by {op.stride}"
            elif first < 0 or last >= tensors[0].elements:
                yield f"takes elements {first} to {last} of {tensors[0].elements}"
            yield from _same_quant(tensors[:1], output)
        case Take():
            shape = list(tensors[0].shape)
            if not 0 <= op.axis < len(shape) or not all(0 <= i < shape[op.axis] for i in op.indices):
                yield f"takes {op.indices} along axis {op.axis} of {tensors[0].shape}"
                return
            shape[op.axis] = len(op.indices)
            if prod(shape) != output.elements:
                yield f"gives {output.shape}, not {tuple(shape)}"
            yield from _same_quant(tensors[:1], output)
        case Resize():
            shape = tensors[0].shape
            if (
                len(shape) != 4
                or len(output.shape) != 4
                or (shape[0], shape[3]) != (output.shape[0], output.shape[3])
            ):
                yield f"gives {output.shape} from {shape}"
            yield from _same_quant(tensors[:1], output)
        case _:
            yield f"is a {type(op).__name__}, which the verifier does not know"


def _matrices(op: MatMul, tensors: list[Tensor], output: Tensor) -> Iterator[str]:
    a, b = tensors[0].shape, tensors[1].shape
    if min(len(a), len(b)) < 2:
        yield f"multiplies {a} by {b}"
        return
    b = (*b[:-2], b[-1], b[-2]) if op.transposed else b
    batches = {prod(a[:-2]), prod(b[:-2])}
    if a[-1] != b[-2] or (len(batches) > 1 and 1 not in batches):
        yield f"multiplies {a} by {b}"
    elif output.elements != max(batches) * a[-2] * b[-1]:
        yield f"gives {output.shape} from {a} by {b}"
    if len(tensors) > 2 and (tensors[2].elements != b[-1] or tensors[2].dtype != "int32"):
        yield f"has a {tensors[2].dtype} bias {tensors[2].shape} for {b[-1]} columns"


def _convolution(
    op: Conv2D | DepthwiseConv2D | TransposeConv2D, tensors: list[Tensor], output: Tensor
) -> Iterator[str]:
    image, weights = tensors[0], tensors[1]
    if len(image.shape) != 4 or len(weights.shape) != 4 or len(output.shape) != 4:
        yield f"must have four axes, has {image.shape}, {weights.shape}, {output.shape}"
        return
    depthwise = isinstance(op, DepthwiseConv2D)
    channels = weights.shape[3] if depthwise else weights.shape[0]
    if output.shape[3] != channels or output.shape[0] != image.shape[0]:
        yield f"gives {output.shape} from {channels} filters and {image.shape[0]} images"
    if depthwise and (channels % image.shape[3] or weights.shape[0] != 1):
        yield f"has a filter {weights.shape} for {image.shape[3]} channels"
    if not depthwise and weights.shape[3] != image.shape[3]:
        yield f"has a filter {weights.shape} for {image.shape[3]} channels"
    if min(*op.stride) < 1:
        yield f"has the stride {op.stride}"
        return
    if not isinstance(op, TransposeConv2D):
        yield from _spatial(image, output, weights.shape[1:3], op.stride, op.dilation, op.padding)
    yield from _weights(tensors, channels)


def _spatial(
    image: Tensor, output: Tensor, window: tuple[int, ...], stride: Pair, dilation: Pair, padding: Padding
) -> Iterator[str]:
    if min(padding.top, padding.bottom, padding.left, padding.right) < 0 or min(*dilation) < 1:
        yield f"has the padding {padding} and the dilation {dilation}"
        return
    for axis, before, after in ((0, padding.top, padding.bottom), (1, padding.left, padding.right)):
        reach = (window[axis] - 1) * dilation[axis] + 1
        size = (image.shape[1 + axis] + before + after - reach) // stride[axis] + 1
        if output.shape[1 + axis] != size:
            yield f"gives {output.shape} from {image.shape}, not {size} along axis {1 + axis}"


def _weights(tensors: list[Tensor], channels: int) -> Iterator[str]:
    weights = tensors[1]
    if weights.quant is None or len(weights.quant.scales) not in (1, channels):
        yield f"has {0 if weights.quant is None else len(weights.quant.scales)} scales for {channels} channels"
    elif any(weights.quant.zero_points):
        yield "has weights with a zero point other than 0"
    if len(tensors) > 2 and (tensors[2].elements != channels or tensors[2].dtype != "int32"):
        yield f"has a {tensors[2].dtype} bias {tensors[2].shape} for {channels} channels"


def _same_quant(tensors: list[Tensor], output: Tensor) -> Iterator[str]:
    for tensor in tensors:
        if tensor.quant != output.quant:
            yield f"would have to requantise {tensor.name!r} to {output.name!r}"
