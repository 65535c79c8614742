"""Small models of operators that only move elements."""

from __future__ import annotations

from math import prod

import numpy as np

from tests.tiny import draw
from tests.tiny.draw import Make, Rng
from tests.tiny.writer import Writer


def transpose(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    order = rng.permutation(4)
    shape = draw.shape(writer, image)
    output = draw.like(writer, image, tuple(shape[axis] for axis in order))
    writer.op("TRANSPOSE", [image, writer.ints(order)], [output])
    return [output]


def reverse(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    output = draw.like(writer, image, draw.shape(writer, image))
    writer.op("REVERSE_V2", [image, writer.ints([draw.pick(rng, 1, 2, 3, -1)])], [output], version=2)
    return [output]


def tile(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    times = (1, *(draw.pick(rng, 1, 2, 3) for _ in range(3)))
    made = tuple(a * b for a, b in zip(draw.shape(writer, image), times, strict=True))
    output = draw.like(writer, image, made)
    writer.op("TILE", [image, writer.ints(times)], [output], version=3)
    return [output]


def broadcast_to(writer: Writer, rng: Rng) -> list[int]:
    made = (1, draw.pick(rng, 2, 3), draw.pick(rng, 2, 5), int(rng.integers(1, 9)))
    shape = tuple(size if rng.random() < 0.5 else 1 for size in made)[draw.pick(rng, 0, 1) :]
    image = writer.input(shape, draw.scale(rng), draw.zero(rng))
    output = draw.like(writer, image, made)
    writer.op("BROADCAST_TO", [image, writer.ints(made)], [output], version=2)
    return [output]


def gather(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    axis = draw.pick(rng, 1, 2, 3)
    shape = list(draw.shape(writer, image))
    indices = rng.integers(0, shape[axis], int(rng.integers(1, 6)))
    shape[axis] = len(indices)
    output = draw.like(writer, image, tuple(shape))
    writer.op(
        "GATHER", [image, writer.ints(indices)], [output], version=2, axis=axis if rng.random() < 0.5 else axis - 4
    )
    return [output]


def mirror_pad(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    symmetric = rng.random() < 0.5
    most = [0, *(size if symmetric else size - 1 for size in shape[1:])]
    pads = [[int(rng.integers(0, min(n, 3) + 1)) for _ in range(2)] for n in most]
    made = tuple(n + a + b for n, (a, b) in zip(shape, pads, strict=True))
    output = draw.like(writer, image, made)
    writer.op("MIRROR_PAD", [image, writer.ints(pads)], [output], mode=int(symmetric))
    return [output]


def depth_to_space(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng, 4 * int(rng.integers(1, 4)))
    _, h, w, c = draw.shape(writer, image)
    output = draw.like(writer, image, (1, 2 * h, 2 * w, c // 4))
    writer.op("DEPTH_TO_SPACE", [image], [output], blockSize=2)
    return [output]


def space_to_depth(writer: Writer, rng: Rng) -> list[int]:
    h, w, c = draw.pick(rng, 1, 2, 3), draw.pick(rng, 1, 2), int(rng.integers(1, 9))
    image = writer.input((1, 2 * h, 2 * w, c), draw.scale(rng), draw.zero(rng))
    output = draw.like(writer, image, (1, h, w, 4 * c))
    writer.op("SPACE_TO_DEPTH", [image], [output], blockSize=2)
    return [output]


def space_to_batch(writer: Writer, rng: Rng) -> list[int]:
    """There and back: cut off again is less than was added."""
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    block = (draw.pick(rng, 1, 2, 3), draw.pick(rng, 1, 2))
    pads = []
    for size, step in zip(shape[1:3], block, strict=True):
        before = draw.pick(rng, 0, 1)
        pads.append((before, -(size + before) % step))
    grown = [size + sum(pad) for size, pad in zip(shape[1:3], pads, strict=True)]
    cut = (prod(block), grown[0] // block[0], grown[1] // block[1], shape[3])
    middle = draw.like(writer, image, cut)
    crops = [(0, 0), (draw.pick(rng, 0, grown[1] > 1), 0)]
    output = draw.like(writer, image, (1, grown[0], grown[1] - crops[1][0], shape[3]))
    writer.op("SPACE_TO_BATCH_ND", [image, writer.ints(block), writer.ints(pads)], [middle])
    writer.op("BATCH_TO_SPACE_ND", [middle, writer.ints(block), writer.ints(crops)], [output])
    return [middle, output]


def slice_of_five_axes(writer: Writer, rng: Rng) -> list[int]:
    shape = (1, draw.pick(rng, 2, 3), 2, draw.pick(rng, 1, 4), int(rng.integers(2, 6)))
    image = writer.input(shape, draw.scale(rng), draw.zero(rng))
    begin = [int(rng.integers(0, size)) for size in shape]
    size = [int(rng.integers(1, n - b + 1)) for n, b in zip(shape, begin, strict=True)]
    output = draw.like(writer, image, tuple(size))
    writer.op("SLICE", [image, writer.ints(begin), writer.ints(np.array(size))], [output])
    return [output]


ZOO: dict[str, Make] = {
    "transpose": transpose,
    "reverse": reverse,
    "tile": tile,
    "broadcast_to": broadcast_to,
    "gather": gather,
    "mirror_pad": mirror_pad,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "space_to_batch": space_to_batch,
    "slice_of_five_axes": slice_of_five_axes,
}
