"""``touchline model compile … --target mcu`` and ``run`` of what it made, and ``firmware``: networks on
microcontrollers."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import typer

from touchline.app.arrays import load_arrays, save_arrays
from touchline.runtime.manifest import Artifact, read
from touchline.runtime.shelf import named
from touchline.types import ConfigError


def compile_mcu(
    model: str, out: Path, *, calibration: Iterable[Any] | None, tolerance: float | None, json_: bool
) -> None:
    """Compile an int8 .tflite, or a PyTorch module that is quantised first, and print what it costs."""
    from touchline.tiny.artifact import compile_artifact

    shipped = _of_artifact(model)
    if shipped is not None or model.endswith(".tflite"):
        if calibration is not None or tolerance is not None:
            raise ConfigError(
                f"{model}: is int8 already and proved to the bit; leave --calibration and --tolerance out"
            )
        said = compile_artifact(Path(model), out) if shipped is None else _compile_artifact(shipped, out)
    else:
        said = _compile_module(model, out, calibration or (), 0.1 if tolerance is None else tolerance)
    if json_:
        typer.echo(json.dumps({"path": str(out), **said}))
        return
    counted = " · ".join(f"{core} {n:,} instructions" for core, n in said["instructions"].items())
    low, high = said["energy_uj"]
    typer.echo(
        f"{out}: RAM {said['ram_bytes']:,} B · weights {said['weight_bytes']:,} B · "
        f"code {said['code_bytes']:,} B · {said['macs']:,} MACs · {counted} · {low:,.0f}–{high:,.0f} µJ",
    )


def _of_artifact(model: str) -> Artifact | None:
    """The artifact of this name or in this folder, if it is one for LiteRT."""
    path = named().get(model, Path(model))
    if not path.is_dir():
        return None
    artifact = read(path)
    return artifact if artifact.file.suffix == ".tflite" else None


def _compile_artifact(artifact: Artifact, out: Path) -> dict[str, Any]:
    from touchline.tiny.artifact import compile_artifact

    with tempfile.TemporaryDirectory(prefix="touchline-") as work:
        # The C is called as the file is.
        file = Path(work) / f"{artifact.manifest['name']}.tflite"
        shutil.copyfile(artifact.file, file)
        return compile_artifact(file, out)


def write_firmware(model: str, out: Path, events: list[str], *, json_: bool) -> None:
    """Write a node's firmware, and print what it tells and takes."""
    from touchline.runtime import shelf
    from touchline.tiny import toolchain
    from touchline.tiny.firmware import board, make_firmware

    node = make_firmware(shelf.find(model), out, events)
    said: dict[str, Any] = {"path": str(out), "events": list(node.rules), "ram_bytes": None, "flash_bytes": None}
    if toolchain.have("arm-none-eabi-gcc"):
        with tempfile.TemporaryDirectory(prefix="touchline-") as work:
            ram, flash = board.memory(board.build(out, Path(work), "qemu:cortex-m4"))
        said |= {"ram_bytes": ram, "flash_bytes": flash}
    if json_:
        typer.echo(json.dumps(said))
        return
    size = ""
    if said["ram_bytes"] is not None:
        size = f" · Cortex-M4: RAM {said['ram_bytes']:,} B and stack, flash {said['flash_bytes']:,} B"
    typer.echo(f"{out}: tells {', '.join(node.rules)}{size}")


def _compile_module(model: str, out: Path, calibration: Iterable[Any], tolerance: float) -> dict[str, Any]:
    from touchline.model.microcontroller import quantised
    from touchline.model.origin import find
    from touchline.tiny.artifact import compile_artifact

    origin = find(model)
    with tempfile.TemporaryDirectory(prefix="touchline-") as work:
        file = Path(work) / f"{origin.name}.tflite"
        samples = quantised(origin.module, origin.example, calibration, file, origin.name)
        return compile_artifact(file, out, samples=samples, tolerance=tolerance)


def run_mcu(
    folder: Path, said: dict[str, Any], source: Path, target: Path | None, on: str, *, json_: bool
) -> None:
    """Run once, write the output, print it or what it took. ``said``: the folder's manifest."""
    from touchline.tiny.artifact import run_artifact

    answer = run_artifact(folder, load_arrays(source, [port["name"] for port in said["inputs"]]), on)
    if target is not None:
        save_arrays(target, dict(zip((port["name"] for port in said["outputs"]), answer.outputs, strict=True)))
    if json_:
        outputs = [array.tolist() for array in answer.outputs]
        typer.echo(json.dumps({"on": on, "instructions": answer.instructions, "outputs": outputs}))
        return
    counted = "" if answer.instructions is None else f", {answer.instructions:,} instructions"
    shapes = ", ".join(f"{array.dtype} {array.shape}" for array in answer.outputs)
    typer.echo(f"{folder} on {on}{counted}: {shapes}{f' → {target}' if target else ''}")
    if target is None:
        for array in answer.outputs:
            typer.echo(np.array2string(array))
