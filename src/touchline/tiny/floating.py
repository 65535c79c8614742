"""Functions of float32 as C's library gives them: computed in double and rounded once, on every machine alike."""

from __future__ import annotations

from collections.abc import Callable
from math import erfc
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float32]


def _rounded(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[Reals], Reals]:
    def rounded(x: Reals) -> Reals:
        with np.errstate(all="ignore"):
            return np.asarray(function(x.astype(np.float64)), np.float32)

    return rounded


exp = _rounded(np.exp)
log = _rounded(np.log)
sin = _rounded(np.sin)
cos = _rounded(np.cos)
tanh = _rounded(np.tanh)
expm1 = _rounded(np.expm1)


def inverse_root(x: Reals) -> Reals:
    with np.errstate(all="ignore"):
        return np.asarray(np.float32(1) / np.sqrt(x), np.float32)


def elu(x: Reals) -> Reals:
    return np.asarray(np.where(x < 0, expm1(x), x), np.float32)


def sigmoid(x: Reals) -> Reals:
    return np.float32(1) / (np.float32(1) + exp(-x))


def gelu(x: Reals) -> Reals:
    """x/2 · erfc(−x/√2)."""
    tail = np.array([erfc(float(value)) for value in x * np.float32(-np.sqrt(0.5))], np.float32)
    return (np.float32(0.5) * x * tail).astype(np.float32)


def gelu_by_tanh(x: Reals) -> Reals:
    """x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))."""
    inner = (np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)).astype(np.float32)
    return (np.float32(0.5) * x * (np.float32(1) + tanh(inner))).astype(np.float32)


def half_away(values: ArrayLike) -> NDArray[np.float64]:
    """To the nearest whole number, ties away from zero."""
    x = np.asarray(values, np.float64)
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def quantised(values: Reals, scale: float, zero_point: int, dtype: str = "int8") -> NDArray[np.integer[Any]]:
    """What QUANTIZE makes of float32 ``values``. What is no number becomes the smallest."""
    with np.errstate(all="ignore"):
        ratio = half_away(values / np.float32(scale))
    ratio = np.clip(np.nan_to_num(ratio, nan=-1e9, posinf=1e9, neginf=-1e9), -1e9, 1e9)
    limits = np.iinfo(dtype)
    return np.clip(ratio + zero_point, limits.min, limits.max).astype(dtype)
