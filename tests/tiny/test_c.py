"""The generated C gives the reference's bits: here under sanitisers, on Cortex-M4, on Cortex-M55."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.needs import need
from tests.tiny.zoo import ZOO, model
from touchline.tiny import reference, toolchain
from touchline.tiny.artifact import ports_of
from touchline.tiny.compile import Compiled, compile_tflite

BUILDS = {
    "host, portable": ("host", ("-O1", *toolchain.SANITISERS, "-DTOUCHLINE_CORE=0")),
    "host, dsp": ("host", ("-O1", *toolchain.SANITISERS, "-DTOUCHLINE_CORE=1")),
    "cortex-m4": ("qemu:cortex-m4", ()),
    "cortex-m55": ("qemu:cortex-m55", ()),
}


PARTS = 5
"""The zoo in as many models: one of them all is long to plan."""


def compiled(folder: Path, names: list[str], seed: int) -> tuple[Compiled, list[np.ndarray]]:
    content, inputs = model(names, seed)
    path = folder / "zoo.tflite"
    path.write_bytes(content)
    return compile_tflite(path, folder / "zoo"), inputs


@pytest.fixture(scope="module", params=[(part, seed) for part in range(PARTS) for seed in (0, 1)])
def zoo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Compiled, list[np.ndarray]]:
    part, seed = request.param
    return compiled(tmp_path_factory.mktemp("zoo"), list(ZOO)[part::PARTS], seed)


@pytest.mark.parametrize("where", BUILDS)
def test_all_operators_give_the_reference_s_bits(zoo: tuple[Compiled, list[np.ndarray]], where: str) -> None:
    target, flags = BUILDS[where]
    if target == "host":
        need("cc")
    else:
        need("arm-none-eabi-gcc", "qemu-system-arm")
    made, inputs = zoo
    wanted = reference.run(made.graph, *inputs)
    data = b"".join(array.tobytes() for array in inputs)
    run = toolchain.run(made.folder, ports_of(made), data, target, extra=flags)  # type: ignore[arg-type]
    at = 0
    for key, array in zip(made.graph.outputs, wanted, strict=True):
        place = next(op.place for op in made.graph.ops if op.output == key)
        got = np.frombuffer(run.output, array.dtype, array.size, at).reshape(array.shape)
        np.testing.assert_array_equal(got, array, err_msg=place)
        at += array.nbytes
    assert (run.instructions is None) == (target == "host")


def test_lstms_give_the_reference_s_bits_at_all_scales_of_state(tmp_path: Path) -> None:
    need("cc")
    made, inputs = compiled(tmp_path, ["lstm"] * 12, 1)
    data = b"".join(array.tobytes() for array in inputs)
    run = toolchain.run(made.folder, ports_of(made), data, "host", extra=("-O1", *toolchain.SANITISERS))
    assert run.output == b"".join(array.tobytes() for array in reference.run(made.graph, *inputs))


def test_instructions_are_counted_alike_each_time(tmp_path: Path) -> None:
    need("arm-none-eabi-gcc", "qemu-system-arm")
    made, inputs = compiled(tmp_path, ["pointwise"], 3)
    data = b"".join(array.tobytes() for array in inputs)
    counts = {toolchain.run(made.folder, ports_of(made), data, "qemu:cortex-m4").instructions for _ in range(2)}
    (count,) = counts
    macs = sum(step.macs for step in made.arranged["dsp"].steps)
    assert count is not None
    assert macs / 2 < count < 40 * macs + 10_000


def test_only_the_kernels_it_calls_are_shipped(tmp_path: Path) -> None:
    made, _ = compiled(tmp_path, ["softmax"], 0)
    sources = sorted(file.name for file in made.folder.glob("*.c"))
    assert sources == ["model.c", "softmax.c"]
