"""How well an artifact for sound or motion tells labelled recordings apart, as it runs on a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from touchline.model.data.fronts import front_of
from touchline.model.data.recordings import entries
from touchline.model.tasks.windows_finish import accuracy, answers
from touchline.model.tasks.windows_loader import Recording
from touchline.runtime import manifest, shelf
from touchline.types.errors import ModelError


def evaluate(model: str | Path, data: Path) -> dict[str, float]:
    """``macro_f1``, the ``f1`` of each class (NaN where nothing is of it) and how many windows, on a folder with a
    sub-folder for each class (see `entries`).

    Raises `ModelError` where the model is for another task, `InputError` for the data.
    """
    folder = shelf.find(model)
    said = manifest.read(folder).manifest
    labels: Any = said.get("labels")
    if not isinstance(said.get("features"), dict) or not isinstance(labels, list):
        raise ModelError(
            f"{model}: tells no sounds or motions apart; name one whose manifest has features and labels"
        )
    classes = [str(each) for each in labels]  # pyright: ignore[reportUnknownVariableType]
    front = front_of(said["features"], f"{folder}/manifest.json")
    recordings = [
        Recording(entry.path.name, front.read(entry.path), classes.index(entry.label))
        for entry in entries(data, {name: name for name in classes}, front.suffix)
    ]
    found = accuracy(answers(folder, recordings, front, len(classes)), classes)
    parts = {f"f1 {name}": float("nan") if value is None else value for name, value in found["f1"].items()}
    return {"macro_f1": found["macro_f1"], **parts, "windows": found["windows"]}


def is_windows(model: str | Path) -> bool:
    """Whether ``model`` is an artifact that takes windows of sound or motion."""
    path = shelf.find(model)
    return path.is_dir() and isinstance(manifest.read(path).manifest.get("features"), dict)
