"""Front end: an int8 .tflite file → `Graph`. All that it cannot take is told at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import tflite

from touchline.tiny.activations import TABLES, clamp_of, requantising_table
from touchline.tiny.check import verify
from touchline.tiny.flatbuffer import RawModel, RawOp, read_flatbuffer
from touchline.tiny.graph import (
    SIZES,
    Binary,
    Clamp,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    DType,
    FullyConnected,
    Graph,
    Lookup,
    Op,
    Pad,
    Padding,
    Pair,
    Pool2D,
    Quant,
    Reduce,
    Reshape,
    Resize,
    Softmax,
    StridedSlice,
    Tensor,
    TransposeConv2D,
)
from touchline.types.errors import ModelError

_ACTIVATIONS: dict[int, str] = {
    value: name
    for name, value in vars(tflite.ActivationFunctionType).items()
    if isinstance(value, int) and not name.startswith("_")
}


class _Unsupported(Exception):
    """What this operator has that the compiler does not take."""


def read_tflite(path: Path) -> Graph:
    """The verified graph of an int8 .tflite file.

    Raises `ModelError`, in one line, with everything that is unsupported or wrong.
    """
    raw = read_flatbuffer(path)
    graph = _Translation(path, raw).graph()
    verify(graph)
    return graph


class _Translation:
    def __init__(self, path: Path, raw: RawModel) -> None:
        self.path = path
        self.raw = raw
        self.tensors: dict[int, Tensor] = {}
        self.ops: list[Op] = []
        self.place = ""

    def graph(self) -> Graph:
        problems: list[str] = []
        for number, op in enumerate(self.raw.ops):
            self.place = f"operator {number} ({op.name})"
            try:
                translate = _TRANSLATE.get(op.name)
                if translate is None:
                    raise _Unsupported("is not supported")
                self._check_tensors(op)
                self.ops.extend(translate(self, op))
            except _Unsupported as error:
                problems.append(f"{self.place} {error}")
            # What an operator raises that lacks inputs, axes or options which its kind has: a broken file.
            except (IndexError, ValueError, KeyError, OverflowError, ZeroDivisionError) as error:
                problems.append(f"{self.place} is malformed ({error})")
        for what, keys in (("input", self.raw.inputs), ("output", self.raw.outputs)):
            self.place = f"the {what}"
            for key in keys:
                try:
                    self._check_tensor(key)
                    self.tensors.setdefault(key, self._tensor(key))
                except _Unsupported as error:
                    problem = f"the {what} {error}"
                    if problem not in problems:
                        problems.append(problem)
        if problems:
            remedy = "quantise it to int8 with fixed shapes, from supported operators"
            raise ModelError(f"{self.path}: {'; '.join(dict.fromkeys(problems))}; {remedy}")
        return Graph(self.path.stem, self.tensors, tuple(self.ops), self.raw.inputs, self.raw.outputs)

    # Tensors

    def _check_tensors(self, op: RawOp) -> None:
        problems: list[str] = []
        for key in (*op.inputs, *op.outputs):
            if key < 0:
                continue
            try:
                self._check_tensor(key)
            except _Unsupported as error:
                problems.append(str(error))
        if problems:
            raise _Unsupported(" and ".join(dict.fromkeys(problems)))

    def _check_tensor(self, key: int) -> None:
        raw = self.raw.tensors[key]
        if raw.dtype not in SIZES and raw.data is None:
            raise _Unsupported(f"has the {raw.dtype} tensor {raw.name!r}")
        if raw.dtype not in SIZES and raw.dtype.startswith("float"):
            raise _Unsupported(f"has {raw.dtype} constants ({raw.name!r})")
        # Batches of any size are compiled for the one the file names.
        if any(size < 1 for size in (*raw.shape, *raw.signature[1:])):
            raise _Unsupported(f"has the dynamic shape {raw.signature} ({raw.name!r})")
        if raw.variable:
            raise _Unsupported(f"keeps the state {raw.name!r}")

    def _tensor(self, key: int) -> Tensor:
        raw = self.raw.tensors[key]
        quant = None
        if raw.scales:
            zero_points = raw.zero_points or (0,) * len(raw.scales)
            if len(set(zero_points)) == 1:
                zero_points = zero_points[:1]
            quant = Quant(raw.scales, zero_points, raw.axis)
        return Tensor(raw.name, raw.shape, cast(DType, raw.dtype), quant, raw.data)

    def use(self, key: int, *dtypes: str) -> Tensor:
        """Tensor ``key``, now part of the graph; of one of ``dtypes``, int8 unless told."""
        if key < 0:
            raise _Unsupported("lacks an input")
        tensor = self.tensors.setdefault(key, self._tensor(key))
        if tensor.dtype not in (dtypes or ("int8",)):
            raise _Unsupported(f"has {tensor.dtype} where int8 is wanted ({tensor.name!r})")
        return tensor

    def quantised(self, key: int, *dtypes: str) -> Tensor:
        """Like `use`, with one positive scale."""
        tensor = self.use(key, *dtypes)
        if tensor.quant is None or len(tensor.quant.scales) != 1 or not tensor.quant.scale > 0:
            raise _Unsupported(f"has no single scale for {tensor.name!r}")
        return tensor

    def constant(self, key: int) -> list[int]:
        """The integers of a constant that says how, not what: axes, sizes, paddings."""
        data = self.raw.tensors[key].data if key >= 0 else None
        if data is None:
            raise _Unsupported("computes a shape or an axis at run time")
        return [int(value) for value in np.atleast_1d(np.asarray(data)).ravel()]

    def add(self, tensor: Tensor) -> int:
        """The key of a tensor that the file does not have."""
        key = max(len(self.raw.tensors), *self.tensors, 0) + 1
        self.tensors[key] = tensor
        return key

    def clamp(self, op: RawOp, output: Tensor) -> Clamp:
        name = _ACTIVATIONS.get(op.options["FusedActivationFunction"], "?")
        clamp = clamp_of(name, output.q.scale, output.q.zero_point)
        if clamp is None:
            raise _Unsupported(f"fuses the activation {name}")
        return clamp

    # Operators with weights

    def weighted(self, op: RawOp, image: int, weights: int, bias: int) -> tuple[int, ...]:
        """Keys of input, weights and bias, if any, once they are what kernels take."""
        self.quantised(op.inputs[image])
        self.quantised(op.outputs[0])
        filter_ = self.use(op.inputs[weights])
        if filter_.data is None:
            raise _Unsupported(f"computes its weights {filter_.name!r} at run time")
        if filter_.quant is None:
            raise _Unsupported(f"has weights without a scale ({filter_.name!r})")
        keys = (op.inputs[image], op.inputs[weights])
        if bias >= len(op.inputs) or op.inputs[bias] < 0:
            return keys
        if self.use(op.inputs[bias], "int32").data is None:
            raise _Unsupported("computes its bias at run time")
        return (*keys, op.inputs[bias])

    def conv(self, op: RawOp) -> Iterator[Op]:
        inputs = self.weighted(op, 0, 1, 2)
        image, filter_, output = (self.tensors[key] for key in (*inputs[:2], op.outputs[0]))
        if len(image.shape) != 4 or len(filter_.shape) != 4:
            raise _Unsupported(f"has the shapes {image.shape} and {filter_.shape}, not four axes each")
        stride = (op.options["StrideH"], op.options["StrideW"])
        dilation = (op.options["DilationHFactor"], op.options["DilationWFactor"])
        kind = Conv2D if op.name == "CONV_2D" else DepthwiseConv2D
        if kind is Conv2D and filter_.shape[3] != image.shape[3]:
            raise _Unsupported(f"is a grouped convolution ({filter_.shape} on {image.shape[3]} channels)")
        yield kind(
            inputs=inputs,
            output=op.outputs[0],
            place=self.place,
            stride=stride,
            dilation=dilation,
            padding=_padding(op, image.shape[1:3], filter_.shape[1:3], stride, dilation),
            clamp=self.clamp(op, output),
        )

    def transpose_conv(self, op: RawOp) -> Iterator[Op]:
        inputs = self.weighted(op, 2, 1, 3)
        filter_, output = self.tensors[inputs[1]], self.tensors[op.outputs[0]]
        if len(filter_.shape) != 4 or len(output.shape) != 4:
            raise _Unsupported(f"has the shapes {filter_.shape} and {output.shape}, not four axes each")
        if tuple(self.constant(op.inputs[0])) != output.shape:
            raise _Unsupported(f"says {self.constant(op.inputs[0])} of the output {output.shape}")
        stride = (op.options["StrideH"], op.options["StrideW"])
        yield TransposeConv2D(
            inputs=inputs,
            output=op.outputs[0],
            place=self.place,
            stride=stride,
            padding=_padding(op, output.shape[1:3], filter_.shape[1:3], stride, (1, 1)),
            clamp=self.clamp(op, output),
        )

    def fully_connected(self, op: RawOp) -> Iterator[Op]:
        if op.options["WeightsFormat"] != 0:
            raise _Unsupported("has shuffled weights")
        inputs = self.weighted(op, 0, 1, 2)
        clamp = self.clamp(op, self.tensors[op.outputs[0]])
        yield FullyConnected(inputs=inputs, output=op.outputs[0], place=self.place, clamp=clamp)

    # Operators without

    def pool(self, op: RawOp) -> Iterator[Op]:
        image, output = self.quantised(op.inputs[0]), self.quantised(op.outputs[0])
        if len(image.shape) != 4:
            raise _Unsupported(f"has the input {image.shape}, not four axes")
        stride = (op.options["StrideH"], op.options["StrideW"])
        window = (op.options["FilterHeight"], op.options["FilterWidth"])
        yield Pool2D(
            inputs=op.inputs[:1],
            output=op.outputs[0],
            place=self.place,
            kind="average" if op.name == "AVERAGE_POOL_2D" else "max",
            window=window,
            stride=stride,
            padding=_padding(op, image.shape[1:3], window, stride, (1, 1)),
            clamp=self.clamp(op, output),
        )

    def binary(self, op: RawOp) -> Iterator[Op]:
        for key in op.inputs:
            self.quantised(key)
        output = self.quantised(op.outputs[0])
        if all(self.tensors[key].data is not None for key in op.inputs):
            raise _Unsupported("has constant inputs only")
        kind = cast(Any, op.name.lower())
        if kind not in ("add", "mul") and not any(
            self.tensors[key].data is not None and self.tensors[key].elements == 1 for key in op.inputs
        ):
            raise _Unsupported("takes two tensors; only a constant number is supported as its second")
        if kind in ("maximum", "minimum"):
            if any(self.tensors[key].quant != output.quant for key in op.inputs):
                raise _Unsupported("has inputs of other scales than its output")
            clamp = Clamp()
        else:
            clamp = self.clamp(op, output)
        yield Binary(inputs=op.inputs, output=op.outputs[0], place=self.place, kind=kind, clamp=clamp)

    def lookup(self, op: RawOp) -> Iterator[Op]:
        source = self.quantised(op.inputs[0]).q
        target = self.quantised(op.outputs[0]).q
        table = TABLES[op.name](source, target, float(op.options.get("Alpha", 0.0)))
        yield Lookup(inputs=op.inputs[:1], output=op.outputs[0], place=self.place, function=op.name, table=table)

    def quantise(self, op: RawOp) -> Iterator[Op]:
        source = self.quantised(op.inputs[0], "int8", "uint8")
        target = self.quantised(op.outputs[0], "int8", "uint8")
        table = requantising_table(source, target)
        yield Lookup(inputs=op.inputs[:1], output=op.outputs[0], place=self.place, function=op.name, table=table)

    def softmax(self, op: RawOp) -> Iterator[Op]:
        self.quantised(op.inputs[0])
        target = self.quantised(op.outputs[0]).q
        if target.zero_point != -128 or abs(target.scale - 1 / 256) > 1e-3 / 256:
            raise _Unsupported(
                f"has the output scale {target.scale:g} and zero point {target.zero_point}, not 1/256, -128"
            )
        beta = float(op.options["Beta"])
        yield Softmax(inputs=op.inputs[:1], output=op.outputs[0], place=self.place, beta=beta)

    def reduce(self, op: RawOp) -> Iterator[Op]:
        source, target = self.quantised(op.inputs[0]), self.quantised(op.outputs[0])
        kind = cast(Any, {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max"}[op.name])
        if kind == "max" and source.quant != target.quant:
            raise _Unsupported("has an input of another scale than its output")
        axes = _axes(self.constant(op.inputs[1]), len(source.shape))
        between = [axis for axis in range(axes[0], axes[-1]) if axis not in axes and source.shape[axis] != 1]
        if between:
            raise _Unsupported(f"reduces over {axes} but not over {between} between them")
        yield Reduce(inputs=op.inputs[:1], output=op.outputs[0], place=self.place, kind=kind, axes=axes)

    def concat(self, op: RawOp) -> Iterator[Op]:
        if op.options["FusedActivationFunction"] != 0:
            raise _Unsupported("fuses an activation")
        for key in op.inputs:
            self.quantised(key)
        rank = len(self.quantised(op.outputs[0]).shape)
        (axis,) = _axes([op.options["Axis"]], rank)
        yield Concat(inputs=op.inputs, output=op.outputs[0], place=self.place, axis=axis)

    def pad(self, op: RawOp) -> Iterator[Op]:
        source, target = self.quantised(op.inputs[0]), self.quantised(op.outputs[0])
        pairs = self.constant(op.inputs[1])
        if len(pairs) != 2 * len(source.shape):
            raise _Unsupported(f"pads {len(pairs) // 2} of {len(source.shape)} axes")
        value = self.constant(op.inputs[2])[0] if len(op.inputs) > 2 and op.inputs[2] >= 0 else target.q.zero_point
        yield Pad(
            inputs=op.inputs[:1],
            output=op.outputs[0],
            place=self.place,
            before=tuple(pairs[::2]),
            after=tuple(pairs[1::2]),
            value=value,
        )

    def reshape(self, op: RawOp) -> Iterator[Op]:
        self.use(op.inputs[0], "int8", "uint8")
        self.use(op.outputs[0], "int8", "uint8")
        yield Reshape(inputs=op.inputs[:1], output=op.outputs[0], place=self.place)

    def transpose(self, op: RawOp) -> Iterator[Op]:
        rank = len(self.quantised(op.inputs[0]).shape)
        self.quantised(op.outputs[0])
        order = [axis % rank for axis in self.constant(op.inputs[1])]
        moved = [axis for axis in order if self.tensors[op.inputs[0]].shape[axis] != 1]
        if moved != sorted(moved):
            raise _Unsupported(f"reorders elements ({order})")
        yield Reshape(inputs=op.inputs[:1], output=op.outputs[0], place=self.place)

    def resize(self, op: RawOp) -> Iterator[Op]:
        self.quantised(op.inputs[0])
        output = self.quantised(op.outputs[0])
        if tuple(self.constant(op.inputs[1])) != output.shape[1:3]:
            raise _Unsupported(f"says {self.constant(op.inputs[1])} of the output {output.shape}")
        yield Resize(
            inputs=op.inputs[:1],
            output=op.outputs[0],
            place=self.place,
            kind="nearest" if op.name == "RESIZE_NEAREST_NEIGHBOR" else "bilinear",
            align_corners=bool(op.options["AlignCorners"]),
            half_pixel_centers=bool(op.options["HalfPixelCenters"]),
        )

    def slice(self, op: RawOp) -> Iterator[Op]:
        shape = self.quantised(op.inputs[0]).shape
        self.quantised(op.outputs[0])
        begin = self.constant(op.inputs[1])
        if op.name == "SLICE":
            size = self.constant(op.inputs[2])
            size = [shape[i] - begin[i] if n == -1 else n for i, n in enumerate(size)]
            stride = [1] * len(shape)
        else:
            begin, size, stride = _strided(
                op.options, shape, begin, self.constant(op.inputs[2]), self.constant(op.inputs[3])
            )
        yield StridedSlice(
            inputs=op.inputs[:1],
            output=op.outputs[0],
            place=self.place,
            begin=tuple(begin),
            stride=tuple(stride),
            size=tuple(size),
        )

    def split(self, op: RawOp) -> Iterator[Op]:
        """SPLIT, SPLIT_V and UNPACK: a slice for each output."""
        source = op.inputs[1] if op.name == "SPLIT" else op.inputs[0]
        shape = self.quantised(source).shape
        wanted = {
            "SPLIT": lambda: self.constant(op.inputs[0]),
            "SPLIT_V": lambda: self.constant(op.inputs[2]),
            "UNPACK": lambda: [op.options["Axis"]],
        }[op.name]()
        (axis,) = _axes(wanted, len(shape))
        start = 0
        for output in op.outputs:
            made = self.quantised(output).shape
            size = list(shape)
            size[axis] = 1 if op.name == "UNPACK" else made[axis]
            begin = [0] * len(shape)
            begin[axis] = start
            start += size[axis]
            yield StridedSlice(
                inputs=(source,),
                output=output,
                place=self.place,
                begin=tuple(begin),
                stride=(1,) * len(shape),
                size=tuple(size),
            )

    def pack(self, op: RawOp) -> Iterator[Op]:
        output = self.quantised(op.outputs[0])
        (axis,) = _axes([op.options["Axis"]], len(output.shape))
        parts: list[int] = []
        for key in op.inputs:
            tensor = self.quantised(key)
            shape = (*tensor.shape[:axis], 1, *tensor.shape[axis:])
            parts.append(self.add(Tensor(f"{tensor.name} unsqueezed", shape, tensor.dtype, tensor.quant)))
            yield Reshape(inputs=(key,), output=parts[-1], place=self.place)
        yield Concat(inputs=tuple(parts), output=op.outputs[0], place=self.place, axis=axis)


def _padding(op: RawOp, image: tuple[int, ...], window: tuple[int, ...], stride: Pair, dilation: Pair) -> Padding:
    if min(*stride, *dilation) < 1 or min(image) < 1:
        raise _Unsupported(f"has the stride {stride} and the dilation {dilation}")
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


def _axes(axes: list[int], rank: int) -> tuple[int, ...]:
    if any(not -rank <= axis < rank for axis in axes):
        raise _Unsupported(f"has the axes {axes} of {rank}")
    return tuple(sorted({axis % rank for axis in axes}))


def _strided(
    options: dict[str, Any], shape: tuple[int, ...], begin: list[int], end: list[int], stride: list[int]
) -> tuple[list[int], list[int], list[int]]:
    """Begin, size and stride of each axis: what the masks mean, spelled out."""
    if options["EllipsisMask"] or options["NewAxisMask"] or options["Offset"]:
        raise _Unsupported("has an ellipsis, a new axis or an offset")
    begins, sizes, strides = [0] * len(shape), list(shape), [1] * len(shape)
    for axis, (first, last, step) in enumerate(zip(begin, end, stride, strict=True)):
        if step == 0:
            raise _Unsupported("has the stride 0")
        bit = 1 << axis
        if options["ShrinkAxisMask"] & bit:
            first = first + shape[axis] if first < 0 else first
            begins[axis], sizes[axis] = first, 1
            continue
        picked = range(shape[axis])[
            slice(None if options["BeginMask"] & bit else first, None if options["EndMask"] & bit else last, step)
        ]
        if not picked:
            raise _Unsupported("takes nothing")
        begins[axis], sizes[axis], strides[axis] = picked[0], len(picked), step
    return begins, sizes, strides


_TRANSLATE: dict[str, Callable[[_Translation, RawOp], Iterator[Op]]] = {
    "CONV_2D": _Translation.conv,
    "DEPTHWISE_CONV_2D": _Translation.conv,
    "TRANSPOSE_CONV": _Translation.transpose_conv,
    "FULLY_CONNECTED": _Translation.fully_connected,
    "AVERAGE_POOL_2D": _Translation.pool,
    "MAX_POOL_2D": _Translation.pool,
    "ADD": _Translation.binary,
    "SUB": _Translation.binary,
    "MUL": _Translation.binary,
    "MAXIMUM": _Translation.binary,
    "MINIMUM": _Translation.binary,
    "QUANTIZE": _Translation.quantise,
    "SOFTMAX": _Translation.softmax,
    "MEAN": _Translation.reduce,
    "SUM": _Translation.reduce,
    "REDUCE_MAX": _Translation.reduce,
    "CONCATENATION": _Translation.concat,
    "PAD": _Translation.pad,
    "PADV2": _Translation.pad,
    "RESHAPE": _Translation.reshape,
    "SQUEEZE": _Translation.reshape,
    "EXPAND_DIMS": _Translation.reshape,
    "TRANSPOSE": _Translation.transpose,
    "RESIZE_NEAREST_NEIGHBOR": _Translation.resize,
    "RESIZE_BILINEAR": _Translation.resize,
    "STRIDED_SLICE": _Translation.slice,
    "SLICE": _Translation.slice,
    "SPLIT": _Translation.split,
    "SPLIT_V": _Translation.split,
    "UNPACK": _Translation.split,
    "PACK": _Translation.pack,
    **dict.fromkeys(TABLES, _Translation.lookup),
}
