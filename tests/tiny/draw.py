"""What test models are drawn from: numbers, scales, zero points, images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.tiny.writer import Writer

Rng = np.random.Generator
Make = Callable[[Writer, Rng], list[int]]
"""Adds inputs and operators, returns the outputs."""


def pick(rng: Rng, *values: int) -> int:
    return int(rng.choice(values))


def scale(rng: Rng) -> float:
    return float(np.float32(rng.uniform(0.004, 0.3)))


def zero(rng: Rng) -> int:
    return pick(rng, -128, 127, 0, -1, int(rng.integers(-128, 128)))


def image(writer: Writer, rng: Rng, channels: int | None = None) -> int:
    shape = (1, pick(rng, 1, 2, 3, 5, 8), pick(rng, 1, 2, 4, 7), channels or int(rng.integers(1, 20)))
    return writer.input(shape, scale(rng), zero(rng))


def shape(writer: Writer, key: int) -> tuple[int, ...]:
    return tuple(int(size) for size in writer.graph.tensors[key].shape)


def like(writer: Writer, key: int, made: tuple[int, ...]) -> int:
    """A tensor quantised as ``key`` is."""
    quant: Any = writer.graph.tensors[key].quantization
    return writer.tensor(made, scale=quant.scale[0], zero_point=quant.zeroPoint[0])
