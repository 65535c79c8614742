"""Operators → calls of kernels: which one, its constant structure, its scratch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from touchline.tiny import numerics, pack, recurrent
from touchline.tiny.ccode import (
    Argument,
    At,
    Call,
    Constant,
    ConstantAt,
    Flavour,
    Function,
    Scratch,
    Step,
    Struct,
    Value,
)
from touchline.tiny.graph import (
    Binary,
    Clamp,
    Concat,
    Conv2D,
    ConvAdd,
    DepthwiseConv2D,
    FullyConnected,
    Graph,
    Lookup,
    Lstm,
    Op,
    Pad,
    Padding,
    Pair,
    Pool2D,
    Rearrange,
    Reduce,
    Reshape,
    Resize,
    Softmax,
    StridedSlice,
    Take,
    Tensor,
    TransposeConv2D,
)
from touchline.tiny.placement import Placement
from touchline.types.errors import ModelError

SUFFIX: dict[Flavour, str] = {"portable": "", "dsp": "_dsp", "mve": "_mve"}


def lower(graph: Graph, op: Op, placement: Placement, flavour: Flavour) -> Step:
    """The step that computes ``op`` with its output placed as told."""
    lowering = _Lowering(graph, op, placement, flavour)
    match op:
        case ConvAdd() | Conv2D():
            return lowering.conv(op)
        case DepthwiseConv2D():
            return lowering.depthwise(op)
        case TransposeConv2D():
            return lowering.transposed(op)
        case FullyConnected():
            return lowering.fully_connected(op)
        case Pool2D():
            return lowering.pool(op)
        case Binary():
            return lowering.binary(op)
        case Lookup():
            return lowering.lookup(op)
        case Lstm():
            return lowering.lstm(op)
        case Softmax():
            return lowering.softmax(op)
        case Reduce():
            return lowering.reduce(op)
        case Concat():
            return lowering.concat(op)
        case Pad():
            return lowering.pad(op)
        case StridedSlice():
            return lowering.slice(op)
        case Rearrange():
            return lowering.rearrange(op.offset, op.size, op.stride)
        case Take():
            return lowering.take(op)
        case Resize():
            return lowering.resize(op)
        case Reshape():
            return Step(op.place, ())
        case _:
            raise ModelError(f"{graph.name}: {op.place} has no kernel; leave it out of the model")


class _Lowering:
    def __init__(self, graph: Graph, op: Op, placement: Placement, flavour: Flavour) -> None:
        self.graph = graph
        self.op = op
        self.placement = placement
        self.flavour: Flavour = flavour
        self.tensors = [graph.tensors[key] for key in op.inputs]
        self.image = self.tensors[0]
        self.output = graph.tensors[op.output]

    # Shared

    def step(self, *calls: Call, scratch: int = 0, macs: int = 0) -> Step:
        return Step(self.op.place, calls, scratch, macs, self.output.elements)

    def per_image(self, function: str, struct: Struct, *rest: Argument) -> Call:
        """A call for each image of a batch."""
        images = self.image.shape[0]
        source = At(self.op.inputs[0], step=self.image.bytes // images)
        target = At(self.op.output, step=self.output.bytes // images)
        return Call(function, (struct, source, target, *rest), images)

    def weighted(self, tensors: list[Tensor], output: Tensor, channels: int) -> pack.Weighted:
        """The layer of input, filter and bias, without bounds."""
        rows = isinstance(self.op, FullyConnected)
        scale = numerics.row_multipliers if rows else numerics.channel_multipliers
        multipliers, shifts = scale(tensors[0], tensors[1], output, channels)
        data = tensors[2].data if len(tensors) > 2 else None
        return pack.Weighted(
            np.asarray(tensors[1].data),
            np.zeros(channels, np.int32) if data is None else data.astype(np.int64).ravel(),
            multipliers.tolist(),
            shifts.tolist(),
            self.image.q.zero_point,
            output.q.zero_point,
        )

    def convolution(
        self,
        packed: pack.Packed,
        output: Tensor,
        window: Pair,
        stride: Pair,
        dilation: Pair,
        padding: Padding,
        clamp: Clamp,
    ) -> dict[str, Value]:
        """The fields of tl_conv; those left out are 0."""
        _, in_h, in_w, in_c = self.image.shape
        _, out_h, out_w, out_c = output.shape
        fields: dict[str, Value] = {
            "weights": Constant(packed.weights),
            "channels": Constant(packed.channels),
            "in_row": in_w * in_c,
            "out_row": out_w * out_c,
            "in_h": in_h,
            "in_w": in_w,
            "in_c": in_c,
            "out_h": out_h,
            "out_w": out_w,
            "out_c": out_c,
            "kernel_h": window[0],
            "kernel_w": window[1],
            "stride_h": stride[0],
            "stride_w": stride[1],
            "dilation_h": dilation[0],
            "dilation_w": dilation[1],
            "pad_top": padding.top,
            "pad_left": padding.left,
            "ring_rows": self.placement.ring_rows,
            "in_zero": self.image.q.zero_point,
            "out_zero": output.q.zero_point,
            "low": clamp.low,
            "high": clamp.high,
            "fast": packed.fast,
        }
        self.fits_16_bits(fields)
        return fields

    def fits_16_bits(self, fields: dict[str, Value]) -> None:
        sizes = [name for name, value in fields.items() if isinstance(value, int) and "row" not in name]
        large = [name for name in sizes if not -(1 << 15) <= int(fields[name] or 0) < 1 << 15]  # type: ignore[arg-type]
        if large:
            raise ModelError(
                f"{self.graph.name}: {self.op.place} has {', '.join(large)} of 32,768 or more; make it smaller"
            )

    def fastest(
        self,
        layer: pack.Weighted,
        clamp: Clamp,
        packer: Callable[[pack.Weighted, Flavour], pack.Packed],
        flavour: Flavour,
    ) -> tuple[pack.Packed, Clamp, tuple[Call, ...]]:
        """Packed weights, the bounds for the kernel, and calls that follow.

        Kernels requantise faster without bounds, by more than a table costs that bounds the output afterwards.
        """
        packed = packer(_bounded(layer, clamp), flavour)
        if clamp == Clamp() or packed.fast or self.flavour == "portable":
            return packed, clamp, ()
        unbounded = packer(layer, flavour)
        if not unbounded.fast:
            return packed, clamp, ()
        bounded = np.clip(np.arange(-128, 128), clamp.low, clamp.high).astype(np.int8)
        target = At(self.op.output)
        call = Call("tl_lookup_s8", (Constant(bounded, learned=False), target, target, self.output.elements))
        return unbounded, Clamp(), (call,)

    def ring_bytes(self) -> int:
        return self.placement.ring_rows * self.image.shape[2] * self.image.shape[3]

    # Operators with weights

    def conv(self, op: Conv2D) -> Step:
        adds = isinstance(op, ConvAdd)
        tensors = self.tensors[:-1] if adds else self.tensors
        output = op.middle if isinstance(op, ConvAdd) else self.output
        weights = np.asarray(tensors[1].data)
        channels, height, width, depth = weights.shape
        flavour = self.flavour
        if flavour == "dsp" and not pack.dsp_fits(weights.reshape(channels, -1)):
            flavour = "portable"
        layer = self.weighted(tensors, output, channels)
        if isinstance(op, ConvAdd):
            packed, clamp, after = pack.pack_conv(_bounded(layer, op.clamp), flavour), op.clamp, ()
        else:
            packed, clamp, after = self.fastest(layer, op.clamp, pack.pack_conv, flavour)
        fields = self.convolution(packed, output, (height, width), op.stride, op.dilation, op.padding, clamp)
        if isinstance(op, ConvAdd):
            fields["add_with"] = Function(f"tl_add_s8{SUFFIX[flavour]}")
            fields["add"] = add_struct(op.middle, self.tensors[-1], self.output, op.add_clamp)
        scratch = pack.conv_scratch(height * width, depth, channels, self.ring_bytes(), adds, flavour)
        call = self.per_image(f"tl_conv_s8{SUFFIX[flavour]}", Struct("tl_conv", fields), Scratch())
        return self.step(call, *after, scratch=scratch, macs=self.output.elements * height * width * depth)

    def depthwise(self, op: DepthwiseConv2D) -> Step:
        weights = np.asarray(self.tensors[1].data)
        _, height, width, channels = weights.shape
        flavour = self.flavour if channels == self.image.shape[3] else "portable"
        layer = self.weighted(self.tensors, self.output, channels)
        packed, clamp, after = self.fastest(layer, op.clamp, pack.pack_depthwise, flavour)
        fields = self.convolution(packed, self.output, (height, width), op.stride, op.dilation, op.padding, clamp)
        scratch = pack.depthwise_scratch(height * width, self.image.shape[3], self.ring_bytes(), flavour)
        call = self.per_image(f"tl_depthwise_s8{SUFFIX[flavour]}", Struct("tl_conv", fields), Scratch())
        return self.step(call, *after, scratch=scratch, macs=self.output.elements * height * width)

    def transposed(self, op: TransposeConv2D) -> Step:
        weights = np.asarray(self.tensors[1].data)
        channels, height, width, _ = weights.shape
        # The input's zero point is not folded: how many taps an output sees varies.
        layer = replace(self.weighted(self.tensors, self.output, channels), in_zero=0)
        packed = pack.pack_conv(_bounded(layer, op.clamp), "portable")
        fields = self.convolution(packed, self.output, (height, width), op.stride, (1, 1), op.padding, op.clamp)
        call = self.per_image("tl_transposed_conv_s8", Struct("tl_conv", fields))
        macs = self.image.elements * height * width * channels
        return self.step(call, macs=macs)

    def fully_connected(self, op: FullyConnected) -> Step:
        weights = np.asarray(self.tensors[1].data)
        outputs, inputs = weights.shape
        flavour = self.flavour
        if flavour == "dsp" and not pack.dsp_fits(weights):
            flavour = "portable"
        layer = self.weighted(self.tensors, self.output, outputs)
        packed, clamp, after = self.fastest(layer, op.clamp, pack.pack_fully_connected, flavour)
        struct = Struct(
            "tl_fully_connected",
            {
                "weights": Constant(packed.weights),
                "channels": Constant(packed.channels),
                "batches": self.image.elements // inputs,
                "inputs": inputs,
                "outputs": outputs,
                "in_zero": self.image.q.zero_point,
                "out_zero": self.output.q.zero_point,
                "low": clamp.low,
                "high": clamp.high,
                "fast": packed.fast,
            },
        )
        arguments = (struct, At(op.inputs[0]), At(op.output))
        call = Call(f"tl_fully_connected_s8{SUFFIX[flavour]}", arguments)
        return self.step(call, *after, macs=self.output.elements * inputs)

    def lstm(self, op: Lstm) -> Step:
        steps, inputs, size = self.image.shape[1], self.image.shape[2], self.output.shape[2]
        data = [np.asarray(tensor.data) for tensor in self.tensors[1:]]
        scale = recurrent.lstm_scale(op, self.tensors)
        zero = (self.image.q.zero_point, op.state.zero_point)
        fed = [pack.fold_bias(data[g], data[8 + g], zero[0]) for g in range(recurrent.GATES)]
        nothing = np.zeros(size, np.int32)
        kept = [pack.fold_bias(data[4 + g], nothing, zero[1]) for g in range(recurrent.GATES)]
        factor, shift = recurrent.tanh_steps(op.cell_bits)
        struct = Struct(
            "tl_lstm_sequence",
            {
                "weights": Constant(np.concatenate([w.ravel() for w in data[:4]]).astype(np.int8)),
                "state_weights": Constant(np.concatenate([w.ravel() for w in data[4:8]]).astype(np.int8)),
                "bias": Constant(np.array(fed, np.int32).ravel()),
                "state_bias": Constant(np.array(kept, np.int32).ravel()),
                "sigmoid": Constant(recurrent.sigmoid_table(), learned=False),
                "steps": steps,
                "inputs": inputs,
                "n": size,
                "m_input": tuple(m for m, _ in scale.inputs),
                "s_input": tuple(s for _, s in scale.inputs),
                "m_state": tuple(m for m, _ in scale.states),
                "s_state": tuple(s for _, s in scale.states),
                "m_keep": scale.keep[0],
                "s_keep": scale.keep[1],
                "m_fresh": scale.fresh[0],
                "s_fresh": scale.fresh[1],
                "m_hidden": scale.hidden[0],
                "s_hidden": scale.hidden[1],
                "state_zero": zero[1],
                "cell_clip": op.cell_clip or 32767,
                "cell_low": -(op.cell_clip or 32768),
                "tanh_factor": factor,
                "tanh_shift": shift,
            },
        )
        call = Call("tl_lstm_sequence_s8", (struct, At(op.inputs[0]), At(op.output), Scratch()))
        macs = steps * 4 * size * (inputs + size)
        return self.step(call, scratch=pack.up(2 * 5 * size, 8), macs=macs)

    # Operators without

    def pool(self, op: Pool2D) -> Step:
        return self.step(self.pooling(op.kind, self.image.shape, self.output.shape, op))

    def pooling(self, kind: str, shape: tuple[int, ...], made: tuple[int, ...], op: Pool2D) -> Call:
        fields: dict[str, Value] = {
            "in_h": shape[1],
            "in_w": shape[2],
            "channels": shape[3],
            "out_h": made[1],
            "out_w": made[2],
            "kernel_h": op.window[0],
            "kernel_w": op.window[1],
            "stride_h": op.stride[0],
            "stride_w": op.stride[1],
            "pad_top": op.padding.top,
            "pad_left": op.padding.left,
            "low": op.clamp.low,
            "high": op.clamp.high,
        }
        self.fits_16_bits(fields)
        source = At(op.inputs[0], step=prod(shape[1:]))
        target = At(op.output, step=prod(made[1:]))
        return Call(f"tl_{kind}_pool_s8", (Struct("tl_pool", fields), source, target), shape[0])

    def reduce(self, op: Reduce) -> Step:
        shape = self.image.shape
        axes = [axis for axis in op.axes if shape[axis] != 1] or [op.axes[0]]
        outer = prod(shape[: axes[0]])
        count = prod(shape[axis] for axis in axes)
        inner = self.image.elements // (outer * count)
        if op.kind == "max":
            pool = Pool2D(
                inputs=op.inputs, output=op.output, place=op.place, kind="max", window=(count, 1), stride=(1, 1)
            )
            return self.step(self.pooling("max", (outer, count, 1, inner), (outer, 1, 1, inner), pool))
        multiplier, shift = numerics.reduce_multiplier(op.kind, self.image, self.output, count)
        struct = Struct(
            "tl_mean",
            {
                "outer": outer,
                "count": count,
                "inner": inner,
                "in_zero": self.image.q.zero_point,
                "out_zero": self.output.q.zero_point,
                "multiplier": multiplier,
                "shift": shift,
            },
        )
        return self.step(Call("tl_mean_s8", (struct, At(op.inputs[0]), At(op.output))))

    def softmax(self, op: Softmax) -> Step:
        multiplier, shift, least = numerics.softmax_scale(self.image, op.beta)
        depth = self.image.shape[-1]
        struct = Struct(
            "tl_softmax",
            {
                "rows": self.image.elements // depth,
                "depth": depth,
                "multiplier": multiplier,
                "left_shift": shift,
                "diff_min": least,
            },
        )
        return self.step(Call("tl_softmax_s8", (struct, At(op.inputs[0]), At(op.output))))

    def lookup(self, op: Lookup) -> Step:
        table = np.array(op.table, np.int64)
        if self.image.dtype == "uint8":  # the kernel reads bytes as signed
            table = np.roll(table, 128)
        constant = Constant(table.astype(np.uint8).view(np.int8), learned=False)
        arguments = (constant, At(op.inputs[0]), At(op.output), self.image.elements)
        return self.step(Call("tl_lookup_s8", arguments))

    def operand(self, key: int, step: int = 0) -> At | ConstantAt:
        data = self.graph.tensors[key].data
        return At(key, step=step) if data is None else ConstantAt(Constant(data), step=step)

    def binary(self, op: Binary) -> Step:
        first, second = op.inputs
        if self.graph.tensors[first].shape != self.output.shape:
            first, second = second, first
        large, small = self.graph.tensors[first], self.graph.tensors[second]
        repeat, n, period, moved = broadcast(large.shape, small.shape, self.graph.name, op.place)
        a = self.operand(first, n if repeat > 1 else 0)
        b = self.operand(second, moved)
        target = At(op.output, step=n if repeat > 1 else 0)
        if op.kind == "mul":
            multiplier, shift = numerics.mul_multiplier(large, small, self.output)
            struct = Struct(
                "tl_mul",
                {
                    "zero1": large.q.zero_point,
                    "zero2": small.q.zero_point,
                    "out_zero": self.output.q.zero_point,
                    "multiplier": multiplier,
                    "shift": shift,
                    "low": op.clamp.low,
                    "high": op.clamp.high,
                    "n": n,
                    "period": period,
                },
            )
            return self.step(Call("tl_mul_s8", (struct, a, b, target), repeat))
        if op.kind == "add":
            struct = add_struct(large, small, self.output, op.clamp)
            if period == n:
                return self.step(Call(f"tl_add_s8{SUFFIX[self.flavour]}", (struct, a, b, target, n), repeat))
            return self.step(Call("tl_add_period_s8", (struct, a, b, target, n, period), repeat))
        if op.kind in ("maximum", "minimum"):
            return self.step(Call(f"tl_{op.kind}_s8", (a, b, target, n, period), repeat))
        if op.kind == "prelu":
            scale = numerics.prelu_scale(large, small, self.output)
            struct = Struct(
                "tl_prelu",
                {
                    "zero": large.q.zero_point,
                    "alpha_zero": small.q.zero_point,
                    "out_zero": self.output.q.zero_point,
                    "m_positive": scale.positive[0],
                    "s_positive": scale.positive[1],
                    "m_negative": scale.negative[0],
                    "s_negative": scale.negative[1],
                },
            )
            return self.step(Call("tl_prelu_s8", (struct, a, b, target, n, period), repeat))
        if op.kind == "sub":
            scale = numerics.sub_scale(large, small, self.output)
            struct = sum_struct(scale, large, small, self.output, op.clamp)
            return self.step(Call("tl_sub_s8", (struct, a, b, target, n, period), repeat))
        scale = numerics.squared_difference_scale(large, small, self.output)
        struct = sum_struct(scale, large, small, self.output, op.clamp)
        return self.step(Call("tl_squared_difference_s8", (struct, a, b, target, n, period), repeat))

    def copy(self, key: int, offset: int, to: int, rows: int, size: int, in_step: int, out_step: int) -> Call:
        data = self.graph.tensors[key].data
        source = At(key, offset) if data is None else ConstantAt(Constant(data), offset)
        arguments = (source, At(self.op.output, to), rows, size, in_step, out_step)
        return Call("tl_copy_s8", arguments)

    def concat(self, op: Concat) -> Step:
        rows = prod(self.output.shape[: op.axis])
        width = self.output.elements // rows
        calls: list[Call] = []
        at = 0
        for key, tensor in zip(op.inputs, self.tensors, strict=True):
            size = tensor.elements // rows
            calls.append(self.copy(key, 0, at, rows, size, size, width))
            at += size
        return self.step(*calls)

    def pad(self, op: Pad) -> Step:
        sizes = _four(self.graph, op, self.image.shape, op.before, op.after, fill=(1, 0, 0))
        struct = Struct("tl_pad", {"in": sizes[0], "before": sizes[1], "after": sizes[2], "value": op.value})
        return self.step(Call("tl_pad_s8", (struct, At(op.inputs[0]), At(op.output))))

    def slice(self, op: StridedSlice) -> Step:
        shape = self.image.shape
        cut = [axis for axis, size in enumerate(op.size) if size != shape[axis] or op.stride[axis] != 1]
        if len(cut) <= 1 and all(op.stride[axis] == 1 for axis in cut):
            axis = cut[0] if cut else 0
            inner = prod(shape[axis + 1 :])
            rows, size = prod(shape[:axis]), op.size[axis] * inner
            begin = op.begin[axis] * inner
            return self.step(self.copy(op.inputs[0], begin, 0, rows, size, shape[axis] * inner, size))
        if len(shape) > 4:
            steps = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
            offset = sum(begin * step for begin, step in zip(op.begin, steps, strict=True))
            strides = tuple(stride * step for stride, step in zip(op.stride, steps, strict=True))
            return self.rearrange(offset, op.size, strides)
        sizes = _four(self.graph, op, shape, op.begin, op.stride, op.size, fill=(1, 0, 1, 1))
        struct = Struct("tl_slice", {"in": sizes[0], "begin": sizes[1], "stride": sizes[2], "out": sizes[3]})
        return self.step(Call("tl_slice_s8", (struct, At(op.inputs[0]), At(op.output))))

    def rearrange(self, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Step:
        sizes, strides = _merged(size, stride)
        if len(sizes) > 6:
            raise ModelError(
                f"{self.graph.name}: {self.op.place} moves {len(sizes)} axes apart, not up to six; do it in two"
            )
        fill = 6 - len(sizes)
        struct = Struct(
            "tl_rearrange", {"size": (1,) * fill + sizes, "stride": (0,) * fill + strides, "offset": offset}
        )
        return self.step(Call("tl_rearrange_s8", (struct, At(self.op.inputs[0]), At(self.op.output))))

    def take(self, op: Take) -> Step:
        shape = self.image.shape
        struct = Struct(
            "tl_take",
            {
                "indices": Constant(np.array(op.indices, np.int32), learned=False),
                "outer": prod(shape[: op.axis]),
                "count": len(op.indices),
                "inner": prod(shape[op.axis + 1 :]),
                "in_step": prod(shape[op.axis :]),
            },
        )
        return self.step(Call("tl_take_s8", (struct, At(op.inputs[0]), At(op.output))))

    def resize(self, op: Resize) -> Step:
        _, in_h, in_w, channels = self.image.shape
        _, out_h, out_w, _ = self.output.shape
        fields: dict[str, Value] = {"in_w": in_w, "channels": channels, "out_h": out_h, "out_w": out_w}
        if op.kind == "nearest":
            rows = [numerics.nearest(i, in_h, out_h, op) for i in range(out_h)]
            columns = [numerics.nearest(i, in_w, out_w, op) for i in range(out_w)]
            fields |= {
                "rows": Constant(np.array(rows, np.int16), learned=False),
                "columns": Constant(np.array(columns, np.int16), learned=False),
            }
            return self.step(self.per_image("tl_resize_nearest_s8", Struct("tl_resize_nearest", fields)))
        fields |= {
            "scale_h": numerics.bilinear_scale(in_h, out_h, op),
            "scale_w": numerics.bilinear_scale(in_w, out_w, op),
            "in_h": in_h,
            "half_pixel": int(op.half_pixel_centers),
        }
        return self.step(self.per_image("tl_resize_bilinear_s8", Struct("tl_resize_bilinear", fields)))


def _bounded(layer: pack.Weighted, clamp: Clamp) -> pack.Weighted:
    return replace(layer, low=clamp.low, high=clamp.high)


def add_struct(a: Tensor, b: Tensor, output: Tensor, clamp: Clamp) -> Struct:
    return sum_struct(numerics.add_scale(a, b, output), a, b, output, clamp)


def sum_struct(scale: numerics.AddScale, a: Tensor, b: Tensor, output: Tensor, clamp: Clamp) -> Struct:
    return Struct(
        "tl_add",
        {
            "zero1": a.q.zero_point,
            "zero2": b.q.zero_point,
            "out_zero": output.q.zero_point,
            "m1": scale.first[0],
            "s1": scale.first[1],
            "m2": scale.second[0],
            "s2": scale.second[1],
            "m_out": scale.output[0],
            "s_out": scale.output[1],
            "low": clamp.low,
            "high": clamp.high,
        },
    )


def broadcast(large: tuple[int, ...], small: tuple[int, ...], model: str, place: str) -> tuple[int, int, int, int]:
    """How a smaller operand repeats: calls, elements a call, period within a call, elements moved on by a call."""
    small = (1,) * (len(large) - len(small)) + small
    differing = [axis for axis, (a, b) in enumerate(zip(large, small, strict=True)) if a != b]
    if not differing:
        n = prod(large)
        return 1, n, n, 0
    first, last = differing[0], differing[-1]
    if any(small[axis] != 1 for axis in range(first, last + 1)):
        raise ModelError(f"{model}: {place} broadcasts {small} to {large}; repeat it in the model")
    # Axes before: the small one moves on. Axes after: it is repeated whole.
    repeat, period = prod(large[:first]), prod(large[last + 1 :])
    return repeat, prod(large[first:]), period, period


def _merged(size: tuple[int, ...], stride: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same indices by fewer axes: none of size 1, none that goes on where the next one ends."""
    merged: list[tuple[int, int]] = []
    for n, step in zip(size, stride, strict=True):
        if n == 1:
            continue
        if merged and merged[-1][1] == n * step:
            merged[-1] = (merged[-1][0] * n, step)
        else:
            merged.append((n, step))
    merged = merged or [(1, 1)]
    return tuple(n for n, _ in merged), tuple(step for _, step in merged)


def _four(graph: Graph, op: Op, *rows: tuple[int, ...], fill: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The rows (one value an axis) for exactly four axes; ``fill`` for those that are missing."""
    rank = len(rows[0])
    if rank > 4:
        raise ModelError(f"{graph.name}: {op.place} has {rank} axes, not up to four; reshape it in the model")
    return [(value,) * (4 - rank) + row for value, row in zip(fill, rows, strict=True)]
