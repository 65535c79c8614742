"""``touchline model compile … --target mcu`` and ``touchline model run DIR``: networks on microcontrollers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

from touchline.types import ConfigError, ModelError

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


def run_mcu(folder: Path, source: Path, target: Path | None, on: str, *, json_: bool) -> None:
    """Run once, write the output, print it or what it took."""
    from touchline.tiny.artifact import run_artifact

    answer = run_artifact(folder, _arrays(source), on)
    if target is not None:
        save_outputs(target, {f"arr_{index}": array for index, array in enumerate(answer.outputs)})
    said: dict[str, Any] = {"on": on, "instructions": answer.instructions}
    if json_:
        typer.echo(json.dumps({**said, "outputs": [array.tolist() for array in answer.outputs]}))
        return
    counted = "" if answer.instructions is None else f", {answer.instructions:,} instructions"
    shapes = ", ".join(f"{array.dtype} {array.shape}" for array in answer.outputs)
    _out.print(
        f"{folder} on {on}{counted}: {shapes}{f' → {target}' if target else ''}", markup=False, highlight=False
    )
    if target is None:
        for array in answer.outputs:
            _out.print(np.array2string(array), markup=False, highlight=False)


def save_outputs(path: Path, outputs: Mapping[str, Any]) -> None:
    """One array as .npy, several by name as .npz."""
    try:
        with path.open("wb") as file:
            if len(outputs) == 1:
                np.save(file, next(iter(outputs.values())))
            else:
                np.savez(file, **outputs)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); name another place") from error


def _arrays(path: Path) -> list[Any]:
    """One array of an .npy, or those of an .npz in their order."""
    try:
        loaded: Any = np.load(path, allow_pickle=False)
        return [loaded[name] for name in loaded.files] if isinstance(loaded, np.lib.npyio.NpzFile) else [loaded]
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{path}: cannot be read as .npy or .npz ({error}); write it with numpy.save") from error
