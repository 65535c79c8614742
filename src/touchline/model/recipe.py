"""What every recipe says, whatever its task: a name, a seed, how training goes, and which data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from touchline.types.errors import ConfigError

T = TypeVar("T")
_HEAD = ("name", "task", "seed", "data")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How training goes.

    ``steps``: of ``batch`` lessons each; the learning rate falls from ``lr`` along a cosine over them, after
    ``warmup`` steps. ``minutes``: if above 0, the cosine ends by then at the latest (and a run that is
    resumed goes on where its clock stood; only without it are two runs the same). ``decay``: AdamW's.
    ``average``: of the averaged weights, per step. ``threads``: replicas of the net that share each
    batch, one thread each (a run's numbers hang on how many). ``checkpoint``: steps between
    checkpoints, at each of which what is held is looked at. ``patience``: so many looks in a row that are
    no better than the best end the run, which goes back to the weights of that; 0 for never. ``bfloat16``:
    convolutions in it. ``start``: a checkpoint whose averaged weights to start from.
    """

    steps: int = 10_000
    minutes: float = 0.0
    batch: int = 16
    lr: float = 2e-3
    warmup: int = 200
    decay: float = 0.02
    average: float = 0.998
    threads: int = 2
    checkpoint: int = 500
    patience: int = 20
    bfloat16: bool = True
    start: str = ""


class Recipe:
    """A recipe's common part. Each task's own recipe has these and more.

    ``data``: the folder that the sets' paths start from. ``text``: the whole recipe.
    """

    def __init__(self, head: Head, schedule: Schedule) -> None:
        self.name = head.name
        self.task = head.task
        self.seed = head.seed
        self.data = head.data
        self.text = head.text
        self.schedule = schedule


@dataclass(frozen=True, slots=True)
class Head:
    """A recipe that was read, its sections not yet understood. ``where``: its file, for messages."""

    name: str
    task: str
    seed: int
    data: Path
    text: str
    where: Path
    sections: Mapping[str, Any]

    def check(self, *known: str) -> None:
        """Raise `ConfigError` for a section that is none of ``known``."""
        for key in self.sections:
            if key not in known:
                raise ConfigError(
                    f"{self.where}: unknown key '{key}'; known are {', '.join(sorted((*_HEAD, *known)))}"
                )

    def fill(self, kind: type[T], section: str) -> T:
        """A section as ``kind``, which has a default for every key. Raises `ConfigError`."""
        return fill(kind, self.sections.get(section, {}), f"{self.where}: [{section}]")

    def sets(self, kind: type[T], what: str) -> tuple[T, ...]:
        """Every [[sets]]. Raises `ConfigError`, also where there is none: a folder of ``what``."""
        found: object = self.sections.get("sets")
        if not isinstance(found, list) or not found:
            raise ConfigError(f"{self.where}: has no [[sets]]; name at least one folder of {what}")
        return tuple(fill(kind, each, f"{self.where}: [[sets]]") for each in cast(list[Any], found))


def read_head(text: str, path: Path) -> Head:
    """A recipe's text, found in ``path``. Raises `ConfigError` where it is no TOML."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: cannot be read as a recipe ({error}); correct it") from error
    said: dict[str, Any] = {"name": path.stem, "task": "detector", "seed": 1, "data": "."}
    for key, default in said.items():
        said[key] = table.get(key, default)
        if type(said[key]) is not type(default):
            raise ConfigError(f"{path}: '{key}' must be like {default!r}, is {said[key]!r}")
    return Head(
        name=said["name"],
        task=said["task"],
        seed=said["seed"],
        data=(path.parent / said["data"]).resolve(),
        text=text,
        where=path,
        sections={key: value for key, value in table.items() if key not in _HEAD},
    )


def fill(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """A dataclass from a table, each value of its default's type. Raises `ConfigError`."""
    blank = kind()
    known = {each.name for each in fields(cast(Any, kind))}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown key '{key}'; known are {', '.join(sorted(known))}")
        default: object = getattr(blank, key)
        given: object = _frozen(value)
        if isinstance(default, float) and isinstance(given, int) and not isinstance(given, bool):
            given = float(given)
        if type(given) is not type(default):
            raise ConfigError(f"{where}: '{key}' must be like {default!r}, is {value!r}")
        values[key] = given
    return kind(**values)


def _frozen(value: object) -> object:
    return tuple(_frozen(each) for each in cast(Sequence[object], value)) if isinstance(value, list) else value
