"""Folders in YOLO format, as the usual tools write them: where the pictures are, their labels and class names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import InputError

_SUFFIXES = (".jpg", ".jpeg", ".png")
_YAML = ("data.yaml", "data.yml", "dataset.yaml")


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture and where its labels are, if it has any. ``name``: its place in the folder without ``images``,
    such as ``valid/a.jpg``."""

    picture: Path
    labels: Path
    name: str

    def begins(self, beginnings: Sequence[str]) -> bool:
        """Whether its name or its file name begins with one of these."""
        return self.name.startswith(tuple(beginnings)) or self.picture.name.startswith(tuple(beginnings))


def entries(folder: Path) -> list[Entry]:
    """Every .jpg and .png below a folder ``images`` somewhere in ``folder``: ``images/``, ``images/train/``,
    ``train/images/`` …; labels lie likewise below ``labels``. Raises `InputError` where there is none."""
    found: list[Entry] = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in _SUFFIXES and "images" in parts[:-1] and path.is_file():
            at = len(parts) - 2 - parts[-2::-1].index("images")
            labels = folder.joinpath(*parts[:at], "labels", *parts[at + 1 :]).with_suffix(".txt")
            found.append(Entry(path, labels, "/".join([*parts[:at], *parts[at + 1 :]])))
    if not found:
        raise InputError(f"{folder}/images: holds no .jpg or .png pictures; put them there")
    return found


def class_names(folder: Path) -> list[str]:
    """Of classes.txt, one a line, else of data.yaml's ``names``. Raises `InputError` where neither tells them."""
    text = folder / "classes.txt"
    if text.is_file():
        lines = [line.strip() for line in _text(text).splitlines() if line.strip()]
        return lines[0].split() if len(lines) == 1 else lines
    for name in _YAML:
        if (folder / name).is_file():
            return _yaml_names(folder / name)
    raise InputError(
        f"{folder}: has no classes.txt and no data.yaml; give a folder of images/, labels/ and one of them"
    )


def read_labels(path: Path, classes: int) -> NDArray[np.float32]:
    """Rows of a label file (N, 5): class, middle and size as shares. An outline becomes the box around it.

    Raises `InputError` with file and line.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = [float(field) for field in line.split()]
        except ValueError:
            row = []
        if len(row) >= 7 and len(row) % 2:  # class, then x and y of each corner
            corners = np.array(row[1:]).reshape(-1, 2)
            low, high = corners.min(0), corners.max(0)
            row = [row[0], *((low + high) / 2), *(high - low)]
        # A sixth number is some tool's confidence.
        if len(row) not in (5, 6) or not np.isfinite(row).all() or not 0 <= row[0] < classes:
            raise InputError(f"{path}:{number}: must be 'class x y width height', class below {classes}")
        rows.append(row[:5])
    return np.array(rows, np.float32).reshape(-1, 5)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of all that `entries`, `class_names` and `read_labels` read there."""
    whole = hashlib.sha256()
    files = [path for name in ("classes.txt", *_YAML) if (path := folder / name).is_file()]
    for entry in entries(folder):
        files += [entry.picture, *([entry.labels] if entry.labels.is_file() else [])]
    for path in files:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()}\0{digest}\n".encode())
    return whole.hexdigest()


def _yaml_names(path: Path) -> list[str]:
    try:
        import yaml
    except ImportError as error:
        raise InputError(
            f"{path}: needs PyYAML; in a clone: .venv/bin/pip install -e '.[train]', or write a classes.txt"
        ) from error
    try:
        said: Any = yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())[:150]
        raise InputError(f"{path}: cannot be read ({reason}); correct it, or write a classes.txt") from error
    names: Any = cast(dict[str, Any], said).get("names") if isinstance(said, dict) else None
    if isinstance(names, dict):
        table = cast(dict[Any, Any], names)
        names = [table[key] for key in sorted(table)] if sorted(table) == list(range(len(table))) else None
    if not isinstance(names, list) or not names:
        raise InputError(f"{path}: has no 'names', a list or a table from 0 on; add it, or write a classes.txt")
    return [str(name) for name in cast(list[Any], names)]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); correct it") from error
