"""A chain of convolutions in bands: every row once, from rows that are there; the same bits in less memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.needs import need
from tests.tiny.test_c import BUILDS
from tests.tiny.writer import NONE, RELU6, SAME, VALID, Writer
from touchline.tiny import bands, reference, toolchain
from touchline.tiny.artifact import ports_of
from touchline.tiny.banding import band, needs
from touchline.tiny.compile import compile_tflite
from touchline.tiny.graph import Banded, Graph, Padding, Pair, Pool2D, Tensor
from touchline.tiny.import_tflite import read_tflite
from touchline.tiny.passes import run_passes


def chain_of(sizes: list[tuple[int, int, int, int]], height: int) -> Graph | None:
    """Pools (window, stride, padding above, padding below) one after the other; None where one has no output."""
    tensors = {0: Tensor("image", (1, height, 1, 1), "int8")}
    ops: list[Pool2D] = []
    for i, (window, stride, above, below) in enumerate(sizes):
        height = (height + above + below - window) // stride + 1
        if height < 1 or above >= window or below >= window:
            return None
        tensors[i + 1] = Tensor(f"made {i}", (1, height, 1, 1), "int8")
        padding = Padding(above, below)
        pool = Pool2D(
            inputs=(i,), output=i + 1, kind="max", window=(window, 1), stride=(stride, 1), padding=padding
        )
        ops.append(pool)
    return Graph("chain", tensors, tuple(ops), (0,), (len(ops),))


def _pool(i: int, window: Pair, stride: Pair, padding: Padding) -> Pool2D:
    return Pool2D(inputs=(i,), output=i + 1, kind="max", window=window, stride=stride, padding=padding)


LAYER = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(0, 3))


@settings(max_examples=300, deadline=None)
@given(st.lists(LAYER, min_size=2, max_size=5), st.integers(1, 30), st.integers(1, 9))
def test_every_row_is_made_once_from_rows_that_are_there(
    sizes: list[tuple[int, int, int, int]], height: int, rows: int
) -> None:
    graph = chain_of(sizes, height)
    if graph is None:
        return
    chain = [op for op in graph.ops if isinstance(op, Pool2D)]
    plan = bands.plan(graph, chain, rows)
    limits = bands.buffer_rows(plan)
    buffers: list[dict[int, int]] = [{} for _ in chain]  # of each layer's output: the row that lies at each place
    last: list[int] = []
    for works in plan:
        for i, work in enumerate(works):
            if work.made.end == work.made.first:
                continue
            wanted = {
                y * chain[i].stride[0] - chain[i].padding.top + k
                for y in range(work.made.first, work.made.end)
                for k in range(chain[i].window[0])
            }
            size = graph.tensors[chain[i].inputs[0]].shape[1]
            seen = set(range(work.read.first, work.read.end))
            assert {y for y in wanted if 0 <= y < size} <= seen
            assert work.read.first - work.above == work.made.first * chain[i].stride[0] - chain[i].padding.top
            if i > 0:
                assert all(buffers[i - 1].get(y - works[i - 1].start) == y for y in seen)
            if i == len(chain) - 1:
                last += range(work.made.first, work.made.end)
                continue
            kept = {y - work.start: y for y in range(work.kept.first, work.kept.end)}
            assert all(buffers[i].get(y - work.moved_from) == y for y in kept.values())
            buffers[i] = kept | {y - work.start: y for y in range(work.made.first, work.made.end)}
            assert min(buffers[i]) >= 0
            assert max(buffers[i]) < limits[i]
    assert last == list(range(graph.tensors[len(chain)].shape[1]))


def network(folder: Path, seed: int) -> Path:
    """Wide in the middle: a first convolution, perhaps a pool, blocks that widen, perhaps with a sum around."""
    rng = np.random.default_rng(seed)
    writer = Writer()
    rows = int(rng.integers(17, 24)) * (2 if seed % 2 else 1)
    key = writer.input((1, rows, 9, 3), 0.02, int(rng.integers(-128, 128)))

    def layer(key: int, depth: int, kernel: int, stride: int, padding: int, name: str = "CONV_2D") -> int:
        _, height, width, channels = (int(size) for size in writer.graph.tensors[key].shape)
        separate = name == "DEPTHWISE_CONV_2D"
        shape = (1, kernel, kernel, channels) if separate else (depth, kernel, kernel, channels)
        scale = float(writer.graph.tensors[key].quantization.scale[0])
        filter_ = writer.tensor(shape, scale=0.01, data=rng.integers(-127, 128, shape))
        bias = writer.tensor((depth,), "int32", 0.01 * scale, data=rng.integers(-2000, 2000, depth))
        size = [-(-n // stride) if padding == SAME else (n - kernel) // stride + 1 for n in (height, width)]
        output = writer.tensor((1, *size, depth), scale=0.05, zero_point=int(rng.integers(-128, 128)))
        options = {"padding": padding, "strideH": stride, "strideW": stride, "dilationHFactor": 1}
        options |= {"dilationWFactor": 1, "fusedActivationFunction": int(rng.choice([NONE, RELU6]))}
        options |= {"depthMultiplier": 1} if separate else {}
        writer.op(name, [key, filter_, bias], [output], **options)
        return output

    key = layer(key, 6, 3, int(rng.integers(1, 3)), int(rng.choice([SAME, VALID])))
    if seed % 2:
        _, height, width, depth = (int(size) for size in writer.graph.tensors[key].shape)
        quant = writer.graph.tensors[key].quantization
        pooled = writer.tensor((1, height // 2, width // 2, depth), "int8", quant.scale, quant.zeroPoint)
        options = {"padding": VALID, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
        writer.op("MAX_POOL_2D" if seed % 4 == 1 else "AVERAGE_POOL_2D", [key], [pooled], **options)
        key = pooled
    for stride in (1, 2):
        wide = layer(key, 40, 1, 1, SAME)
        wide = layer(wide, 40, 3, stride, SAME, "DEPTHWISE_CONV_2D")
        narrow = layer(wide, 6, 1, 1, SAME)
        if stride == 1:
            total = writer.tensor(tuple(writer.graph.tensors[key].shape), scale=0.1, zero_point=3)
            writer.op("ADD", [key, narrow] if seed % 3 else [narrow, key], [total])
            narrow = total
        key = narrow
    return writer.save(folder / f"wide{seed}.tflite", key)


CASES = [*((seed, "host, dsp") for seed in (2, 3)), *((5, where) for where in BUILDS)]


@pytest.mark.parametrize(("seed", "where"), CASES)
def test_bands_give_the_same_bits(tmp_path: Path, seed: int, where: str) -> None:
    target, flags = BUILDS[where]
    if target == "host":
        need("cc")
    else:
        need("arm-none-eabi-gcc", "qemu-system-arm")
    made = compile_tflite(network(tmp_path, seed), tmp_path / "made")
    assert any(isinstance(op, Banded) for op in made.arranged["dsp"].graph.ops)
    shape = made.graph.tensors[made.graph.inputs[0]].shape
    image = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    (wanted,) = reference.run(made.graph, image)
    np.testing.assert_array_equal(reference.run(made.arranged["dsp"].graph, image)[0], wanted)
    run = toolchain.run(made.folder, ports_of(made), image.tobytes(), target, extra=flags)  # type: ignore[arg-type]
    assert run.output == wanted.tobytes()


def test_bands_take_less_than_half_where_the_middle_is_wide(tmp_path: Path) -> None:
    graph = run_passes(read_tflite(network(tmp_path, 2)))
    assert max(needs(band(graph))) < 0.5 * max(needs(graph))
