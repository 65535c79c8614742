"""The folder that ``model compile --target mcu`` makes, verified before it is kept: C, report, drawing."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from touchline.runtime import manifest
from touchline.runtime.golden import Sample
from touchline.runtime.program import Program
from touchline.runtime.tensors import Port
from touchline.runtime.verify import compare
from touchline.tiny import reference, toolchain
from touchline.tiny.arrays import Array
from touchline.tiny.compile import Compiled, write
from touchline.tiny.drawing import memory_svg
from touchline.tiny.floating import quantised
from touchline.tiny.graph import Graph
from touchline.tiny.import_tflite import read_tflite
from touchline.tiny.report import FLAVOUR_OF, Measured, code_bytes, report
from touchline.types.errors import CheckFailed, ConfigError, ModelError

_TRIALS = 3
"""Random inputs that each build must answer like the reference before a folder is kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``instructions``: counted by QEMU, None on the host."""

    outputs: list[Array]
    instructions: int | None


def compile_artifact(
    path: Path, out: Path, *, samples: Sequence[Sample] = (), tolerance: float = 0.1
) -> dict[str, Any]:
    """Compile the .tflite in ``path`` into the new folder ``out``; what report.json says.

    ``samples``: float32 inputs of the network that the .tflite was quantised from, and its answers; ``tolerance``:
    greatest relative error ‖y − r‖₂ / ‖r‖₂ of any output against them.

    Raises `ModelError` where the model cannot be taken, `ConfigError` where ``out`` is there already, and
    `CheckFailed` where it is off by more than ``tolerance`` or the C does not compute the reference's bits (then
    nothing is written).
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out}: exists already; name another folder or remove it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written ({error.strerror}); name another place") from error
    with work as scratch:
        draft = Path(scratch) / "draft"
        graph = read_tflite(path)
        deviation: dict[str, Any] = {}
        if samples:
            graph = replace(graph, reals=(*graph.inputs, *graph.outputs))
            program = Program(_Quantised(graph), {}, graph.name)
            deviation = compare(program, samples, tolerance, graph.name).require().as_dict()
        compiled = write(graph, draft)
        instructions, verified = _verified(compiled)
        measured = Measured(instructions, code_bytes(draft, compiled.name, compiled.arranged["dsp"]))
        said = report(compiled.name, compiled.arranged, measured)
        (draft / "report.json").write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", "utf-8")
        (draft / "memory.svg").write_text(memory_svg(compiled.arranged["dsp"], "Cortex-M4"), "utf-8")
        facts = _manifest(compiled, path, said, verified)
        if samples:
            facts |= {"tolerance": tolerance, "deviation": deviation}
        manifest.write(draft, facts, [*compiled.files, "report.json", "memory.svg"])
        if out.is_dir():
            out.rmdir()
        shutil.move(draft, out)
    return said


class _Quantised:
    """The reference's answers, in float32 as the network had them: a `Model`."""

    device = "cpu"

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.inputs, self.outputs = (
            tuple(
                Port(graph.tensors[key].name, graph.tensors[key].shape, np.dtype(np.float32))  # pyright: ignore[reportArgumentType]
                for key in keys
            )
            for keys in (graph.inputs, graph.outputs)
        )

    def run(self, *arrays: Array) -> list[Array]:
        said = [_described(self.graph, key) for key in (*self.graph.inputs, *self.graph.outputs)]
        stored = [_stored(array, port) for array, port in zip(arrays, said, strict=False)]
        answers = reference.run(self.graph, *stored)
        return [_real(array, port) for array, port in zip(answers, said[len(arrays) :], strict=True)]


def run_artifact(folder: Path, inputs: Sequence[Array], target: str) -> Answer:
    """Run a compiled folder on ``inputs``, built for ``target`` first.

    Where the model's file has float32 at its ends, ``inputs`` may be float32; then such outputs are float32 too.

    Raises `ConfigError` for an unknown target or a missing tool, `ModelError` for a folder that is no such
    artifact and for inputs that do not fit.
    """
    if target not in toolchain.TARGETS:
        raise ConfigError(f"--on {target}: is none of {', '.join(toolchain.TARGETS)}; choose one of them")
    artifact = manifest.read(folder)
    said = artifact.manifest
    if said.get("target") != "mcu":
        raise ModelError(
            f"{folder}: was compiled for {said.get('target')!r}, not mcu; compile it with --target mcu"
        )
    ins, outs = said["inputs"], said["outputs"]
    if len(inputs) != len(ins):
        raise ModelError(
            f"{folder}: takes {len(ins)} inputs, got {len(inputs)}; give an .npz with one array for each"
        )
    real = any(port.get("real") and array.dtype == np.float32 for array, port in zip(inputs, ins, strict=True))
    inputs = [_stored(array, port) for array, port in zip(inputs, ins, strict=True)]
    for array, port in zip(inputs, ins, strict=True):
        if str(array.dtype) != port["dtype"] or list(array.shape) != port["shape"]:
            raise ModelError(
                f"{folder}: input {port['name']} must be {port['dtype']} {tuple(port['shape'])}, "
                f"is {array.dtype} {array.shape}; convert it"
            )
    ports = toolchain.Ports(said["name"], tuple(p["bytes"] for p in ins), tuple(p["bytes"] for p in outs))
    done = toolchain.run(folder, ports, b"".join(array.tobytes() for array in inputs), target)
    outputs: list[Array] = []
    at = 0
    for port in outs:
        raw = done.output[at : at + port["bytes"]]
        at += port["bytes"]
        stored = np.frombuffer(raw, np.dtype(port["dtype"])).reshape(port["shape"])
        outputs.append(_real(stored, port) if real and port.get("real") else stored)
    return Answer(outputs, done.instructions)


def _stored(array: Array, port: dict[str, Any]) -> Array:
    """float32 where the model's file has float32, quantised as the file does; anything else as it is."""
    if not port.get("real") or array.dtype != np.float32:
        return array
    return quantised(array.astype(np.float32), port["scale"], port["zero_point"], port["dtype"])


def _real(array: Array, port: dict[str, Any]) -> Array:
    return (np.float32(port["scale"]) * (array.astype(np.int64) - port["zero_point"])).astype(np.float32)


def ports_of(compiled: Compiled) -> toolchain.Ports:
    graph = compiled.graph
    return toolchain.Ports(
        compiled.name,
        tuple(graph.tensors[key].bytes for key in graph.inputs),
        tuple(graph.tensors[key].bytes for key in graph.outputs),
    )


def random_inputs(graph: Graph, rng: np.random.Generator) -> list[Array]:
    """One array per input, over the whole range of its dtype."""
    found: list[Array] = []
    for key in graph.inputs:
        tensor = graph.tensors[key]
        limits = np.iinfo(tensor.dtype)
        found.append(rng.integers(limits.min, limits.max + 1, tensor.shape).astype(tensor.dtype))
    return found


def _verified(compiled: Compiled) -> tuple[dict[str, int], list[str]]:
    """Instructions by core, and the targets whose build gave the reference's bits."""
    rng = np.random.default_rng(0)
    instructions: dict[str, int] = {}
    verified: list[str] = []
    trials = [random_inputs(compiled.graph, rng) for _ in range(_TRIALS)]
    for target in toolchain.TARGETS:
        core = target.removeprefix("qemu:")
        if target == "host":
            ready = toolchain.have("cc")
        else:
            ready = (
                toolchain.have("arm-none-eabi-gcc", "qemu-system-arm") and FLAVOUR_OF[core] in compiled.arranged
            )
        if not ready:
            continue
        for inputs in trials if target == "host" else trials[:1]:
            expected = b"".join(array.tobytes() for array in reference.run(compiled.graph, *inputs))
            data = b"".join(array.tobytes() for array in inputs)
            done = toolchain.run(compiled.folder, ports_of(compiled), data, target)
            if done.output != expected:
                raise CheckFailed(
                    f"{compiled.graph.name}: the C differs from the reference on {target}; report this"
                )
            if done.instructions is not None:
                instructions[core] = done.instructions
        verified.append(target)
    return instructions, verified


def _manifest(compiled: Compiled, path: Path, said: dict[str, Any], verified: list[str]) -> dict[str, Any]:
    graph = compiled.graph

    return {
        "name": compiled.name,
        "target": "mcu",
        "quantise": "int8",
        "inputs": [_described(graph, key) for key in graph.inputs],
        "outputs": [_described(graph, key) for key in graph.outputs],
        "tolerance": 0,
        "verified": {"against": "the integer reference", "on": verified},
        "measured": {
            key: said[key] for key in ("ram_bytes", "weight_bytes", "code_bytes", "macs", "instructions")
        },
        "source": {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
    }


def _described(graph: Graph, key: int) -> dict[str, Any]:
    """A port as the manifest has it."""
    tensor = graph.tensors[key]
    entry: dict[str, Any] = {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "bytes": tensor.bytes,
    }
    if tensor.quant is not None:
        entry |= {"scale": tensor.quant.scale, "zero_point": tensor.quant.zero_point}
    if key in graph.reals:
        entry["real"] = True
    if key in graph.inputs and key in dict(graph.states):
        entry["next"] = graph.outputs.index(dict(graph.states)[key])
    return entry
