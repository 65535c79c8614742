"""Operators with weights: which kernel, and its weights packed for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from touchline.tiny import numerics, pack
from touchline.tiny.ccode import At, Call, Constant, Flavour, Function, Scratch, Step, Struct, Value
from touchline.tiny.graph import (
    Clamp,
    Conv2D,
    ConvAdd,
    DepthwiseConv2D,
    FullyConnected,
    MatMul,
    Padding,
    Pair,
    Tensor,
    TransposeConv2D,
)
from touchline.tiny.lowering.base import SUFFIX, Lowering
from touchline.tiny.lowering.values import add_struct


class Weighted(Lowering):
    """Convolutions, layers that connect all to all, products of matrices."""

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

    def layer(self, op: Conv2D | DepthwiseConv2D) -> tuple[str, dict[str, Value], int]:
        """A convolution as a part of something else: its kernel, the fields of tl_conv, its scratch."""
        weights = np.asarray(self.tensors[1].data)
        height, width, depth = weights.shape[1], weights.shape[2], self.image.shape[3]
        if isinstance(op, DepthwiseConv2D):
            channels = weights.shape[3]
            flavour = self.flavour if channels == depth else "portable"
            packer, name = pack.pack_depthwise, "tl_depthwise_s8"
            scratch = pack.depthwise_scratch(height * width, depth, 0, flavour)
        else:
            channels = weights.shape[0]
            fits = self.flavour != "dsp" or pack.dsp_fits(weights.reshape(channels, -1))
            flavour = self.flavour if fits else "portable"
            packer, name = pack.pack_conv, "tl_conv_s8"
            scratch = pack.conv_scratch(height * width, depth, channels, 0, False, flavour)
        packed = packer(_bounded(self.weighted(self.tensors, self.output, channels), op.clamp), flavour)
        window = (height, width)
        fields = self.convolution(packed, self.output, window, op.stride, op.dilation, op.padding, op.clamp)
        return f"{name}{SUFFIX[flavour]}", fields, scratch

    def transposed(self, op: TransposeConv2D) -> Step:
        weights = np.asarray(self.tensors[1].data)
        channels, height, width, _ = weights.shape
        # The input's zero point is not folded: how many taps an output sees varies.
        layer = replace(self.weighted(self.tensors, self.output, channels), in_zero=0)
        packed = pack.pack_conv(_bounded(layer, op.clamp), "portable")
        of_taps = self.image.q.zero_point * weights.astype(np.int64).sum(axis=3)
        channel = np.concatenate([packed.channels, of_taps.ravel()]).astype(np.int32)
        packed = replace(packed, channels=channel)
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
        struct = connected(layer, packed, self.image.elements // inputs, clamp)
        arguments = (struct, At(op.inputs[0]), At(op.output))
        call = Call(f"tl_fully_connected_s8{SUFFIX[flavour]}", arguments)
        return self.step(call, *after, macs=self.output.elements * inputs)

    def matmul(self, op: MatMul) -> Step:
        a, b = self.tensors[:2]
        rows, inner = a.shape[-2:]
        columns = b.shape[-2 if op.transposed else -1]
        of_a, of_b = (prod(tensor.shape[:-2]) for tensor in (a, b))
        if of_b == 1:  # one matrix for all of a's rows
            rows, of_a = rows * of_a, 1
        repeat = max(of_a, of_b)
        multiplier, shift = numerics.matrix_multiplier(a, b, self.output)
        struct = Struct(
            "tl_matmul",
            {
                "bias": Constant(np.asarray(self.tensors[2].data).ravel()) if len(self.tensors) > 2 else None,
                "rows": rows,
                "columns": columns,
                "inner": inner,
                "zero1": a.q.zero_point,
                "zero2": b.q.zero_point,
                "out_zero": self.output.q.zero_point,
                "multiplier": multiplier,
                "shift": shift,
                "low": op.clamp.low,
                "high": op.clamp.high,
                "transposed": int(op.transposed),
            },
        )
        first = self.operand(op.inputs[0], rows * inner if of_a > 1 else 0)
        second = self.operand(op.inputs[1], inner * columns if of_b > 1 else 0)
        target = At(op.output, step=rows * columns)
        call = Call(f"tl_matmul_s8{SUFFIX[self.flavour]}", (struct, first, second, target, Scratch()), repeat)
        scratch = pack.matmul_scratch(inner, self.flavour)
        return self.step(call, scratch=scratch, macs=repeat * rows * columns * inner)

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


def connected(layer: pack.Weighted, packed: pack.Packed, batches: int, clamp: Clamp) -> Struct:
    outputs, inputs = layer.weights.shape
    return Struct(
        "tl_fully_connected",
        {
            "weights": Constant(packed.weights),
            "channels": Constant(packed.channels),
            "batches": batches,
            "inputs": inputs,
            "outputs": outputs,
            "in_zero": layer.in_zero,
            "out_zero": layer.out_zero,
            "low": clamp.low,
            "high": clamp.high,
            "fast": packed.fast,
        },
    )


def _bounded(layer: pack.Weighted, clamp: Clamp) -> pack.Weighted:
    return replace(layer, low=clamp.low, high=clamp.high)
