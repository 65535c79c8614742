"""``touchline model …``: the model road on the command line. Parses, calls, prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from touchline.app.arrays import load_arrays, save_arrays
from touchline.app.decision import require, show
from touchline.app.mcu_commands import compile_mcu, run_mcu, write_firmware
from touchline.app.specialise_command import specialise
from touchline.types import ConfigError

model_app = typer.Typer(
    no_args_is_help=True,
    help="Train, compile, verify, measure, gate and evaluate models.",
    epilog="Example: touchline model evaluate athlete --data football/",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_out = Console(emoji=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="An artifact's folder.")]
Device = Annotated[
    str, typer.Option(help="auto (an accelerator if there is one, else cpu), cpu, cuda, openvino …")
]
Threads = Annotated[int, typer.Option(min=1, max=256, help="Threads of one inference.")]


@model_app.command("compile", epilog="Example: touchline model compile net.py:make --target edge --out net-edge/")
def compile_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="FILE.py:FUNCTION, a run's checkpoint.pt, a float .onnx (for server), an int8 .tflite or "
            "a LiteRT artifact (for mcu).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The artifact's folder, which must not exist yet.")],
    target: Annotated[
        str, typer.Option(help="server (ONNX), edge (LiteRT), phone (ExecuTorch) or mcu (C).")
    ] = "edge",
    quantise: Annotated[
        str, typer.Option(help="none, int8, or mixed: int8 but for layers that lose too much.")
    ] = "none",
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Folder of real inputs: .npy (.npz for several arrays each); pictures with --preprocess."
        ),
    ] = None,
    preprocess: Annotated[
        Path | None, typer.Option(help="TOML that says how a picture becomes the input: colour, range, fit …")
    ] = None,
    tolerance: Annotated[float | None, typer.Option(min=0.0, help="Greatest relative error that passes.")] = None,
    json_: Json = False,
) -> None:
    """Compile a model for a device and prove that it is still the same model."""
    from touchline.app.pictures import calibration_inputs, read_preprocess

    samples = calibration_inputs(calibration) if calibration else None
    if model.endswith(".onnx") and target != "server":
        other = "an int8 .tflite, or " if target == "mcu" else ""
        raise ConfigError(
            f"{model}: ONNX goes to target server; for {target} give {other}what it was exported from: "
            "FILE.py:FUNCTION or a checkpoint.pt"
        )
    if target == "mcu":
        compile_mcu(model, out, calibration=samples, tolerance=tolerance, json_=json_)
        return
    how = read_preprocess(preprocess) if preprocess else None
    if model.endswith(".onnx"):
        from touchline.model.adopt import adopt

        artifact = adopt(
            Path(model), out, quantise=quantise, calibration=samples, tolerance=tolerance, preprocess=how
        )
    else:
        from touchline.model.build import compile
        from touchline.model.origin import find

        origin = find(model)
        artifact = compile(
            origin.module,
            origin.example,
            target,
            out=out,
            quantise=quantise,
            calibration=samples,
            tolerance=tolerance,
            name=origin.name,
            preprocess=how,
        )
    said = artifact.manifest
    if json_:
        typer.echo(json.dumps({"path": str(out), **said}))
        return
    if "sensitivity" in said:
        _tell_sensitivity(said["sensitivity"], said["float_layers"])
    _tell_deviation(said["verified"])
    _tell_measured([{"name": str(out), **said["measured"]}])
    typer.echo(f"{out}: {said['name']} for {target}, {said['quantise']}, verified")


@model_app.command(epilog="Example: touchline model verify net-edge/")
def verify(folder: Folder, threads: Threads = 1, device: Device = "auto", json_: Json = False) -> None:
    """Prove on this device that an artifact is the model it was compiled from."""
    from touchline.runtime.verify import verify

    verdict = verify(_artifact(folder, "verify"), threads=threads, device=device)
    if json_:
        typer.echo(json.dumps(verdict.as_dict()))
    else:
        _tell_deviation(verdict.as_dict())
    verdict.require()


@model_app.command(epilog="Example: touchline model bench net-edge/ net-server/")
def bench(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR…", help="Artifacts, measured in turns.")],
    threads: Annotated[list[int] | None, typer.Option(min=1, help="Threads; may be given several times.")] = None,
    rounds: Annotated[int, typer.Option(min=1, max=100_000, help="Turns of each.")] = 60,
    device: Annotated[
        list[str] | None, typer.Option(help="auto, cpu, cuda, openvino …; may be given several times.")
    ] = None,
    json_: Json = False,
) -> None:
    """Measure artifacts on this device, side by side: latency, cold start, memory, size."""
    from touchline.runtime.measure import measure

    paths = [_artifact(folder, "bench") for folder in folders]
    found = [each.as_dict() for each in measure(paths, threads=threads, rounds=rounds, devices=device or ["auto"])]
    if json_:
        typer.echo(json.dumps(found))
    else:
        _tell_measured(found)


@model_app.command(epilog="Example: touchline model run net-edge/ --input x.npy --out y.npy")
def run(
    folder: Folder,
    input_: Annotated[Path, typer.Option("--input", help=".npy (.npz for several arrays), or a picture.")],
    out: Annotated[
        Path | None, typer.Option("--out", "--output", help=".npy (.npz for several); printed if left out.")
    ] = None,
    on: Annotated[str, typer.Option(help="host; for target mcu also qemu:cortex-m4 or qemu:cortex-m55.")] = "host",
    threads: Threads = 1,
    device: Device = "auto",
    json_: Json = False,
) -> None:
    """Run a compiled model once on an array."""
    from touchline.runtime.manifest import read
    from touchline.runtime.shelf import find

    path = find(folder)
    said = dict(read(path).manifest) if path.is_dir() else {}
    if said.get("target") == "mcu":
        run_mcu(folder, said, input_, out, on, json_=json_)
        return
    if on != "host":
        raise ConfigError(f"--on {on}: only what was compiled for mcu runs there; leave --on out")
    from touchline.app.pictures import is_picture, load_picture
    from touchline.runtime.program import load

    program = load(path, threads=threads, device=device)
    if is_picture(input_):
        arrays = [program.prepare(load_picture(input_))]
    else:
        arrays = load_arrays(input_, [port.name for port in program.inputs])
    outputs = program.outputs_of(*arrays)
    if out is not None:
        save_arrays(out, {port.name: each for port, each in zip(program.outputs, outputs, strict=True)})
    if json_:
        typer.echo(
            json.dumps({"on": on, "device": program.device, "outputs": [each.tolist() for each in outputs]})
        )
    elif out is None:
        for each in outputs:
            typer.echo(np.array2string(each))


@model_app.command(epilog="Example: touchline model firmware motion --out node/")
def firmware(
    model: Annotated[
        str, typer.Argument(metavar="NAME|DIR", help="A model of sound or motion: its name, or a run's artifact.")
    ],
    out: Annotated[Path, typer.Option(help="The firmware's folder, new or empty.")],
    event: Annotated[
        list[str] | None, typer.Option(help="A class to tell, again for each; by default those the model names.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write a sensor node's whole firmware as C: samples in, events out."""
    write_firmware(model, out, event or [], json_=json_)


@model_app.command(epilog="Example: touchline model gate new-edge/ --against old-edge/")
def gate(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The artifact that wants to go in.")],
    against: Annotated[Path, typer.Option(metavar="OLD", help="The artifact in place, whose limits hold.")],
    data: Annotated[
        Path | None, typer.Option(help="Detectors: images/, labels/ and classes.txt to compare them on.")
    ] = None,
    json_: Json = False,
) -> None:
    """May a model take another's place on this device? Exit status 1, with the reason, if not."""
    from touchline.runtime.gate import gate

    difference = None
    if data is not None:
        from touchline.model.difference import of_detectors

        difference = of_detectors(data)
    decision = gate(_artifact(new, "gate"), _artifact(against, "gate"), difference=difference)
    if json_:
        typer.echo(json.dumps(decision.as_dict()))
    else:
        show(decision, _out)
    require(decision, new, against)


@model_app.command(epilog="Example: touchline model evaluate athlete --data football/")
def evaluate(
    what: Annotated[
        str,
        typer.Argument(metavar="NAME|DIR|tracker", help="A detector, a model of sound or motion, or the tracker."),
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="images/, labels/ and classes.txt for a detector; MOTChallenge folders for the tracker; "
            "CLASS/*.wav or CLASS/*.csv for sound and motion."
        ),
    ],
    stride: Annotated[int, typer.Option(min=1, help="Tracker: give it every N-th frame.")] = 1,
    json_: Json = False,
) -> None:
    """Measure a model or the tracker on labelled data."""
    if what == "tracker":
        from touchline.model.evaluate_tracker import evaluate_tracker

        found = evaluate_tracker(data, stride)
    else:
        from touchline.model import evaluate_windows

        if evaluate_windows.is_windows(what):
            found = evaluate_windows.evaluate(what, data)
        else:
            from touchline.model.evaluate_detector import evaluate as evaluate_detector

            found = evaluate_detector(what, data)
    if json_:
        # JSON has no NaN: what nothing was labelled for is null.
        typer.echo(json.dumps({key: None if value != value else value for key, value in found.items()}))
        return
    for key, value in found.items():
        _out.print(f"{key:>14}  {value:.4g}" if isinstance(value, float) else f"{key:>14}  {value}", markup=False)


@model_app.command(epilog="Example: touchline model train recipes/athlete.toml")
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What to train, on what, for how long.")],
    runs: Annotated[Path, typer.Option(help="Folder for checkpoints; a run found there is resumed.")] = Path(
        "runs"
    ),
) -> None:
    """Train a model by its recipe; a run that was cut off goes on where it was."""
    from touchline.app.training_bar import train_watched

    train_watched(recipe, runs, Console(stderr=True))


model_app.command(epilog="Example: touchline model specialise --teacher yolox.onnx --video venue/")(specialise)


def _artifact(folder: Path, command: str) -> Path:
    """The folder. Raises `ConfigError` where it was compiled for mcu, of which ``command`` knows nothing."""
    from touchline.runtime.manifest import read
    from touchline.runtime.shelf import find

    path = find(folder)
    if path.is_dir() and read(path).manifest.get("target") == "mcu":
        raise ConfigError(
            f"{folder}: is C for microcontrollers, proved and measured when it was compiled (report.json); "
            f"{command} takes artifacts for server, edge and phone"
        )
    return path


def _tell_deviation(verified: Mapping[str, Any]) -> None:
    table = Table(box=None)
    for column in ("output", "relative error", "greatest error", "saturated", "allowed"):
        table.add_column(column, justify="left" if column == "output" else "right")
    for each in verified["outputs"]:
        table.add_row(
            each["output"],
            f"{each['relative_error']:.3g}",
            f"{each['max_error']:.3g}",
            f"{each['pinned']:.1%}",
            f"{verified['tolerance']:.3g}",
        )
    _out.print(table)
    prepared = verified.get("prepared")
    if prepared:
        error = prepared["relative_error"]
        _out.print(f" {prepared['input']}: made of the proof's pictures, off by {error:.3g}", highlight=False)


def _tell_sensitivity(found: list[dict[str, Any]], kept: list[str]) -> None:
    table = Table(box=None)
    for column in ("layer", "operator", "error where it alone is int8", ""):
        table.add_column(column, justify="right" if column.startswith("error") else "left", overflow="fold")
    for each in found:
        stays = "stays float" if each["layer"] in kept else ""
        table.add_row(Text(each["layer"]), each["operator"], f"{each['relative_error']:.3g}", stays)
    _out.print(table)


def _tell_measured(found: list[dict[str, Any]]) -> None:
    table = Table(box=None)
    for column in ("artifact", "device", "threads", "p50 ms", "p95 ms", "cold start ms", "memory MB", "size kB"):
        table.add_column(column, justify="left" if column in ("artifact", "device") else "right")
    for each in found:
        for row, latency in enumerate(each["latency"]):
            first = row == 0
            table.add_row(
                each["name"] if first else "",
                each["device"] if first else "",
                str(latency["threads"]),
                f"{latency['p50_ms']:.3g}",
                f"{latency['p95_ms']:.3g}",
                f"{each['cold_start_ms']:.0f}" if first else "",
                f"{each['peak_memory_mb']:.0f}" if first else "",
                f"{each['size_bytes'] / 1e3:.0f}" if first else "",
            )
    _out.print(table)
