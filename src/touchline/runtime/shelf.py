"""Models that go by a name: those that ship with Touchline, and those that this user pulled."""

from __future__ import annotations

import re
from pathlib import Path

from touchline.types.errors import ConfigError, ModelError

SHIPPED = Path(__file__).parent.parent / "models"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def user_shelf() -> Path:
    """Where pulled models lie: ``.local/share/touchline/models`` in the user's home."""
    return Path.home() / ".local" / "share" / "touchline" / "models"


def named() -> dict[str, Path]:
    """All models that go by a name, by it. A shipped one's name cannot be taken by another."""
    found: dict[str, Path] = {}
    for shelf in (SHIPPED, user_shelf()):
        for said in sorted(shelf.glob("*/manifest.json")):
            if _NAME.fullmatch(said.parent.name):
                found.setdefault(said.parent.name, said.parent)
    return found


def find(model: str | Path) -> Path:
    """A named model's folder, else the path itself.

    Raises `ModelError` where neither is there.
    """
    name = str(model)
    for shelf in (SHIPPED, user_shelf()):
        if _NAME.fullmatch(name) and (shelf / name / "manifest.json").is_file():
            return shelf / name
    path = Path(model)
    if not path.exists():
        raise ModelError(f"{model}: no model and no file of this name; there are: {', '.join(sorted(named()))}")
    return path


def check_name(name: str) -> str:
    """Itself. Raises `ConfigError` where a model cannot be called so."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:80]!r}: no name for a model; take letters, digits, '.', '-' and '_', 64 at most"
        )
    return name
