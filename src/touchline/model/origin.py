"""What a user calls MODEL: a function that makes a network, or a checkpoint of ours."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from touchline.model.tasks.choose import load_run
from touchline.types.errors import ModelError


@dataclass(frozen=True, slots=True)
class Origin:
    """A module with an example of its inputs, and a name for what is made of it."""

    module: nn.Module
    example: tuple[Tensor, ...]
    name: str


def find(text: str) -> Origin:
    """``FILE.py:FUNCTION``, which returns (nn.Module, example inputs), or a training run's ``checkpoint.pt``.

    Raises `ModelError` where there is no such thing, where the function fails, or where it returns something else.
    """
    path, colon, function = text.rpartition(":")
    if colon and path.endswith(".py"):
        return _call(Path(path), function)
    file = Path(text)
    if file.suffix == ".pt":
        task, net = load_run(file)
        return Origin(task.deployed(net), (task.example(),), file.resolve().parent.name)
    raise ModelError(
        f"{text}: not a model to compile; give FILE.py:FUNCTION that returns (module, example), or a .pt"
    )


def _call(path: Path, function: str) -> Origin:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; give FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: cannot be imported; give a Python file")
    code = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = code  # as an import would: dataclasses and pickles look their module up
    where = f"{path}:{function}"
    try:
        spec.loader.exec_module(code)
        made: Any = getattr(code, function)()
    except Exception as error:
        # It is the user's own code: whatever it raises is told in one line, with its place.
        place = _place(error, path)
        raise ModelError(f"{where}: failed{place} ({type(error).__name__}: {error}); mend it") from error
    if (
        not isinstance(made, tuple | list)
        or len(cast(Sequence[Any], made)) != 2
        or not isinstance(made[0], nn.Module)
    ):
        raise ModelError(f"{where}: must return (nn.Module, example inputs), returned {type(made).__name__}")
    example = (made[1],) if isinstance(made[1], Tensor) else tuple(cast(Sequence[Any], made[1]))
    if not example or not all(isinstance(each, Tensor) for each in example):
        raise ModelError(f"{where}: example inputs must be a tensor or a tuple of tensors")
    return Origin(made[0], example, function)


def _place(error: BaseException, path: Path) -> str:
    lines = [
        trace.tb_lineno for trace in _frames(error) if Path(trace.tb_frame.f_code.co_filename).name == path.name
    ]
    return f" at line {lines[-1]}" if lines else ""


def _frames(error: BaseException) -> list[Any]:
    found: list[Any] = []
    trace = error.__traceback__
    while trace:
        found.append(trace)
        trace = trace.tb_next
    return found
