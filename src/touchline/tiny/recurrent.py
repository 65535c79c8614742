"""SVDF and an LSTM in integers as TensorFlow Lite Micro computes them.

The LSTM has gates of int16 in Q3.12, activations by a table of 256 values and straight lines between them, and a
cell of int16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.tiny.arrays import Ints
from touchline.tiny.fixed_point import quantise_multiplier, requantise, wrap
from touchline.tiny.graph import Lstm, SvdfTime, Tensor
from touchline.tiny.numerics import svdf_scale

INT16 = (-32768, 32767)
GATES = 4


def sigmoid_table() -> NDArray[np.uint16]:
    """65536 · σ(i/24), raised by half of what a straight line to the next value misses in its middle."""
    x = np.arange(257, dtype=np.float64) / 24
    value, middle = (65536 / (1 + np.exp(-at)) for at in (x, x + 1 / 48))
    missed = middle[:256] - (value[:256] + value[1:]) / 2
    table = np.floor(value[:256] + missed / 2 + 0.5)
    table[255] = 65535
    return table.astype(np.uint16)


_TABLE = sigmoid_table().astype(np.int64)


@dataclass(frozen=True, slots=True)
class LstmScale:
    """Multiplier and shift: of each gate's sums over the input and over the state, of forget · cell, of input ·
    candidate, of output · tanh(cell)."""

    inputs: tuple[tuple[int, int], ...]
    states: tuple[tuple[int, int], ...]
    keep: tuple[int, int]
    fresh: tuple[int, int]
    hidden: tuple[int, int]


def lstm_scale(op: Lstm, tensors: list[Tensor]) -> LstmScale:
    gate, unit, cell = 2.0**-12, 2.0**-15, 2.0**op.cell_bits

    def of(scale: float, weights: Tensor) -> tuple[int, int]:
        return quantise_multiplier(float(np.float32(scale) * np.float32(weights.q.scale)) / gate)

    return LstmScale(
        tuple(of(tensors[0].q.scale, weights) for weights in tensors[1:5]),
        tuple(of(op.state.scale, weights) for weights in tensors[5:9]),
        quantise_multiplier(unit * cell / cell),
        quantise_multiplier(unit * unit / cell),
        quantise_multiplier(unit * unit / op.state.scale),
    )


def tanh_steps(cell_bits: int) -> tuple[int, int]:
    """Factor and right shift from a number of scale 2^cell_bits to the table's steps."""
    left = 12 + cell_bits
    return (3 << left, 0) if left >= 0 else (3, -left)


def sigmoid(x: Ints) -> Ints:
    """Q3.12 → Q0.15."""
    scaled = x * 3
    magnitude = np.abs(scaled)
    at = np.minimum(magnitude >> 9, 254)
    line = (_TABLE[at] << 9) + (magnitude & 511) * (_TABLE[at + 1] - _TABLE[at])
    line = np.where(magnitude >> 9 >= 255, 0x7FFF << 10, line)
    return np.where(scaled >= 0, line + (1 << 9), (1 << 25) - line + (1 << 9) - 1) >> 10


def tanh(x: Ints, cell_bits: int) -> Ints:
    """Scale 2^cell_bits → Q0.15."""
    factor, shift = tanh_steps(cell_bits)
    scaled = (x * factor + (1 << shift >> 1)) >> shift
    magnitude = np.abs(scaled)
    at = np.minimum(magnitude >> 8, 254)
    line = (_TABLE[at] << 8) + (magnitude & 255) * (_TABLE[at + 1] - _TABLE[at])
    line = np.where(magnitude >> 8 >= 255, 0xFFFF << 8, line)
    return np.where(scaled >= 0, line - (1 << 23) + 128, -line + (1 << 23) + 127) >> 8


def moved_on(tensors: list[Tensor], x: list[Ints]) -> Ints:
    """SVDF's state with the features of one more frame, (filters, memory); not yet cut to its dtype."""
    frame, state, weights = x
    least, most = np.iinfo(tensors[1].dtype).min, np.iinfo(tensors[1].dtype).max
    sums = wrap(weights @ (frame.ravel() - tensors[0].q.zero_point))
    made = requantise(sums, *svdf_scale(tensors[0], tensors[2], tensors[1])).clip(least, most)
    kept = state.reshape(weights.shape[0], -1)[:, 1:]
    # The zero point comes after the bounds, and may lead out of them: the reference keeps the lower bits.
    return np.concatenate([kept, (made + tensors[1].q.zero_point)[:, None]], axis=1)


def over_time(op: SvdfTime, tensors: list[Tensor], output: Tensor, x: list[Ints]) -> Ints:
    """SVDF's output, (filters / rank,)."""
    products = x[1].ravel() * (x[0].ravel() - tensors[0].q.zero_point)
    sums = products.reshape(x[1].shape[0] // op.rank, -1).sum(axis=1)
    sums = wrap(sums + (x[2].ravel() if len(x) > 2 else 0))
    made = requantise(sums, *svdf_scale(tensors[0], tensors[1], output))
    return (made + output.q.zero_point).clip(-128, 127)


def run(op: Lstm, tensors: list[Tensor], x: list[Ints]) -> Ints:
    """(steps, S)."""
    scale, zero = lstm_scale(op, tensors), op.state.zero_point
    size = x[5].shape[0]
    hidden, cell = np.full(size, zero, np.int64), np.zeros(size, np.int64)
    made: list[Ints] = []
    for frame in x[0][0] - tensors[0].q.zero_point:
        gates: list[Ints] = []
        for g in range(GATES):
            fed = requantise(wrap(x[1 + g] @ frame + x[9 + g]), *scale.inputs[g]).clip(*INT16)
            kept = requantise(wrap(x[5 + g] @ (hidden - zero)), *scale.states[g]).clip(*INT16)
            total = (fed + kept).clip(*INT16)
            gates.append(tanh(total, -12) if g == 2 else sigmoid(total))
        enter, forget, candidate, leave = gates
        cell = requantise(forget * cell, *scale.keep).clip(*INT16)
        cell = (cell + requantise(enter * candidate, *scale.fresh).clip(*INT16)).clip(*INT16)
        if op.cell_clip:
            cell = cell.clip(-op.cell_clip, op.cell_clip)
        hidden = (requantise(tanh(cell, op.cell_bits) * leave, *scale.hidden) + zero).clip(-128, 127)
        made.append(hidden)
    return np.array(made)
