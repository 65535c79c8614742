"""``touchline doctor``: what this box has, each tried out. Calls, prints."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich.console import Console
from rich.text import Text

from touchline.types import CheckFailed
from touchline.types.finding import Finding


def doctor(*, json_: bool, out: Console, err: Console) -> None:
    """Try all, tell each in a line. Raises `CheckFailed` where something is broken that Touchline needs."""
    from touchline.media.codecs import probe_codecs
    from touchline.runtime.doctor import probe_runtimes

    with err.status("Trying out runtimes and codecs …"):
        findings = [*probe_runtimes(), *probe_codecs()]
    if json_:
        typer.echo(json.dumps([asdict(each) for each in findings]))
    else:
        for each in findings:
            out.print(_line(each), soft_wrap=True, highlight=False)
    broken = [each for each in findings if each.needed and not each.works]
    if broken:
        each = "; ".join(f"{one.name}: {one.found}; {one.remedy}" for one in broken)
        raise CheckFailed(f"this box cannot do without: {each}")


def _line(each: Finding) -> Text:
    missing = ("BROKEN  ", "bold red") if each.needed else ("no      ", "yellow")
    mark = ("works   ", "green") if each.works else missing
    remedy = f"; {each.remedy}" if each.remedy else ""
    return Text.assemble(mark, f"{each.name}: {each.found}{remedy}")
