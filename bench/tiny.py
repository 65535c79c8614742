"""Networks on microcontrollers beside TensorFlow Lite Micro: RAM, instructions, code; a table and a JSON line.

    .venv/bin/python -m bench.tiny MODEL.tflite … [--icount libicount.so] [--inputs 3] [--seed 0]

Each model is compiled, run here and on QEMU's Cortex-M4 and Cortex-M55 boards, and its outputs are compared bit
for bit with tflite-micro's interpreter (PyPI, on this machine) and LiteRT's reference kernels. LiteRT requantises
FULLY_CONNECTED in float (google-ai-edge/LiteRT#8567), so where there is one it may differ by one.

Instructions are counted by SysTick under ``-icount shift=0``; ``--icount`` names a QEMU plug-in that prints
``region=N`` between the markers ``begin=ADDR`` and ``end=ADDR``, and counts a second time. TFLM's figures on
Cortex-M4 with CMSIS-NN cannot be had from PyPI; those below were measured once (some 92 KB of code each).
emlearn is measured beside the networks that it takes, where it is installed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import from_setup, tiny_emlearn
from touchline.tiny import reference, toolchain
from touchline.tiny.artifact import ports_of, random_inputs
from touchline.tiny.compile import Compiled, compile_tflite
from touchline.tiny.report import code_bytes, learned_bytes

TFLM = {
    "kws_ref_model": (22_820, 7_845_331),
    "pretrainedResnet_quant": (54_996, 29_875_418),
    "ad01_int8": (2_580, 582_342),
}
"""Arena in bytes and Cortex-M4 instructions with CMSIS-NN."""


def micro(model: bytes, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
    with from_setup():
        from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=4 << 20)
    for index, array in enumerate(inputs):
        interpreter.set_input(array, index)
    interpreter.invoke()
    return [interpreter.get_output(0)]


def litert(model: bytes, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
    with from_setup():
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter: Any = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(interpreter.get_output_details()[0]["index"])]


def counted_by_plugin(made: Compiled, data: bytes, core: toolchain.Core, plugin: Path) -> int:
    """Instructions between entering and leaving the model's function, by a QEMU plug-in."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        (work / "input.bin").write_bytes(data)
        image = toolchain.harness(made.folder, work, ports_of(made), core)
        symbols = subprocess.run(
            ["arm-none-eabi-nm", str(image)], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        at = {name: int(address, 16) & ~1 for address, _, name in re.findall(r"^(\w+) (\w) (\w+)$", symbols, re.M)}
        markers = f"begin={at['touchline_harness_begins']:x},end={at['touchline_harness_ended']:x}"
        command = [*toolchain.qemu(core, image), "-plugin", f"{plugin.resolve()},{markers}"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=True, timeout=300)
        found = re.search(r"region=(\d+)", done.stderr)
        if found is None:
            raise SystemExit(f"{plugin}: printed no region= ({done.stderr[-200:]})")
        return int(found[1])


def measure(path: Path, trials: int, seed: int, plugin: Path | None, folder: Path) -> dict[str, Any]:
    made = compile_tflite(path, folder)
    rng = np.random.default_rng(seed)
    model = path.read_bytes()
    same = {"micro": True, "litert": True, **dict.fromkeys(toolchain.TARGETS, True)}
    instructions: dict[str, int] = {}
    for _ in range(trials):
        inputs = random_inputs(made.graph, rng)
        ours = reference.run(made.graph, *inputs)
        for name, theirs in (("micro", micro), ("litert", litert)):
            same[name] &= np.array_equal(ours[0], theirs(model, inputs)[0])
        data = b"".join(array.tobytes() for array in inputs)
        for target in toolchain.TARGETS:
            run = toolchain.run(made.folder, ports_of(made), data, target)
            same[target] &= run.output == b"".join(array.tobytes() for array in ours)
            if run.instructions is not None:
                core = target.removeprefix("qemu:")
                instructions[core] = max(run.instructions, instructions.get(core, 0))
    main = made.arranged["dsp"]
    found: dict[str, Any] = {
        "model": path.stem,
        "ram_bytes": main.bytes,
        "ram_bound_bytes": main.bound,
        "weight_bytes": learned_bytes(main),
        "code_bytes": code_bytes(folder, made.name, main),
        "instructions": instructions,
        "same_bits": same,
    }
    if tiny_emlearn.installed():
        found["emlearn"] = tiny_emlearn.measured(made.graph)
    if plugin is not None:
        inputs = random_inputs(made.graph, rng)
        data = b"".join(array.tobytes() for array in inputs)
        found["plugin"] = {
            core: counted_by_plugin(made, data, toolchain.CORES[core], plugin) for core in toolchain.CORES
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--icount", type=Path)
    parser.add_argument("--inputs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(f"{'model':24}{'RAM':>8}{'TFLM':>8}{'code':>8}{'M4':>12}{'TFLM':>12}{'M55':>11}  same bits")
    with tempfile.TemporaryDirectory() as scratch:
        for path in arguments.models:
            row = measure(path, arguments.inputs, arguments.seed, arguments.icount, Path(scratch) / path.stem)
            rows.append(row)
            arena, theirs = TFLM.get(path.stem, (0, 0))
            m4, m55 = (row["instructions"].get(core, 0) for core in ("cortex-m4", "cortex-m55"))
            same = " ".join(name if good else f"NOT-{name}" for name, good in row["same_bits"].items())
            code = row["code_bytes"] or 0
            print(f"{path.stem:24}{row['ram_bytes']:8,}{arena:8,}{code:8,}{m4:12,}{theirs:12,}{m55:11,}  {same}")
            if row.get("emlearn"):
                peer = row["emlearn"]
                m4, m55 = (peer["instructions"][core] for core in tiny_emlearn.CORES)
                print(f"{'  by emlearn, float32':24}{peer['ram_bytes']:8,}{'':16}{m4:12,}{'':12}{m55:11,}")
            if "plugin" in row:
                print(f"{'':24}by the plug-in: {row['plugin']}")
    if not tiny_emlearn.installed():
        print(tiny_emlearn.MISSING)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
