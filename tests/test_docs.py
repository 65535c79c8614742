"""What the documentation shows is what the program takes: every command parses, every example runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import typer

from touchline.app.cli import app
from touchline.app.settings import Venue
from touchline.live.user_step import Context, UserStep
from touchline.types import Tracks

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (page.name, match[1])
        for page in PAGES
        for match in re.finditer(rf"```{language}\n(.*?)```", page.read_text(), re.S)
    ]


COMMANDS = sorted(
    {
        line.partition("#")[0].strip()
        for _, text in blocks("sh")
        for line in text.splitlines()
        if re.match(r"(\.venv/bin/)?touchline ", line)
    }
)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_shown_parses(line: str) -> None:
    words = shlex.split(line)[1:]
    group = typer.main.get_command(app)
    context = group.make_context("touchline", words, resilient_parsing=False)
    rest = [*context._protected_args, *context.args]
    while rest:
        name, command, rest = context.command.resolve_command(context, rest)  # type: ignore[attr-defined]
        context = command.make_context(name, rest, parent=context)
        if not hasattr(context.command, "resolve_command"):
            break
        rest = [*context._protected_args, *context.args]


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) >= 6


def test_the_user_s_step_of_the_readme_runs(tmp_path: Path) -> None:
    (name, text), *_ = [block for block in blocks("python") if "def process_frame" in block[1]]
    assert name == "README.md"
    (tmp_path / "my.py").write_text(text)
    step = UserStep(f"{tmp_path / 'my.py'}:process_frame")
    made = step(np.zeros((720, 1280, 3), np.uint8), Context("north", 0.0, Tracks.empty(("player",))))
    assert made is not None
    assert made.shape == (600, 800, 3)


RUNNABLE = [block for block in blocks("python") if re.search(r"^(import|from) touchline", block[1], re.M)]


@pytest.mark.parametrize("page", sorted({page for page, _ in RUNNABLE}))
def test_every_page_s_python_runs_from_top_to_bottom(page: str, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text("\n".join(text for name, text in RUNNABLE if name == page))
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr


# A detector's own file, which says how to read it, and a recipe are no pieces of venue.toml.
RECIPES = [block for block in blocks("toml") if "[[sets]]" in block[1]]
VENUES = [block for block in blocks("toml") if not block[1].startswith("decode") and block not in RECIPES]


@pytest.mark.parametrize(("page", "text"), RECIPES)
def test_every_recipe_is_one(page: str, text: str) -> None:
    pytest.importorskip("torch")
    from touchline.model.tasks.choose import task_of

    task = task_of(text, Path(page))
    assert isinstance(task.net()(task.example()).shape[1], int)


@pytest.mark.parametrize(("page", "text"), VENUES)
def test_every_piece_of_venue_toml_is_valid(page: str, text: str) -> None:
    assert page
    Venue.model_validate(tomllib.loads(text))


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
            if not target.startswith(("http://", "https://")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_shows_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text


def test_layout_names_the_files_that_a_setting_goes_through() -> None:
    text = (ROOT / "docs" / "layout.md").read_text()
    entry = text[text.index("- **a setting**") :].split("\n- **")[0]
    for name in ("app/settings.py", "app/wire.py", "live/job.py"):
        assert f"`{name}`" in entry
        assert re.search(r"\bbitrate\b", (ROOT / "src" / "touchline" / name).read_text()), f"{name}: no longer so"


def test_paths_that_layout_names_are_there() -> None:
    text = (ROOT / "docs" / "layout.md").read_text()
    rooms = ("types", "media", "vision", "story", "live", "deliver", "runtime", "model", "tiny", "app")
    named = re.findall(rf"`((?:{'|'.join(rooms)})/[\w/.]*)`", text)
    assert len(named) > 15
    for path in named:
        assert (ROOT / "src" / "touchline" / path).exists(), path


def test_what_is_said_to_install_an_extra_can_be_typed() -> None:
    """Touchline is installed from a clone, into its .venv."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    texts = [*PAGES, *(ROOT / "docs" / "adr").glob("*.md"), *(ROOT / "src").rglob("*.py")]
    hints = 0
    for path in texts:
        text = path.read_text()
        assert "touchline[" not in text, f"{path.name}: no registry has it"
        for venv, what in re.findall(r"(\S*)pip install (.*)", text):
            assert venv.lstrip("`'\"(").startswith(".venv/bin/"), f"{path.name}: {venv}pip install {what}"
            if what.startswith(("{accelerator.package}", "--force-reinstall ")):  # a build of a dependency
                continue
            extra = re.match(r"-e (?:'\.\[(\w+|\{extra\})\]'|\.)", what)
            assert extra, f"{path.name}: pip install {what}"
            assert extra[1] in (None, "{extra}", *extras), f"{path.name}: {extra[1]}"
            hints += 1
    assert hints > 5


def test_benches_are_called_in_one_way() -> None:
    benches = {path.stem: path.read_text() for path in sorted((ROOT / "bench").glob("*.py"))}
    programs = {name for name, text in benches.items() if "__main__" in text}
    assert len(programs) > 5
    for name in programs:
        assert re.search(rf"^    \.venv/bin/python -m bench\.{name}\b", benches[name], re.M), name
    measured = (ROOT / "docs" / "measured.md").read_text()
    assert set(re.findall(r"`\.venv/bin/python -m bench\.(\w+)", measured)) <= programs
    for text in (measured, *benches.values()):
        assert not re.search(r"python bench/|(?<!\.venv/bin/)python -m bench", text)
