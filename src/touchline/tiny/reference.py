"""What each operator means: a plain interpreter in numpy, bit for bit TFLite's reference kernels.

Slow and simple on purpose. The generated C is compared with it, and it with LiteRT.
"""

from __future__ import annotations

from math import prod
from typing import cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from touchline.tiny import elementwise, numerics, recurrent, rows
from touchline.tiny.arrays import Array, Ints
from touchline.tiny.elementwise import zero_of
from touchline.tiny.fixed_point import (
    requantise,
    wrap,
)
from touchline.tiny.graph import (
    SIZES,
    ArgMax,
    Banded,
    Binary,
    Clamp,
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
from touchline.types.errors import ModelError, ShapeError


def run(graph: Graph, *inputs: Array) -> list[Array]:
    """One array per input of ``graph``, of its shape and dtype → one per output.

    Raises `ShapeError` where an input does not fit.
    """
    values = run_all(graph, *inputs)
    return [values[key] for key in graph.outputs]


def run_all(graph: Graph, *inputs: Array) -> dict[int, Array]:
    """Like `run`, but every tensor by its key."""
    values: dict[int, Array] = {key: t.data for key, t in graph.tensors.items() if t.data is not None}
    if len(inputs) != len(graph.inputs):
        raise ShapeError(f"{graph.name}: takes {len(graph.inputs)} inputs, got {len(inputs)}")
    for key, array in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[key]
        if array.shape != tensor.shape or array.dtype != np.dtype(tensor.dtype):
            raise ShapeError(
                f"{graph.name}: input {tensor.name} must be {tensor.dtype} {tensor.shape}, "
                f"is {array.dtype} {array.shape}"
            )
        values[key] = array
    for op in graph.ops:
        values[op.output] = _computed(graph, op, [values[key] for key in op.inputs])
    return values


def evaluate(graph: Graph, op: Op) -> Array:
    """What ``op`` gives, all of whose inputs are constants."""
    return _computed(graph, op, [np.asarray(graph.tensors[key].data) for key in op.inputs])


def _computed(graph: Graph, op: Op, inputs: list[Array]) -> Array:
    output = graph.tensors[op.output]
    made = _evaluate(graph, op, [np.asarray(array).astype(np.int64) for array in inputs])
    return made.reshape(output.shape).astype(output.dtype)


def table_of(graph: Graph, op: Op, values: list[Ints]) -> tuple[int, ...]:
    """What ``op``, which computes element by element, gives for ``values``: of each input one number, or 256."""
    return tuple(int(value) for value in np.broadcast_to(_evaluate(graph, op, values), (256,)))


def _evaluate(graph: Graph, op: Op, x: list[Ints]) -> Ints:
    tensors = [graph.tensors[key] for key in op.inputs]
    output = graph.tensors[op.output]
    match op:
        case ConvAdd():
            alone = _conv(op, tensors[:-1], op.middle, x[:-1])
            return elementwise.summed("add", op.add_clamp, [op.middle, tensors[-1]], output, [alone, x[-1]])
        case Banded():
            inside, made = graph.inside(op), x[0]
            constants = dict(zip(op.inputs[1:], x[1:], strict=True))
            for layer in op.chain:
                made = _evaluate(inside, layer, [made, *(constants[key] for key in layer.inputs[1:])])
            return made
        case Conv2D():
            return _conv(op, tensors, output, x)
        case DepthwiseConv2D():
            image = _padded(x[0] - zero_of(tensors[0]), op.padding, 0)
            windows = _windows(image, x[1].shape[1:3], op.stride, op.dilation)
            channels = image.shape[3]
            weights = x[1][0].reshape(*x[1].shape[1:3], channels, -1)
            total = np.einsum("nyxchw,hwcm->nyxcm", windows, weights, optimize=True)
            return _requantised(tensors, output, total.reshape(*total.shape[:3], -1), x, op.clamp)
        case TransposeConv2D():
            total = _transposed(x[0] - zero_of(tensors[0]), x[1], op.stride, op.padding, output.shape)
            return _requantised(tensors, output, total, x, op.clamp)
        case FullyConnected():
            lines = x[0].reshape(-1, x[1].shape[1]) - zero_of(tensors[0])
            scale = numerics.row_multipliers(tensors[0], tensors[1], output, x[1].shape[0])
            return _scaled(lines @ x[1].T, scale, output, x, op.clamp)
        case MatMul():
            return _product(op, tensors, output, x)
        case Pool2D():
            return _pool(op, x[0])
        case Binary():
            return elementwise.binary(op, tensors, output, x)
        case Lookup():
            return np.array(op.table, np.int64)[x[0] - np.iinfo(tensors[0].dtype).min]
        case Lstm():
            return recurrent.run(op, tensors, x)
        case SvdfState():
            return recurrent.moved_on(tensors, x)
        case SvdfTime():
            return recurrent.over_time(op, tensors, output, x)
        case Requantise():
            made = requantise(x[0] - zero_of(tensors[0]), *numerics.requantising(tensors[0], output))
            return np.clip(made + zero_of(output), np.iinfo(output.dtype).min, np.iinfo(output.dtype).max)
        case Softmax() if op.log:
            return rows.log_softmax(tensors[0], x[0])
        case L2Norm():
            return rows.l2_norm(x[0] - zero_of(tensors[0]))
        case ArgMax():
            return np.argmax(x[0] if op.kind == "max" else -x[0], axis=op.axis)
        case Select():
            return np.where(*x)
        case Softmax():
            return rows.softmax(op.beta, tensors[0], x[0], 8 * SIZES[output.dtype])
        case Reduce():
            return _reduce(op, tensors[0], output, x[0])
        case Concat():
            return np.concatenate(x, axis=op.axis)
        case Pad():
            return np.pad(x[0], list(zip(op.before, op.after, strict=True)), constant_values=op.value)
        case Reshape():
            return x[0].reshape(output.shape)
        case StridedSlice():
            picked = x[0]
            for axis, (begin, stride, size) in enumerate(zip(op.begin, op.stride, op.size, strict=True)):
                picked = np.take(picked, begin + stride * np.arange(size), axis=axis)
            return picked
        case Rearrange():
            at = np.full(op.size, op.offset)
            for axis, (size, stride) in enumerate(zip(op.size, op.stride, strict=True)):
                at = at + (stride * np.arange(size)).reshape(-1, *[1] * (len(op.size) - 1 - axis))
            return x[0].ravel()[at]
        case Take():
            return np.take(x[0], op.indices, axis=op.axis)
        case Gather():
            count = x[0].shape[op.axis]
            indices = np.where(x[1] < 0, x[1] + count, x[1]) if op.wraps else x[1]
            return np.take(x[0], np.clip(indices, 0, count - 1), axis=op.axis)
        case Resize():
            return _resize(op, x[0], cast(Pair, output.shape[1:3]))
        case _:
            raise ModelError(f"{graph.name}: {op.place} has no meaning here; report this")


def _padded(image: Ints, padding: Padding, value: int) -> Ints:
    pads = ((0, 0), (padding.top, padding.bottom), (padding.left, padding.right), (0, 0))
    return np.pad(image, pads, constant_values=value)


def _windows(image: Ints, window: tuple[int, ...], stride: Pair, dilation: Pair) -> Ints:
    reach = tuple((size - 1) * step + 1 for size, step in zip(window, dilation, strict=True))
    every = sliding_window_view(image, reach, axis=(1, 2))
    return every[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]


def _requantised(tensors: list[Tensor], output: Tensor, total: Ints, x: list[Ints], clamp: Clamp) -> Ints:
    scale = numerics.channel_multipliers(tensors[0], tensors[1], output, total.shape[-1])
    return _scaled(total, scale, output, x, clamp)


def _scaled(total: Ints, scale: tuple[Ints, Ints], output: Tensor, x: list[Ints], clamp: Clamp) -> Ints:
    bias = x[2].ravel() if len(x) > 2 else 0
    scaled = requantise(wrap(total + bias), *scale)
    return np.clip(scaled + zero_of(output), clamp.low, clamp.high)


def _conv(op: Conv2D, tensors: list[Tensor], output: Tensor, x: list[Ints]) -> Ints:
    image = _padded(x[0] - zero_of(tensors[0]), op.padding, 0)
    windows = _windows(image, x[1].shape[1:3], op.stride, op.dilation)  # (N, Y, X, C, H, W)
    total = np.einsum("nyxchw,ohwc->nyxo", windows, x[1], optimize=True)
    return _requantised(tensors, output, total, x, op.clamp)


def _product(op: MatMul, tensors: list[Tensor], output: Tensor, x: list[Ints]) -> Ints:
    a, b = x[0] - zero_of(tensors[0]), x[1] - zero_of(tensors[1])
    total = a @ (b.swapaxes(-1, -2) if op.transposed else b)
    multiplier, shift = numerics.matrix_multiplier(tensors[0], tensors[1], output)
    return _scaled(total, (np.asarray(multiplier), np.asarray(shift)), output, x, op.clamp)


def _transposed(image: Ints, weights: Ints, stride: Pair, cut: Padding, shape: tuple[int, ...]) -> Ints:
    n, rows, columns, _ = image.shape
    channels, height, width, _ = weights.shape
    top, left = cut.top, cut.left
    full = np.zeros((n, (rows - 1) * stride[0] + height, (columns - 1) * stride[1] + width, channels), np.int64)
    full = np.pad(full, ((0, 0), (0, max(0, top + shape[1] - full.shape[1])), (0, 0), (0, 0)))
    full = np.pad(full, ((0, 0), (0, 0), (0, max(0, left + shape[2] - full.shape[2])), (0, 0)))
    for i in range(height):
        for j in range(width):
            part = image @ weights[:, i, j, :].T
            full[:, i : i + rows * stride[0] : stride[0], j : j + columns * stride[1] : stride[1]][
                :, :rows, :columns
            ] += part
    return full[:, top : top + shape[1], left : left + shape[2]]


def _pool(op: Pool2D, image: Ints) -> Ints:
    if op.kind == "max":
        windows = _windows(_padded(image, op.padding, -128), op.window, op.stride, (1, 1))
        return np.clip(windows.max(axis=(4, 5)), op.clamp.low, op.clamp.high)
    total = _windows(_padded(image, op.padding, 0), op.window, op.stride, (1, 1)).sum(axis=(4, 5))
    inside = _padded(np.ones_like(image[..., :1]), op.padding, 0)
    count = _windows(inside, op.window, op.stride, (1, 1)).sum(axis=(4, 5))
    # Rounded half away from zero.
    magnitude = (np.abs(total) + count // 2) // count
    return np.clip(np.where(total > 0, magnitude, -magnitude), op.clamp.low, op.clamp.high)


def _reduce(op: Reduce, tensor: Tensor, output: Tensor, x: Ints) -> Ints:
    if op.kind == "max":
        return x.max(axis=op.axes)
    count = prod(x.shape[axis] for axis in op.axes)
    multiplier, shift = numerics.reduce_multiplier(op.kind, tensor, output, count)
    total = wrap(x.sum(axis=op.axes) - zero_of(tensor) * count)
    return np.clip(requantise(total, multiplier, shift) + zero_of(output), -128, 127)


def _resize(op: Resize, image: Ints, size: Pair) -> Ints:
    if op.kind == "nearest":
        lines, columns = (
            [numerics.nearest(i, image.shape[1 + axis], size[axis], op) for i in range(size[axis])]
            for axis in (0, 1)
        )
        return image[:, lines][:, :, columns]
    y = numerics.bilinear_steps(image.shape[1], size[0], op)
    x = numerics.bilinear_steps(image.shape[2], size[1], op)
    total: Ints = np.zeros((image.shape[0], *size, image.shape[3]), np.int64)
    for row, row_weight in ((y.low, 1024 - y.part), (y.high, y.part)):
        for column, column_weight in ((x.low, 1024 - x.part), (x.high, x.part)):
            weight = row_weight[:, None, None] * column_weight[None, :, None]
            total = total + image[:, row][:, :, column] * weight
    # Rounded half away from zero; the conversion to int8 keeps the lower bits.
    magnitude = (np.abs(total) + (1 << 19)) >> 20
    return np.where(total > 0, magnitude, -magnitude)
