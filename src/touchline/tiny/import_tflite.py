"""Front end: an int8 .tflite file → `Graph`. All that it cannot take is told at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from touchline.tiny.activations import TABLES
from touchline.tiny.check import verify
from touchline.tiny.flatbuffer import RawOp, read_flatbuffer
from touchline.tiny.graph import COMPARISONS, Graph, Op, Pair
from touchline.tiny.translate import (
    arithmetic,
    floats,
    indices,
    layers,
    matrices,
    moves,
    recurrent,
    shapes,
    states,
)
from touchline.tiny.translate.translation import Translation, Unsupported
from touchline.types.errors import ModelError


def read_tflite(path: Path) -> Graph:
    """The verified graph of an int8 .tflite file.

    Raises `ModelError`, in one line, with everything that is unsupported or wrong.
    """
    graph = _graph(Translation(path, read_flatbuffer(path)))
    verify(graph)
    return graph


def _graph(t: Translation) -> Graph:
    problems: list[str] = []
    ops: list[Op] = []
    for number, op in enumerate(t.raw.ops):
        t.place = f"operator {number} ({op.name})"
        try:
            ops.extend(_translated(t, op))
        except Unsupported as error:
            problems.append(f"{t.place} {error}")
        # What an operator raises that lacks inputs, axes or options which its kind has: a broken file.
        except (IndexError, ValueError, KeyError, OverflowError, ZeroDivisionError) as error:
            problems.append(f"{t.place} is malformed ({error})")
    ends: dict[int, int] = dict(t.entries)
    for key in t.raw.outputs:
        if key in t.reals and t.reals[key].untouched:
            ends[key] = t.reals[key].source
    for what, keys in (("input", t.raw.inputs), ("output", t.raw.outputs)):
        for key in keys:
            if key in ends:
                continue
            try:
                t.check_tensor(key)
                t.tensors.setdefault(key, t.describe(key))
            except Unsupported as error:
                problems.append(f"the {what} {error}")
    kept: tuple[Pair, ...] = ()
    if not problems:
        try:
            kept = states.pairs(t)
        except Unsupported as error:
            problems.append(f"the state {error}")
    if problems:
        remedy = "quantise it to int8 with fixed shapes, from supported operators"
        raise ModelError(f"{t.path}: {'; '.join(dict.fromkeys(problems))}; {remedy}")
    inputs, outputs = (tuple(ends.get(key, key) for key in keys) for keys in (t.raw.inputs, t.raw.outputs))
    reals = tuple(end for key, end in ends.items() if key in (*t.raw.inputs, *t.raw.outputs))
    inputs += tuple(before for before, _ in kept)
    outputs += tuple(after for _, after in kept)
    return Graph(t.path.stem, t.tensors, tuple(ops), inputs, outputs, reals, kept)


def _translated(t: Translation, op: RawOp) -> Iterator[Op]:
    if op.name in states.NAMES:
        yield from states.translate(t, op)
        return
    if shapes.settle(t, op) or indices.settle(t, op):
        return
    if floats.takes(t, op):
        yield from floats.translate(t, op)
        return
    translate = _TRANSLATE.get(op.name)
    if translate is None:
        raise Unsupported("is not supported")
    if op.name not in ("UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"):  # whose state is its own
        t.check_tensors(op)
    yield from translate(t, op)


_TRANSLATE: dict[str, Callable[[Translation, RawOp], Iterator[Op]]] = {
    "CONV_2D": layers.conv,
    "DEPTHWISE_CONV_2D": layers.conv,
    "TRANSPOSE_CONV": layers.transpose_conv,
    "FULLY_CONNECTED": matrices.fully_connected,
    "BATCH_MATMUL": matrices.batch_matmul,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.lstm,
    "SVDF": recurrent.svdf,
    "AVERAGE_POOL_2D": layers.pool,
    "MAX_POOL_2D": layers.pool,
    "ADD": arithmetic.binary,
    "SUB": arithmetic.binary,
    "MUL": arithmetic.binary,
    "MAXIMUM": arithmetic.binary,
    "MINIMUM": arithmetic.binary,
    "SQUARED_DIFFERENCE": arithmetic.binary,
    "PRELU": arithmetic.binary,
    "DIV": arithmetic.binary,
    **dict.fromkeys((kind.upper() for kind in COMPARISONS), arithmetic.binary),
    "SELECT": arithmetic.select,
    "SELECT_V2": arithmetic.select,
    "QUANTIZE": arithmetic.quantise,
    "SOFTMAX": arithmetic.softmax,
    "LOG_SOFTMAX": arithmetic.log_softmax,
    "L2_NORMALIZATION": arithmetic.l2_norm,
    "ARG_MAX": arithmetic.arg_max,
    "ARG_MIN": arithmetic.arg_max,
    "MEAN": arithmetic.reduce,
    "SUM": arithmetic.reduce,
    "REDUCE_MAX": arithmetic.reduce,
    "REDUCE_MIN": arithmetic.reduce,
    "CONCATENATION": moves.concat,
    "PAD": moves.pad,
    "PADV2": moves.pad,
    "MIRROR_PAD": moves.mirror_pad,
    "RESHAPE": moves.reshape,
    "SQUEEZE": moves.reshape,
    "EXPAND_DIMS": moves.reshape,
    "TRANSPOSE": moves.transpose,
    "REVERSE_V2": moves.reverse,
    "TILE": moves.repeat,
    "BROADCAST_TO": moves.repeat,
    "GATHER": moves.gather,
    "EMBEDDING_LOOKUP": moves.embedding,
    "DEPTH_TO_SPACE": moves.blocks,
    "SPACE_TO_DEPTH": moves.blocks,
    "SPACE_TO_BATCH_ND": moves.space_to_batch,
    "BATCH_TO_SPACE_ND": moves.batch_to_space,
    "RESIZE_NEAREST_NEIGHBOR": moves.resize,
    "RESIZE_BILINEAR": moves.resize,
    "STRIDED_SLICE": moves.sliced,
    "SLICE": moves.sliced,
    "SPLIT": moves.split,
    "SPLIT_V": moves.split,
    "UNPACK": moves.split,
    "PACK": moves.pack,
    **dict.fromkeys(TABLES, arithmetic.lookup),
}
