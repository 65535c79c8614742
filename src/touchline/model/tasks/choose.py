"""Which task a recipe is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from touchline.model.recipe import read_head
from touchline.model.tasks.detector import Detector
from touchline.model.tasks.task import Task
from touchline.model.tasks.windows import Windows
from touchline.types.errors import ConfigError, ModelError


def read_task(path: Path) -> Task:
    """The task of a recipe. Raises `ConfigError` that names the file and the key."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a recipe ({error}); correct it") from error
    return task_of(text, path)


def task_of(text: str, path: Path) -> Task:
    """The task of a recipe's text, found in ``path``. Raises `ConfigError`."""
    head = read_head(text, path)
    match head.task:
        case "detector":
            return Detector(head)
        case "sound" | "motion":
            return Windows(head)
        case other:
            raise ConfigError(f"{path}: task is {other!r}; choose detector, sound or motion")


def load_run(checkpoint: Path) -> tuple[Task, nn.Module]:
    """The task and the averaged weights of a run's checkpoint.pt, ready to infer. Raises `ModelError`."""
    if not checkpoint.is_file():
        raise ModelError(f"{checkpoint}: no such checkpoint; train first")
    state: Any = torch.load(checkpoint, weights_only=True)
    task = task_of(str(state["recipe"]), checkpoint)
    net = task.net()
    net.load_state_dict(state["averaged"])
    return task, net.eval()
