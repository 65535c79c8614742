"""Activations of int8: bounds for those that are fused, a table of all 256 values for those that are not.

Each table is what TFLite's reference kernel gives for each input, float32 steps included.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from touchline.tiny import floating
from touchline.tiny.arrays import Ints
from touchline.tiny.fixed_point import inverse_root, quantise_multiplier, requantise, rounding_shift
from touchline.tiny.floating import half_away
from touchline.tiny.graph import Clamp, Quant, Tensor

Table = tuple[int, ...]
_INPUTS = np.arange(-128, 128, dtype=np.int64)
_BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}


def clamp_of(activation: str, scale: float, zero_point: int) -> Clamp | None:
    """The quantised bounds of ``activation``, or None if it is none of bounds."""
    if activation not in _BOUNDS:
        return None
    low, high = (
        None if bound is None else zero_point + _round(np.float32(bound) / np.float32(scale))
        for bound in _BOUNDS[activation]
    )
    return Clamp(-128 if low is None else max(-128, low), 127 if high is None else min(127, high))


def _round(value: np.floating) -> int:
    """To the nearest, ties away from zero."""
    return int(math.copysign(math.floor(abs(float(value)) + 0.5), float(value)))


def _quotient(a: float, b: float) -> float:
    """Divided in float32."""
    return float(np.float32(a) / np.float32(b))


def _table(values: ArrayLike, low: int = -128, high: int = 127) -> Table:
    return tuple(int(value) for value in np.clip(np.asarray(values), low, high))


def requantising_table(source: Tensor, target: Tensor) -> Table:
    """QUANTIZE between int8 and uint8 of any scales."""
    multiplier, shift = quantise_multiplier(source.q.scale / target.q.scale)
    inputs = _INPUTS + (128 if source.dtype == "uint8" else 0)
    outputs = requantise(inputs - source.q.zero_point, multiplier, shift) + target.q.zero_point
    return _table(outputs, *((0, 255) if target.dtype == "uint8" else (-128, 127)))


def _bounded(name: str) -> Callable[[Quant, Quant, float], Table]:
    def table(source: Quant, target: Quant, _alpha: float) -> Table:
        multiplier, shift = quantise_multiplier(_quotient(source.scale, target.scale))
        clamp = clamp_of(name, target.scale, target.zero_point) or Clamp()
        outputs = requantise(_INPUTS - source.zero_point, multiplier, shift) + target.zero_point
        return _table(outputs, clamp.low, clamp.high)

    return table


def _leaky(source: Quant, target: Quant, alpha: float) -> Table:
    ratio = float(np.float32(np.float32(source.scale) * np.float32(alpha)) / np.float32(target.scale))
    multiplier, shift = quantise_multiplier(ratio)
    identity, identity_shift = quantise_multiplier(_quotient(source.scale, target.scale))
    x = _INPUTS - source.zero_point
    below = requantise(x, abs(multiplier), shift) * (-1 if multiplier < 0 else 1)
    return _table(np.where(x >= 0, requantise(x, identity, identity_shift), below) + target.zero_point)


def _by_float(function: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Callable[..., Table]:
    """As TFLite fills its own tables: dequantised, computed and requantised in float32."""

    def table(source: Quant, target: Quant, _alpha: float) -> Table:
        real = np.float32(source.scale) * (_INPUTS - source.zero_point).astype(np.float32)
        scaled = function(real) * (np.float32(1.0) / np.float32(target.scale))
        return _table(np.clip(half_away(scaled), -1e9, 1e9).astype(np.int64) + target.zero_point)

    return table


def _hard_swish(source: Quant, target: Quant, _alpha: float) -> Table:
    """x · relu6(x + 3) / 6 in 16 bits, by the reference kernel's steps."""
    fine = np.float32(1 / 128) * np.float32(source.scale)
    out_multiplier, out_shift = quantise_multiplier(float(fine / np.float32(target.scale)))
    relu_multiplier, relu_shift = quantise_multiplier(float(fine / (np.float32(3.0) / np.float32(32768.0))))
    fine_input = (_INPUTS - source.zero_point) << 7
    on_output_scale = _high_mul16(fine_input, _to_16_bits(out_multiplier))
    gate = fine_input
    if relu_shift > 0:
        gate = np.clip(gate << (relu_shift - 1), -32768, 32767)
    gate = _high_mul16(gate, _to_16_bits(relu_multiplier))
    if relu_shift > 0:
        gate = np.clip(gate << 1, -32768, 32767)
    if relu_shift < 0:
        gate = rounding_shift(gate, -relu_shift)
    gate = (gate + (1 << 15)) >> 1
    product = gate * on_output_scale
    halved = np.where(product >= 0, product >> 15, -((-product) >> 15))
    return _table(rounding_shift(halved, -out_shift) + target.zero_point)


def _to_16_bits(multiplier: int) -> int:
    return min((multiplier + (1 << 15)) >> 16, 32767)


def _high_mul16(a: Ints, b: int) -> Ints:
    product = a * b + np.where(a * b >= 0, 1 << 14, 1 - (1 << 14))
    return np.where(product >= 0, product >> 15, -((-product) >> 15))


def _abs(source: Quant, target: Quant, _alpha: float) -> Table:
    x = np.abs(_INPUTS - source.zero_point)
    if source.scale != target.scale:
        x = requantise(x, *quantise_multiplier(_quotient(source.scale, target.scale)))
    return _table(x + target.zero_point)


def _log(source: Quant, target: Quant, alpha: float) -> Table:
    least = np.float32(-128 - target.zero_point) * np.float32(target.scale)
    return _by_float(lambda x: np.where(x <= 0, least, floating.log(x)))(source, target, alpha)


def _sqrt(source: Quant, target: Quant, _alpha: float) -> Table:
    """Cut off, not rounded; negative inputs, which the reference refuses, are taken as 0."""
    real = np.float32(source.scale) * np.maximum(_INPUTS - source.zero_point, 0).astype(np.float32)
    return _table((np.sqrt(real) / np.float32(target.scale)).astype(np.int64) + target.zero_point)


def _rsqrt(source: Quant, target: Quant, _alpha: float) -> Table:
    """By Newton's steps in integers; 0 and negative inputs, which the reference refuses, give the largest."""
    ratio = 1.0 / float(np.sqrt(np.float32(source.scale)) * np.float32(target.scale))
    multiplier, shift = quantise_multiplier(ratio)
    made: list[int] = []
    for value in (int(v) for v in _INPUTS - source.zero_point):
        if value <= 0:
            made.append(127)
            continue
        root, root_shift = inverse_root(value)
        fine = int(requantise(1, root, root_shift + 20))
        made.append(int(requantise(fine, multiplier, shift - 20)) + target.zero_point)
    return _table(made)


TABLES: dict[str, Callable[[Quant, Quant, float], Table]] = {
    "RELU": _bounded("RELU"),
    "RELU6": _bounded("RELU6"),
    "RELU_N1_TO_1": _bounded("RELU_N1_TO_1"),
    "RELU_0_TO_1": _bounded("RELU_0_TO_1"),
    "LEAKY_RELU": _leaky,
    "LOGISTIC": _by_float(floating.sigmoid),
    "TANH": _by_float(floating.tanh),
    "ELU": _by_float(floating.elu),
    "GELU": _by_float(floating.gelu),
    "GELU, approximate": _by_float(floating.gelu_by_tanh),
    "EXP": _by_float(floating.exp),
    "LOG": _log,
    "ABS": _abs,
    "SQRT": _sqrt,
    "RSQRT": _rsqrt,
    "HARD_SWISH": _hard_swish,
}
"""Operator → its table, from the input's and the output's quantisation and alpha (LEAKY_RELU only)."""
