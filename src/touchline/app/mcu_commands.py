"""``touchline model compile … --target mcu`` and ``touchline model run DIR``: networks on microcontrollers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from touchline.types import ConfigError, ModelError

_out = Console()
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
        try:
            with target.open("wb") as file:
                if len(answer.outputs) == 1:
                    np.save(file, answer.outputs[0])
                else:
                    np.savez(file, *answer.outputs)
        except OSError as error:
            raise ConfigError(f"{target}: cannot be written ({error.strerror}); name another place") from error
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


def _arrays(path: Path) -> list[Any]:
    """One array of an .npy, or those of an .npz in their order."""
    try:
        loaded: Any = np.load(path, allow_pickle=False)
        return [loaded[name] for name in loaded.files] if isinstance(loaded, np.lib.npyio.NpzFile) else [loaded]
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{path}: cannot be read as .npy or .npz ({error}); write it with numpy.save") from error


def add_commands(model_app: typer.Typer) -> None:
    """Put ``compile`` and ``run`` under ``touchline model``."""

    @model_app.command("compile", epilog="Example: touchline model compile kws.tflite --target mcu --out kws/")
    def compile_(  # pyright: ignore[reportUnusedFunction]
        model: Annotated[Path, typer.Argument(metavar="MODEL", help="An int8 .tflite file.")],
        out: Annotated[Path, typer.Option(help="The artifact's folder, new or empty.")],
        target: Annotated[str, typer.Option(help="mcu: plain C for microcontrollers.")] = "mcu",
        json_: Json = False,
    ) -> None:
        """Compile a model into plain C, verified bit for bit, with a report of what it costs."""
        if target != "mcu":
            raise ConfigError(f"--target {target}: is not mcu; choose mcu")
        compile_mcu(model, out, json_=json_)

    @model_app.command(epilog="Example: touchline model run kws/ --input x.npy --output y.npy --on qemu:cortex-m4")
    def run(  # pyright: ignore[reportUnusedFunction]
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="A compiled model's folder.")],
        input_: Annotated[Path, typer.Option("--input", help=".npy, or .npz of all inputs in their order.")],
        output: Annotated[
            Path | None, typer.Option("--output", "--out", help=".npy (.npz for several); printed if left out.")
        ] = None,
        on: Annotated[str, typer.Option(help="host, qemu:cortex-m4 or qemu:cortex-m55.")] = "host",
        json_: Json = False,
    ) -> None:
        """Build a compiled model for here or for a board that QEMU plays, and run it once."""
        run_mcu(folder, input_, output, on, json_=json_)
