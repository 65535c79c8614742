"""Operators that move elements and compute nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import tflite

from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import Concat, Gather, Op, Pad, Rearrange, Reshape, Resize, StridedSlice, Take, Tensor
from touchline.tiny.translate.translation import Translation, Unsupported


def concat(t: Translation, op: RawOp) -> Iterator[Op]:
    if op.options["FusedActivationFunction"] != 0:
        raise Unsupported("fuses an activation")
    for key in op.inputs:
        t.quantised(key)
    rank = len(t.quantised(op.outputs[0]).shape)
    (axis,) = axes_of([op.options["Axis"]], rank)
    yield Concat(inputs=op.inputs, output=op.outputs[0], place=t.place, axis=axis)


def pad(t: Translation, op: RawOp) -> Iterator[Op]:
    source, target = t.quantised(op.inputs[0]), t.quantised(op.outputs[0])
    pairs = t.constant(op.inputs[1])
    if len(pairs) != 2 * len(source.shape):
        raise Unsupported(f"pads {len(pairs) // 2} of {len(source.shape)} axes")
    if len(pairs) > 8:
        raise Unsupported(f"pads {len(pairs) // 2} axes, not up to four")
    value = t.constant(op.inputs[2])[0] if len(op.inputs) > 2 and op.inputs[2] >= 0 else target.q.zero_point
    yield Pad(
        inputs=op.inputs[:1],
        output=op.outputs[0],
        place=t.place,
        before=tuple(pairs[::2]),
        after=tuple(pairs[1::2]),
        value=value,
    )


def reshape(t: Translation, op: RawOp) -> Iterator[Op]:
    t.use(op.inputs[0], "int8", "uint8")
    t.use(op.outputs[0], "int8", "uint8")
    yield Reshape(inputs=op.inputs[:1], output=op.outputs[0], place=t.place)


def transpose(t: Translation, op: RawOp) -> Iterator[Op]:
    shape = t.quantised(op.inputs[0]).shape
    t.quantised(op.outputs[0])
    order = [axis % len(shape) for axis in t.constant(op.inputs[1])]
    if sorted(order) != list(range(len(shape))):
        raise Unsupported(f"permutes {len(shape)} axes by {order}")
    yield permuted(t, op.inputs[0], op.outputs[0], shape, order)


def permuted(t: Translation, source: int, target: int, shape: tuple[int, ...], order: Sequence[int]) -> Op:
    """``source``, seen as of ``shape``, with its axes in ``order``."""
    moved = [axis for axis in order if shape[axis] != 1]
    if moved == sorted(moved):
        return Reshape(inputs=(source,), output=target, place=t.place)
    steps = _steps(shape)
    return Rearrange(
        inputs=(source,),
        output=target,
        place=t.place,
        offset=0,
        size=tuple(shape[axis] for axis in order),
        stride=tuple(steps[axis] for axis in order),
    )


def _steps(shape: tuple[int, ...]) -> list[int]:
    """Elements from one entry to the next along each axis."""
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def blocks(t: Translation, op: RawOp) -> Iterator[Op]:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH."""
    shape, made = t.quantised(op.inputs[0]).shape, t.quantised(op.outputs[0]).shape
    size = op.options["BlockSize"]
    if len(shape) != 4 or len(made) != 4 or size < 1:
        raise Unsupported(f"makes {made} of {shape} by blocks of {size}")
    if op.name == "DEPTH_TO_SPACE":
        view, order = (*shape[:3], size, size, made[3]), (0, 1, 3, 2, 4, 5)
    else:
        view, order = (shape[0], made[1], size, made[2], size, shape[3]), (0, 1, 3, 2, 4, 5)
    if prod(view) != prod(shape):
        raise Unsupported(f"makes {made} of {shape} by blocks of {size}")
    yield permuted(t, op.inputs[0], op.outputs[0], view, order)


def space_to_batch(t: Translation, op: RawOp) -> Iterator[Op]:
    source = t.quantised(op.inputs[0])
    made, shape = t.quantised(op.outputs[0]), source.shape
    block, pads = t.constant(op.inputs[1]), t.constant(op.inputs[2])
    n = len(block)
    before, after = [0] * len(shape), [0] * len(shape)
    before[1 : 1 + n], after[1 : 1 + n] = pads[::2], pads[1::2]
    key = op.inputs[0]
    if any(pads):
        shape = tuple(a + b + c for a, b, c in zip(before, shape, after, strict=True))
        key = t.between(key, "padded", shape)
        yield Pad(
            inputs=op.inputs[:1],
            output=key,
            place=t.place,
            before=tuple(before),
            after=tuple(after),
            value=made.q.zero_point,
        )
    view = [shape[0]]
    for size, step in zip(shape[1:], block, strict=False):
        view += [size // step, step]
    view += shape[1 + n :]
    if prod(view) != prod(shape):
        raise Unsupported(f"cuts {shape} into blocks of {block}")
    order = [*range(2, 2 * n + 1, 2), 0, *range(1, 2 * n, 2), *range(2 * n + 1, len(view))]
    yield permuted(t, key, op.outputs[0], tuple(view), order)


def batch_to_space(t: Translation, op: RawOp) -> Iterator[Op]:
    shape, made = t.quantised(op.inputs[0]).shape, t.quantised(op.outputs[0]).shape
    block, crops = t.constant(op.inputs[1]), t.constant(op.inputs[2])
    n = len(block)
    view = (*block, shape[0] // prod(block), *shape[1:])
    if prod(view) != prod(shape):
        raise Unsupported(f"makes {made} of {shape} by blocks of {block}")
    order = [n]
    for axis in range(n):
        order += [n + 1 + axis, axis]
    order += range(2 * n + 1, len(view))
    whole = (view[n], *(a * b for a, b in zip(shape[1:], block, strict=False)), *shape[1 + n :])
    key = t.between(op.inputs[0], "joined", whole) if any(crops) else op.outputs[0]
    yield permuted(t, op.inputs[0], key, view, order)
    if any(crops):
        begin = (0, *crops[::2], *[0] * (len(shape) - 1 - n))
        yield StridedSlice(
            inputs=(key,), output=op.outputs[0], place=t.place, begin=begin, stride=(1,) * len(shape), size=made
        )


def repeat(t: Translation, op: RawOp) -> Iterator[Op]:
    """TILE and BROADCAST_TO."""
    shape, made = t.quantised(op.inputs[0]).shape, t.quantised(op.outputs[0]).shape
    shape = (1,) * (len(made) - len(shape)) + shape
    size: list[int] = []
    stride: list[int] = []
    for old, new, step in zip(shape, made, _steps(shape), strict=True):
        if new % old or (op.name == "BROADCAST_TO" and old not in (1, new)):
            raise Unsupported(f"makes {made} of {shape}")
        size += [new // old, old]
        stride += [0, step]
    yield Rearrange(
        inputs=op.inputs[:1], output=op.outputs[0], place=t.place, offset=0, size=tuple(size), stride=tuple(stride)
    )


def reverse(t: Translation, op: RawOp) -> Iterator[Op]:
    shape = t.quantised(op.inputs[0]).shape
    t.quantised(op.outputs[0])
    axes = axes_of(t.constant(op.inputs[1]), len(shape))
    steps = _steps(shape)
    yield Rearrange(
        inputs=op.inputs[:1],
        output=op.outputs[0],
        place=t.place,
        offset=sum((shape[axis] - 1) * steps[axis] for axis in axes),
        size=shape,
        stride=tuple(-step if axis in axes else step for axis, step in enumerate(steps)),
    )


def gather(t: Translation, op: RawOp) -> Iterator[Op]:
    shape = t.quantised(op.inputs[0]).shape
    t.quantised(op.outputs[0])
    if op.options["BatchDims"]:
        raise Unsupported("has batch dimensions")
    (axis,) = axes_of([op.options["Axis"]], len(shape))
    if t.integers(op.inputs[1]) is None:
        yield _gathered(t, op, op.inputs[0], op.inputs[1], axis)
        return
    indices = tuple(t.constant(op.inputs[1]))
    yield Take(inputs=op.inputs[:1], output=op.outputs[0], place=t.place, axis=axis, indices=indices)


def embedding(t: Translation, op: RawOp) -> Iterator[Op]:
    """EMBEDDING_LOOKUP: the indices come first."""
    t.quantised(op.inputs[1])
    t.quantised(op.outputs[0])
    yield _gathered(t, op, op.inputs[1], op.inputs[0], 0)


def _gathered(t: Translation, op: RawOp, data: int, indices: int, axis: int) -> Op:
    source, size = t.wrapped.get(indices, (indices, 0))
    if size not in (0, t.tensors[data].shape[axis]):
        raise Unsupported(f"counts negative indices from {size} of {t.tensors[data].shape[axis]} entries")
    t.use(source, "int32")
    return Gather(inputs=(data, source), output=op.outputs[0], place=t.place, axis=axis, wraps=size > 0)


def mirror_pad(t: Translation, op: RawOp) -> Iterator[Op]:
    shape = t.quantised(op.inputs[0]).shape
    t.quantised(op.outputs[0])
    pads = t.constant(op.inputs[1])
    if len(pads) != 2 * len(shape):
        raise Unsupported(f"pads {len(pads) // 2} of {len(shape)} axes")
    edge = 0 if op.options["Mode"] == tflite.MirrorPadMode.REFLECT else 1
    padded = [axis for axis in range(len(shape)) if any(pads[2 * axis : 2 * axis + 2])]
    key, now = op.inputs[0], list(shape)
    for axis in padded or [0]:
        before, after = pads[2 * axis : 2 * axis + 2]
        if min(before, after) < 0 or max(before, after) > shape[axis] - 1 + edge:
            raise Unsupported(f"mirrors {before} and {after} of {shape[axis]} entries")
        head = range(before - edge, -edge, -1)
        tail = range(shape[axis] - 2 + edge, shape[axis] - 2 + edge - after, -1)
        indices = (*head, *range(shape[axis]), *tail)
        now[axis] = len(indices)
        last = not padded or axis == padded[-1]
        target = op.outputs[0] if last else t.between(key, "mirrored", tuple(now))
        yield Take(inputs=(key,), output=target, place=t.place, axis=axis, indices=indices)
        key = target


def resize(t: Translation, op: RawOp) -> Iterator[Op]:
    t.quantised(op.inputs[0])
    output = t.quantised(op.outputs[0])
    if tuple(t.constant(op.inputs[1])) != output.shape[1:3]:
        raise Unsupported(f"says {t.constant(op.inputs[1])} of the output {output.shape}")
    yield Resize(
        inputs=op.inputs[:1],
        output=op.outputs[0],
        place=t.place,
        kind="nearest" if op.name == "RESIZE_NEAREST_NEIGHBOR" else "bilinear",
        align_corners=bool(op.options["AlignCorners"]),
        half_pixel_centers=bool(op.options["HalfPixelCenters"]),
    )


def sliced(t: Translation, op: RawOp) -> Iterator[Op]:
    shape = t.quantised(op.inputs[0]).shape
    t.quantised(op.outputs[0])
    begin = t.constant(op.inputs[1])
    if op.name == "SLICE":
        size = t.constant(op.inputs[2])
        size = [shape[i] - begin[i] if n == -1 else n for i, n in enumerate(size)]
        stride = [1] * len(shape)
    else:
        begin, size, stride = resolved(
            op.options, shape, begin, t.constant(op.inputs[2]), t.constant(op.inputs[3])
        )
    yield StridedSlice(
        inputs=op.inputs[:1],
        output=op.outputs[0],
        place=t.place,
        begin=tuple(begin),
        stride=tuple(stride),
        size=tuple(size),
    )


def split(t: Translation, op: RawOp) -> Iterator[Op]:
    """SPLIT, SPLIT_V and UNPACK: a slice for each output."""
    source = op.inputs[1] if op.name == "SPLIT" else op.inputs[0]
    shape = t.quantised(source).shape
    wanted = {
        "SPLIT": lambda: t.constant(op.inputs[0]),
        "SPLIT_V": lambda: t.constant(op.inputs[2]),
        "UNPACK": lambda: [op.options["Axis"]],
    }[op.name]()
    (axis,) = axes_of(wanted, len(shape))
    start = 0
    for output in op.outputs:
        made = t.quantised(output).shape
        size = list(shape)
        size[axis] = 1 if op.name == "UNPACK" else made[axis]
        begin = [0] * len(shape)
        begin[axis] = start
        start += size[axis]
        yield StridedSlice(
            inputs=(source,),
            output=output,
            place=t.place,
            begin=tuple(begin),
            stride=(1,) * len(shape),
            size=tuple(size),
        )


def pack(t: Translation, op: RawOp) -> Iterator[Op]:
    output = t.quantised(op.outputs[0])
    (axis,) = axes_of([op.options["Axis"]], len(output.shape))
    parts: list[int] = []
    for key in op.inputs:
        tensor = t.quantised(key)
        shape = (*tensor.shape[:axis], 1, *tensor.shape[axis:])
        parts.append(t.add(Tensor(f"{tensor.name} unsqueezed", shape, tensor.dtype, tensor.quant)))
        yield Reshape(inputs=(key,), output=parts[-1], place=t.place)
    yield Concat(inputs=tuple(parts), output=op.outputs[0], place=t.place, axis=axis)


def axes_of(axes: list[int], rank: int) -> tuple[int, ...]:
    if any(not -rank <= axis < rank for axis in axes):
        raise Unsupported(f"has the axes {axes} of {rank}")
    return tuple(sorted({axis % rank for axis in axes}))


def resolved(
    options: dict[str, Any], shape: tuple[int, ...], begin: list[int], end: list[int], stride: list[int]
) -> tuple[list[int], list[int], list[int]]:
    """Begin, size and stride of each axis: what the masks mean, spelled out."""
    if options["EllipsisMask"] or options["NewAxisMask"] or options["Offset"]:
        raise Unsupported("has an ellipsis, a new axis or an offset")
    begins, sizes, strides = [0] * len(shape), list(shape), [1] * len(shape)
    for axis, (first, last, step) in enumerate(zip(begin, end, stride, strict=True)):
        if step == 0:
            raise Unsupported("has the stride 0")
        bit = 1 << axis
        if options["ShrinkAxisMask"] & bit:
            first = first + shape[axis] if first < 0 else first
            begins[axis], sizes[axis] = first, 1
            continue
        picked = range(shape[axis])[
            slice(None if options["BeginMask"] & bit else first, None if options["EndMask"] & bit else last, step)
        ]
        if not picked:
            raise Unsupported("takes nothing")
        begins[axis], sizes[axis], strides[axis] = picked[0], len(picked), step
    return begins, sizes, strides
