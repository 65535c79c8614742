"""Weights, records and tables in the form that the C kernels read (`csrc/touchline_kernels.h` says which and why).

Pure numpy. Weights are int8 in TFLite's order; multipliers and shifts are TFLite's too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from touchline.tiny.arrays import AnyInts
from touchline.tiny.ccode import Flavour
from touchline.tiny.fixed_point import wrap


@dataclass(frozen=True)
class Weighted:
    """What a layer with weights is computed from, as TFLite has it.

    weights: int8, in the file's order. bias, multipliers, shifts: one per output. in_zero, out_zero: zero points.
    low, high: the output's bounds; ValueError where they are none of int8.
    """

    weights: AnyInts
    bias: AnyInts
    multipliers: list[int]
    shifts: list[int]
    in_zero: int = 0
    out_zero: int = 0
    low: int = -128
    high: int = 127

    def __post_init__(self) -> None:
        if not -128 <= self.low <= self.high <= 127:
            raise ValueError(f"bounds of {self.low} .. {self.high} are none of int8")


@dataclass(frozen=True)
class Packed:
    """What a layer's structure points at.

    weights: int8 or int16, flat, to be aligned to 4 bytes (mve: 8). channels: int32, flat. fast: 0 or 1, the field
    of that name.
    """

    weights: npt.NDArray[np.int8] | npt.NDArray[np.int16]
    channels: npt.NDArray[np.int32]
    fast: int


def up(n: int, multiple: int) -> int:
    """n rounded up to a multiple."""
    return -(-n // multiple) * multiple


def fold_bias(rows: AnyInts, bias: AnyInts, in_zero: int) -> list[int]:
    """bias' of each output; rows: its weights, [outputs][K]."""
    sums = rows.astype(np.int64).sum(axis=1)
    return [int(wrap(int(b) - in_zero * int(s))) for b, s in zip(bias, sums, strict=True)]


def _fast_records(rows: AnyInts, layer: Weighted, folded: list[int]) -> list[int] | None:
    """Records of the short requantisation, or None where one channel's numbers do not allow it."""
    records: list[int] = []
    magnitudes = np.abs(rows.astype(np.int64)).sum(axis=1)
    for i, (multiplier, shift) in enumerate(zip(layer.multipliers, layer.shifts, strict=True)):
        bound = 255 * int(magnitudes[i]) + abs(int(layer.bias[i]))
        if bound >= 1 << 30:
            return None
        largest = (bound * abs(multiplier) >> 31) + 1
        if shift <= -1 and largest < 1 << (-shift - 1):
            multiplier, shift = 0, -1  # too small ever to leave zero: the output is out_zero
        if multiplier == 0:
            shift = -1
        if not -31 <= shift <= -1 or multiplier < 0:
            return None
        if ((2 * abs(layer.out_zero) + 1) << (-shift - 1)) + (1 << 30) >= 1 << 31:
            return None
        records += [int(wrap(2 * folded[i])), multiplier, -shift - 1]
    return records


def channel_records(
    rows: AnyInts, layer: Weighted, flavour: Flavour, pad_to: int
) -> tuple[npt.NDArray[np.int32], int]:
    """The records of one layer and its `fast` field. rows: its weights, [outputs][K].

    pad_to: dsp and mve pad with zero records to a multiple of this: dsp 2 (weights are paired), mve 4; depthwise
    4 and 16, which mve has in the order that halving twice gives.
    """
    folded = fold_bias(rows, layer.bias, layer.in_zero)
    count = len(folded)
    if flavour == "mve":
        groups = np.zeros((3, up(count, pad_to)), np.int64)
        groups[:, :count] = [folded, layer.multipliers, layer.shifts]
        if pad_to == 16:
            groups = groups.reshape(3, -1, 4, 2, 2).transpose(0, 1, 4, 3, 2)
        records = groups.reshape(3, -1, 4).transpose(1, 0, 2).reshape(-1).astype(np.int32)
        return records, int(max(layer.shifts) < 0)
    plain = [n for record in zip(folded, layer.multipliers, layer.shifts, strict=True) for n in record]
    if flavour == "portable":
        return np.array(plain, np.int32), 0
    fast = None
    # Two outputs in one sum come apart as long as the upper one stays below 2^23.
    separable = pad_to == 4 or bool(np.all(np.abs(rows[1::2].astype(np.int64)).sum(axis=1) < 1 << 16))
    if separable:
        fast = _fast_records(rows, layer, folded)
    records = plain if fast is None else fast
    records = records + [0, 0, 0] * (up(count, pad_to) - count)
    return np.array(records, np.int32), int(fast is not None)


def dsp_fits(rows: AnyInts) -> bool:
    """Whether two outputs' weights fit one int16 everywhere: false where -128 stands over a negative.

    rows: [outputs][K].
    """
    low, high = _pairs(rows)
    return bool(np.all(256 * high + low >= -(1 << 15)))


def _pairs(rows: AnyInts) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    outputs, size = rows.shape
    even = np.zeros((up(outputs, 2), up(size, 4)), np.int32)
    even[:outputs, :size] = rows
    # SXTB16 takes bytes 0 and 2 of a word, then 1 and 3.
    even = even.reshape(even.shape[0], -1, 4)[:, :, [0, 2, 1, 3]].reshape(even.shape[0], -1)
    return even[0::2], even[1::2]


def _dsp_weights(rows: AnyInts, block: int) -> npt.NDArray[np.int16]:
    """int16 [outputs / 2 / block][K / step][block pairs][step k], then pairs left over alone."""
    low, high = _pairs(rows)
    words = 256 * high + low
    if words.size and int(words.min()) < -(1 << 15):
        raise ValueError(
            "a weight of -128 over a negative one does not fit the dsp packing: use the portable kernel"
        )
    pairs, size = words.shape
    whole = pairs // block * block
    step = 4 if block == 4 else 2
    blocks = words[:whole].reshape(-1, block, size // step, step).transpose(0, 2, 1, 3).reshape(-1)
    return np.concatenate([blocks, words[whole:].reshape(-1)]).astype(np.int16)


def _mve_weights(rows: AnyInts) -> npt.NDArray[np.int8]:
    outputs, size = rows.shape
    padded = np.zeros((up(outputs, 4), up(size, 16)), np.int8)
    padded[:outputs, :size] = rows
    return padded.reshape(-1, 4, padded.shape[1] // 16, 16).transpose(0, 2, 1, 3).reshape(-1).copy()


def pack_conv(layer: Weighted, flavour: Flavour) -> Packed:
    """For `tl_conv_s8*`; weights OHWI. Raises ValueError where dsp_fits says no."""
    return _pack_rows(layer.weights.reshape(layer.weights.shape[0], -1), layer, flavour, 2)


def pack_fully_connected(layer: Weighted, flavour: Flavour) -> Packed:
    """For `tl_fully_connected_s8*`; weights [outputs][inputs]. Raises ValueError where dsp_fits says no."""
    return _pack_rows(layer.weights, layer, flavour, 4)


def _pack_rows(rows: AnyInts, layer: Weighted, flavour: Flavour, block: int) -> Packed:
    channels, fast = channel_records(rows, layer, flavour, 4 if flavour == "mve" else 2)
    if flavour == "dsp":
        return Packed(_dsp_weights(rows, block), channels, fast)
    packed = _mve_weights(rows) if flavour == "mve" else rows.reshape(-1).astype(np.int8)
    return Packed(packed, channels, fast)


def pack_depthwise(layer: Weighted, flavour: Flavour) -> Packed:
    """For `tl_depthwise_s8*`; weights 1HWO (dsp and mve: a channel multiplier of 1 only)."""
    count = layer.weights.shape[-1]
    taps = layer.weights.reshape(-1, count)
    channels, fast = channel_records(taps.T, layer, flavour, 16 if flavour == "mve" else 4)
    if flavour == "dsp":
        even = np.zeros((up(len(taps), 2), up(count, 4)), np.int16)
        even[: len(taps), :count] = taps
        return Packed(even.reshape(-1, 2, even.shape[1] // 4, 4).transpose(2, 0, 3, 1).reshape(-1), channels, fast)
    if flavour == "mve":
        wide = np.zeros((up(len(taps), 2), up(count, 16)), np.int8)
        wide[: len(taps), :count] = taps
        fast = int(bool(fast) and (layer.low, layer.high) == (-128, 127) and int(taps.min()) > -128)
        return Packed(wide.reshape(len(wide), -1, 16).transpose(1, 0, 2).reshape(-1), channels, fast)
    return Packed(taps.reshape(-1).astype(np.int8), channels, 0)


def ring_rows(in_h: int, in_row_bytes: int, out_h: int, out_row_bytes: int, stride_h: int, pad_top: int) -> int:
    """Rows of input that a convolution in place keeps (`tl_conv.ring_rows`)."""
    kept = 1
    for y in range(out_h):
        saved = min(in_h, -(-(y + 1) * out_row_bytes // in_row_bytes))
        kept = max(kept, saved - max(0, y * stride_h - pad_top))
    return kept


def conv_scratch(taps: int, in_c: int, out_c: int, ring_bytes: int, adds: bool, flavour: Flavour) -> int:
    """Bytes of scratch of `tl_conv_s8*`; taps = kernel_h * kernel_w, ring_bytes = ring_rows * in_w * in_c."""
    size = taps * in_c
    patch = {"portable": up(size, 4), "dsp": 6 * up(size, 4), "mve": 2 * up(size, 16)}[flavour]
    return up(patch + (up(2 * out_c, 8) if adds else 0) + up(ring_bytes, 8), 8)


def depthwise_scratch(taps: int, in_c: int, ring_bytes: int, flavour: Flavour) -> int:
    """Bytes of scratch of `tl_depthwise_s8*`."""
    pointers = 8 * -(-taps // 2)
    fixed = {"portable": 0, "dsp": up(in_c, 4) + pointers, "mve": up(in_c, 8) + pointers}[flavour]
    return up(fixed + ring_bytes, 8)


def matmul_scratch(inner: int, flavour: Flavour) -> int:
    """Bytes of scratch of `tl_matmul_s8*`."""
    return {"portable": 0, "dsp": 16 * -(-inner // 4), "mve": up(4 * inner, 8)}[flavour]
