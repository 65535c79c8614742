"""``touchline model compile … --target mcu`` and ``run`` of what it made: networks on microcontrollers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

from touchline.app.arrays import load_arrays, save_arrays

_out = Console()


def compile_mcu(model: Path, out: Path, *, json_: bool) -> None:
    """Compile, and print what it costs."""
    from touchline.tiny.artifact import compile_artifact

    said = compile_artifact(model, out)
    if json_:
        typer.echo(json.dumps({"path": str(out), **said}))
        return
    counted = " · ".join(f"{core} {n:,} instructions" for core, n in said["instructions"].items())
    low, high = said["energy_uj"]
    _out.print(
        f"{out}: RAM {said['ram_bytes']:,} B · weights {said['weight_bytes']:,} B · "
        f"code {said['code_bytes']:,} B · {said['macs']:,} MACs · {counted} · {low:,.0f}–{high:,.0f} µJ",
        markup=False,
        highlight=False,
    )


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
    _out.print(
        f"{folder} on {on}{counted}: {shapes}{f' → {target}' if target else ''}", markup=False, highlight=False
    )
    if target is None:
        for array in answer.outputs:
            _out.print(np.array2string(array), markup=False, highlight=False)
