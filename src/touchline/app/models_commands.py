"""``touchline models …``: the models that go by a name. Parses, calls, prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from touchline.types import ModelError

models_app = typer.Typer(
    no_args_is_help=True,
    help="The models that go by a name: shipped ones and those you pulled.",
    epilog="Example: touchline models show athlete",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_out = Console(emoji=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@models_app.command("list", epilog="Example: touchline models list")
def list_(json_: Json = False) -> None:
    """Every model that goes by a name here."""
    from touchline.runtime.shelf import named

    rows = [_row(name, folder) for name, folder in named().items()]
    if json_:
        typer.echo(json.dumps(rows))
        return
    table = Table(box=None)
    for column in ("name", "task", "target", "int8", "MB", "licence", "where"):
        table.add_column(column, justify="right" if column == "MB" else "left", overflow="fold")
    for row in rows:
        if "error" in row:
            table.add_row(row["name"], Text(_plain(row["error"]), style="red"))
            continue
        table.add_row(
            row["name"],
            *(_word(row[key]) for key in ("task", "target")),
            "yes" if row["quantise"] == "int8" else "",
            f"{row['bytes'] / 1e6:.2f}",
            _word(row["licence"]),
            "shipped" if row["shipped"] else _word(row["path"]),
        )
    _out.print(table)


@models_app.command(epilog="Example: touchline models show athlete")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A model's name, or an artifact's folder.")],
    json_: Json = False,
) -> None:
    """A model's manifest, checked against all its files, and its card."""
    from touchline.runtime.manifest import read
    from touchline.runtime.shelf import find

    folder = find(name)
    said = read(folder).manifest
    file = folder / "CARD.md"
    card = file.read_text("utf-8", errors="replace") if file.is_file() else None
    if json_:
        typer.echo(json.dumps({"path": str(folder), "manifest": said, "card": card}))
        return
    typer.echo(str(folder))
    if card is not None:
        _out.print(Markdown(_plain(card)))
    _out.print_json(_plain(json.dumps(said, ensure_ascii=False)))


@models_app.command(epilog="Example: touchline models pull https://models.example.org/gym-athlete")
def pull(
    source: Annotated[
        str, typer.Argument(metavar="NAME|URL|DIR", help="Of an artifact: its http(s) address, folder, or name.")
    ],
    name: Annotated[str | None, typer.Option(help="Call it so; else as its manifest does.")] = None,
    content: Annotated[
        str | None, typer.Option(help="The content hash its manifest must have; plain http needs it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Fetch an artifact, prove it on this device and keep it under its name, by which venue.toml can call it."""
    from touchline.runtime.pull import pull

    pulled = pull(source, name=name, content=content)
    if json_:
        typer.echo(json.dumps({"name": pulled.name, "path": str(pulled.folder), "fresh": pulled.fresh}))
        return
    how = "proved here and kept" if pulled.fresh else "was there already"
    typer.echo(f"{pulled.name}: {how}, in {pulled.folder}")


def _row(name: str, folder: Path) -> dict[str, Any]:
    from touchline.runtime.manifest import read
    from touchline.runtime.shelf import SHIPPED

    try:
        artifact = read(folder)
    except ModelError as error:
        return {"name": name, "path": str(folder), "error": str(error)}
    said: Mapping[str, Any] = artifact.manifest
    return {
        "name": name,
        "path": str(folder),
        "shipped": folder.parent == SHIPPED,
        **{key: said.get(key) for key in ("task", "target", "quantise", "licence", "accuracy", "content")},
        "bytes": artifact.file.stat().st_size,
    }


def _word(value: object) -> Text:
    return Text("" if value is None else _plain(str(value)))


def _plain(text: str) -> str:
    """Without what a terminal would obey: a card may be anybody's."""
    return "".join(char for char in text if char.isprintable() or char in "\n\t")
