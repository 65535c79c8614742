"""Operators with weights, and pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import tflite

from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import (
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Op,
    Padding,
    Pair,
    Pool2D,
    StridedSlice,
    TransposeConv2D,
)
from touchline.tiny.translate.translation import Translation, Unsupported


def weighted(t: Translation, op: RawOp, image: int, weights: int, bias: int) -> tuple[int, ...]:
    """Keys of input, weights and bias, if any, once they are what kernels take."""
    t.quantised(op.inputs[image])
    t.quantised(op.outputs[0])
    filter_ = t.use(op.inputs[weights])
    if filter_.data is None:
        raise Unsupported(f"computes its weights {filter_.name!r} at run time")
    if filter_.quant is None:
        raise Unsupported(f"has weights without a scale ({filter_.name!r})")
    keys = (op.inputs[image], op.inputs[weights])
    if bias >= len(op.inputs) or op.inputs[bias] < 0:
        return keys
    if t.use(op.inputs[bias], "int32").data is None:
        raise Unsupported("computes its bias at run time")
    return (*keys, op.inputs[bias])


def conv(t: Translation, op: RawOp) -> Iterator[Op]:
    inputs = weighted(t, op, 0, 1, 2)
    image, filter_, output = (t.tensors[key] for key in (*inputs[:2], op.outputs[0]))
    if len(image.shape) != 4 or len(filter_.shape) != 4:
        raise Unsupported(f"has the shapes {image.shape} and {filter_.shape}, not four axes each")
    stride = (op.options["StrideH"], op.options["StrideW"])
    dilation = (op.options["DilationHFactor"], op.options["DilationWFactor"])
    padding = _padding(op, image.shape[1:3], filter_.shape[1:3], stride, dilation)
    kind = Conv2D if op.name == "CONV_2D" else DepthwiseConv2D
    made = kind(
        inputs=inputs,
        output=op.outputs[0],
        place=t.place,
        stride=stride,
        dilation=dilation,
        padding=padding,
        clamp=t.clamp(op, output),
    )
    if isinstance(made, DepthwiseConv2D) or filter_.shape[3] == image.shape[3]:
        yield made
        return
    groups, left = divmod(image.shape[3], filter_.shape[3])
    if left or filter_.shape[0] % groups:
        raise Unsupported(f"has a filter {filter_.shape} for {image.shape[3]} channels")
    yield from _grouped(t, made, groups)


def _grouped(t: Translation, whole: Conv2D, groups: int) -> Iterator[Op]:
    """A convolution for each group of channels, or a depthwise one where a group has one channel."""
    image, filter_ = t.tensors[whole.inputs[0]], t.tensors[whole.inputs[1]]
    weights, output = np.asarray(filter_.data), t.tensors[whole.output]
    if filter_.shape[3] == 1:
        turned = np.ascontiguousarray(weights.transpose(3, 1, 2, 0))
        key = t.add(replace(filter_, shape=turned.shape, data=turned, quant=replace(filter_.q, axis=3)))
        yield DepthwiseConv2D(
            inputs=(whole.inputs[0], key, *whole.inputs[2:]),
            output=whole.output,
            place=whole.place,
            stride=whole.stride,
            dilation=whole.dilation,
            padding=whole.padding,
            clamp=whole.clamp,
        )
        return
    depth, filters = filter_.shape[3], filter_.shape[0] // groups
    parts: list[int] = []
    for group in range(groups):
        channels = t.between(whole.inputs[0], f"group {group}", (*image.shape[:3], depth))
        yield StridedSlice(
            inputs=whole.inputs[:1],
            output=channels,
            place=whole.place,
            begin=(0, 0, 0, group * depth),
            stride=(1, 1, 1, 1),
            size=(*image.shape[:3], depth),
        )
        own = slice(group * filters, (group + 1) * filters)
        constants = [_some(t, key, own) for key in whole.inputs[1:]]
        parts.append(t.between(whole.output, f"group {group}", (*output.shape[:3], filters)))
        yield replace(whole, inputs=(channels, *constants), output=parts[-1])
    yield Concat(inputs=tuple(parts), output=whole.output, place=whole.place, axis=3)


def _some(t: Translation, key: int, own: slice) -> int:
    """Those entries ``own`` of a constant's first axis, with their scales."""
    tensor = t.tensors[key]
    data, quant = np.asarray(tensor.data)[own], tensor.quant
    if quant is not None and len(quant.scales) > 1:
        zero_points = quant.zero_points[own] if len(quant.zero_points) > 1 else quant.zero_points
        quant = replace(quant, scales=quant.scales[own], zero_points=zero_points)
    return t.add(replace(tensor, shape=data.shape, data=data, quant=quant))


def transpose_conv(t: Translation, op: RawOp) -> Iterator[Op]:
    inputs = weighted(t, op, 2, 1, 3)
    filter_, output = t.tensors[inputs[1]], t.tensors[op.outputs[0]]
    if len(filter_.shape) != 4 or len(output.shape) != 4:
        raise Unsupported(f"has the shapes {filter_.shape} and {output.shape}, not four axes each")
    if tuple(t.constant(op.inputs[0])) != output.shape:
        raise Unsupported(f"says {t.constant(op.inputs[0])} of the output {output.shape}")
    stride = (op.options["StrideH"], op.options["StrideW"])
    yield TransposeConv2D(
        inputs=inputs,
        output=op.outputs[0],
        place=t.place,
        stride=stride,
        padding=_padding(op, output.shape[1:3], filter_.shape[1:3], stride, (1, 1)),
        clamp=t.clamp(op, output),
    )


def pool(t: Translation, op: RawOp) -> Iterator[Op]:
    image, output = t.quantised(op.inputs[0]), t.quantised(op.outputs[0])
    if len(image.shape) != 4:
        raise Unsupported(f"has the input {image.shape}, not four axes")
    stride = (op.options["StrideH"], op.options["StrideW"])
    window = (op.options["FilterHeight"], op.options["FilterWidth"])
    yield Pool2D(
        inputs=op.inputs[:1],
        output=op.outputs[0],
        place=t.place,
        kind="average" if op.name == "AVERAGE_POOL_2D" else "max",
        window=window,
        stride=stride,
        padding=_padding(op, image.shape[1:3], window, stride, (1, 1)),
        clamp=t.clamp(op, output),
    )


def _padding(op: RawOp, image: tuple[int, ...], window: tuple[int, ...], stride: Pair, dilation: Pair) -> Padding:
    if min(*stride, *dilation) < 1 or min(image) < 1:
        raise Unsupported(f"has the stride {stride} and the dilation {dilation}")
    if op.options["Padding"] != tflite.Padding.SAME:
        return Padding()
    (top, bottom), (left, right) = (
        _same(size, reach, step)
        for size, reach, step in zip(
            image, ((w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)), stride, strict=True
        )
    )
    return Padding(top, bottom, left, right)


def _same(size: int, reach: int, step: int) -> Pair:
    """What SAME adds before and after an axis; the odd one after."""
    total = max((-(-size // step) - 1) * step + reach - size, 0)
    return total // 2, total - total // 2
