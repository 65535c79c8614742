"""The command line. Parses, calls, prints; the work is done elsewhere."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import touchline
from touchline.app.model_commands import model_app
from touchline.app.models_commands import models_app
from touchline.app.settings import (
    CameraSettings,
    Venue,
    check_ids,
    documented_venue,
    hidden_in,
    load_venue,
    without_hidden,
)
from touchline.types import CheckFailed, ConfigError, InputError, SourceError

app = typer.Typer(
    name="touchline",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Live cameras to tracked athletes in a browser, with the model next to the camera.",
    epilog="Example: touchline live rtsp://cam.local/main 0 match.mp4",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(model_app, name="model")
app.add_typer(models_app, name="models")

_out = Console(emoji=False)
_err = Console(stderr=True, emoji=False)

_EXTRAS = {
    "torch": "train",
    "onnx": "train",
    "litert_torch": "train",
    "trackeval": "train",
    "executorch": "phone",
    "aiomqtt": "sensors",
}
"""What a device's installation leaves out, and which extra brings it."""

Host = Annotated[str | None, typer.Option(help="Address to listen on; loopback unless given.")]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of page and API (default 8080); 0 takes a free one."),
]
Duration = Annotated[float | None, typer.Option(min=0.1, help="Stop by itself after so many seconds.")]


def main() -> None:
    """Entry point: exit status 0 done, 1 a check failed, 2 wrong input, 130 on Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("touchline").setLevel(logging.INFO)
    try:
        status = app(standalone_mode=False, prog_name="touchline")
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "touchline"
        message = error.format_message()
        # A group called without a command has shown its help, and there is nothing to add.
        status = _fail(f"{command}: {message.rstrip('.')}; see {command} --help", 2) if message else 2
    except InputError as error:
        status = _fail(str(error), 2)
    except CheckFailed as error:
        status = _fail(str(error), 1)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        extra = _EXTRAS[error.name]
        status = _fail(f"{error.name} is not installed; in a clone: .venv/bin/pip install -e '.[{extra}]'", 2)
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> int:
    line = message if message.startswith(("touchline ", "touchline: ")) else f"touchline: {message}"
    _err.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    return status


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Live cameras to tracked athletes in a browser, with the model next to the camera."""
    if version:
        typer.echo(touchline.__version__)
        raise typer.Exit


@app.command(epilog="Example: touchline demo --port 8080")
def demo(port: Port = None, host: Host = None, duration: Duration = None) -> int:
    """Four real, synchronised cameras play as if live: watch their athletes tracked in your browser."""
    from touchline.app.demo import demo_clips

    with _err.status("Getting four gym clips (51 MB, once) …") as status:
        clips = demo_clips(lambda text: status.update(text))
    cameras = [
        CameraSettings(id=f"gym-{number}", name=f"Gym, camera {number}", source=str(clip), loop=True)
        for number, clip in enumerate(clips, 1)
    ]
    return _serve(Venue(cameras=cameras), host, port, duration)


@app.command(epilog="Example: touchline live rtsp://cam.local/main 0 match.mp4 --name north=rtsp://10.0.0.7/1")
def live(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE…",
            help="0 or /dev/videoN, a file, rtsp://, rtmp://, srt://, http(s)://….m3u8, or test:",
            show_default=False,
        ),
    ] = None,
    name: Annotated[list[str] | None, typer.Option(help="NAME=SOURCE: a source with a name.")] = None,
    config: Annotated[Path | None, typer.Option(help="venue.toml; `touchline init` writes one.")] = None,
    host: Host = None,
    port: Port = None,
    process: Annotated[
        str | None, typer.Option(help="FILE.py:FUNCTION, called with every picture (H×W×3 uint8 RGB).")
    ] = None,
    display: Annotated[bool, typer.Option("--display", help="Also show a local window; q closes it.")] = False,
    burn_in: Annotated[bool, typer.Option("--burn-in", help="Draw the boxes into the video itself.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Play files over and over.")] = False,
    model: Annotated[str | None, typer.Option(help="Detector: a shipped name, or your .onnx/.tflite.")] = None,
    duration: Duration = None,
) -> int:
    """Take live cameras to tracked athletes in a browser."""
    venue = load_venue(config) if config else Venue()
    added = cameras_of(sources or [], name or [], taken={camera.id for camera in venue.cameras})
    cameras = [*venue.cameras, *added]
    check_ids(cameras, "live")
    if not cameras:
        raise ConfigError("live: no camera; name at least one SOURCE, e.g. touchline live test:")
    update = {
        key: value
        for key, value in {
            "process": process,
            "burn_in": burn_in or None,
            "loop": loop or None,
            "model": model,
        }.items()
        if value is not None
    }
    cameras = [camera.model_copy(update=update) for camera in cameras]
    return _serve(venue.model_copy(update={"cameras": cameras}), host, port, duration, display=display)


@app.command(epilog="Example: touchline analyse match.mp4 --out match/")
def analyse(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Recordings.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; one below it per file if several.")],
    model: Annotated[str, typer.Option(help="Detector: a shipped name, or your .onnx/.tflite.")] = "athlete",
    detect_hz: Annotated[float, typer.Option(min=0.1, max=60, help="Detections per second of video.")] = 10.0,
    json_: Annotated[bool, typer.Option("--json", help="Print the summaries as JSON.")] = False,
) -> int:
    """Take recordings down the same road, as fast as it goes: tracks.txt, facts.jsonl, summary.json."""
    from touchline.app.analyse import analyse_files

    summaries, errors = analyse_files(files, out, model=model, detect_hz=detect_hz, console=_err)
    if json_:
        typer.echo(json.dumps(summaries))
    for summary in [] if json_ else summaries:
        lost = f" ({summary['frames_lost']} lost to damage)" if summary["frames_lost"] else ""
        typer.echo(
            f"{summary['file']}: {summary['frames']} frames{lost}, {summary['tracks']} tracks, "
            f"{summary['speed']:.1f} times real time → {summary['out']}",
        )
    return max((_fail(str(error), 2) for error in errors), default=0)


@app.command("doctor", epilog="Example: touchline doctor")
def doctor_(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """What this box has: runtimes, accelerators and codecs, each tried out, and how to come by what is missing."""
    from touchline.app.doctor import doctor

    doctor(json_=json_, out=_out, err=_err)


@app.command(epilog="Example: touchline init > venue.toml")
def init(
    path: Annotated[Path | None, typer.Argument(help="Where to write it; printed if left out.")] = None,
) -> None:
    """Write a venue.toml in which every key stands with its meaning and default."""
    text = documented_venue()
    if path is None:
        typer.echo(text, nl=False)
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path}: exists already; name another file or remove it") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); name another place") from error
    typer.echo(f"wrote {path}; edit it, then: touchline live --config {path}")


def cameras_of(sources: list[str], named: list[str], taken: set[str]) -> list[CameraSettings]:
    """Sources of the command line → cameras, with ids made from names or counted up."""
    from touchline.media.sources.location import redact

    cameras: list[CameraSettings] = []
    for text in named:
        name, equals, source = text.partition("=")
        if not equals or not name.strip() or not source:
            raise ConfigError(f"--name {redact(text)}: not of the form NAME=SOURCE; e.g. north=rtsp://10.0.0.7/1")
        name = name.strip()
        hidden = hidden_in(name)
        if hidden is not None:
            raise ConfigError(
                f"--name {redact(name)!r}: holds {hidden}, which nobody sees but which changes the "
                "rest; leave it out"
            )
        identity = _slug(name)
        cameras.append(CameraSettings(id=identity, name=name[:80], source=source))
    taken = taken | {camera.id for camera in cameras}
    number = 0
    for source in sources:
        number += 1
        while f"cam{number}" in taken:
            number += 1
        if not source:
            raise ConfigError('live: a SOURCE is empty; name a file, a URL, a device or "test:"')
        cameras.append(CameraSettings(id=f"cam{number}", name=without_hidden(_called(source))[:80], source=source))
    return cameras


def _called(source: str) -> str:
    """What the page calls a source without a name: a file's name, else all of it but its secrets."""
    from touchline.media.sources.location import Kind, Location

    try:
        location = Location.parse(source)
    except SourceError as error:  # its worker says so on its tile, and the others play
        return error.source
    return Path(location.shown.removeprefix("file:")).name if location.kind is Kind.FILE else location.shown


def _slug(name: str) -> str:
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.strip().lower())
    slug = "-".join(part for part in kept.split("-") if part)[:60]
    return slug or "camera-" + name.strip().encode("utf-8").hex()[:12]


def _serve(
    venue: Venue, host: str | None, port: int | None, duration: float | None, *, display: bool = False
) -> int:
    from touchline.app.box import Box
    from touchline.app.wire import run

    given = {key: value for key, value in {"host": host, "port": port}.items() if value is not None}
    venue = venue.model_copy(update={"server": venue.server.model_copy(update=given)})

    def ready(url: str, box: Box) -> None:
        typer.echo(f"{url}  page, API ({url}docs) · Ctrl-C ends")
        if box.unguarded:
            _err.print(
                f"Anybody who reaches {venue.server.host} can watch and use the API: nothing guards it yet.",
                style="yellow",
                soft_wrap=True,
            )

    return asyncio.run(run(venue, ready=ready, display=display, duration=duration))
