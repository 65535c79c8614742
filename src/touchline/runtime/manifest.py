"""The artifact's manifest: what a model expects, gives and was measured at."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from touchline.types.errors import ModelError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model's folder, its file and its manifest, checked against the manifest's hashes."""

    file: Path
    manifest: Mapping[str, Any]


def read(folder: Path) -> Artifact:
    """The artifact in ``folder``; every byte of it is checked first.

    Raises `ModelError` where the manifest is missing, malformed or of another format, or where a file
    or the manifest itself is not what it was when the artifact was made.
    """
    path = folder / "manifest.json"
    manifest = parse(path)
    files = manifest["files"]
    if manifest.get("content") != content_hash(manifest):
        raise ModelError(f"{path}: was changed after the artifact was made; fetch it again")
    for name, facts in cast(dict[str, Any], files).items():
        file = folder / name
        if Path(name).name != name or not file.is_file():
            raise ModelError(f"{file}: is missing; fetch the artifact again")
        if sha256(file) != facts["sha256"]:
            raise ModelError(f"{file}: is corrupt or was changed (its SHA-256 differs); fetch it again")
    return Artifact(folder / next(iter(cast(dict[str, Any], files))), manifest)


def parse(path: Path) -> dict[str, Any]:
    """A manifest.json by itself, its hashes not compared yet. Raises `ModelError` as `read` does."""
    folder = path.parent
    try:
        value: object = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: has no manifest.json; give an artifact's folder or a model file") from error
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); fetch the artifact again") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path}: must hold a JSON object; fetch the artifact again")
    manifest = cast(dict[str, Any], value)
    if manifest.get("format") != FORMAT:
        raise ModelError(f"{path}: format is {manifest.get('format')!r}, this version reads {FORMAT}; update")
    files = manifest.get("files")
    if not isinstance(files, dict) or not files:
        raise ModelError(f"{path}: names no files; fetch the artifact again")
    for name, facts in cast(dict[str, Any], files).items():
        if not isinstance(facts, dict) or not isinstance(cast(Any, facts).get("sha256"), str):
            raise ModelError(f"{path}: has no SHA-256 of {name!r}; fetch the artifact again")
    return manifest


def describe(file: Path) -> Mapping[str, Any]:
    """What the user says of a bare model file, in a TOML file beside it (model.onnx: model.toml).

    Raises `ModelError` where there is none or it cannot be read.
    """
    sidecar = file.with_suffix(".toml")
    try:
        return tomllib.loads(sidecar.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{file}: how to read its output is unknown; write {sidecar.name} beside it with "
            "decode = 'yolox', 'nanodet', 'ultralytics' or 'centre' and labels = ['…']"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ModelError(f"{sidecar}: cannot be read ({error}); correct it") from error


def sha256(file: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over all of a manifest but its own ``content``; the files' hashes make it cover them too."""
    rest = {key: value for key, value in manifest.items() if key != "content"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate, which JSON may hold, has no bytes in UTF-8; whatever it becomes gives another hash.
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def write(folder: Path, manifest: dict[str, Any], files: list[str]) -> None:
    """Complete ``manifest`` with its format, ``files`` (the model first) and hashes, and write it."""
    contents = {name: (folder / name).read_bytes() for name in files}
    manifest["format"] = FORMAT
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in contents.items()
    }
    manifest["content"] = content_hash(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
