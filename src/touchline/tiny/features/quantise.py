"""Fixed-point numbers → int8 as a model's input has it: real ≈ (q - zero_point) · scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import ConfigError

MULTIPLIER_BITS = 32
MULTIPLIER_LIMIT = (1 << 31) - 1


def multiplier(unit: float, value_bits: int) -> int:
    """What takes integers whose ``unit`` is in steps of int8, and which have ``value_bits`` fractional bits, to
    int8 with a right shift by 32."""
    return round(unit * 2.0 ** (MULTIPLIER_BITS - value_bits))


def quantised(values: NDArray[np.int64], factor: int | NDArray[np.int64], zero_point: int) -> NDArray[np.int8]:
    """Scaled by ``factor`` / 2^32, rounded to the nearest (ties upwards), saturated."""
    rounded = (values * factor + (1 << (MULTIPLIER_BITS - 1))) >> MULTIPLIER_BITS
    return np.clip(rounded + zero_point, -128, 127).astype(np.int8)


def check_quantisation(whose: str, scale: float, zero_point: int) -> None:
    """Raise `ConfigError` where they cannot be those of an int8 tensor."""
    if not scale > 0 or scale == float("inf"):
        raise ConfigError(f"{whose}: scale {scale} is not a positive number; take the model's input scale")
    if not -128 <= zero_point <= 127:
        raise ConfigError(f"{whose}: zero_point {zero_point} is not within -128 to 127; take the model's input's")
