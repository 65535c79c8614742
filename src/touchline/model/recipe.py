"""What to train, on what and how long, as the recipe says it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from touchline.model.data.lessons import Style
from touchline.types.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NetSpec:
    """The network's shape, see `AthleteNet`."""

    widths: tuple[int, int, int, int] = (16, 48, 80, 128)
    depths: tuple[int, int] = (1, 3)
    head: int = 48


@dataclass(frozen=True, slots=True)
class Schedule:
    """How training goes.

    ``steps``: of ``batch`` lessons each; the learning rate falls from ``lr`` along a cosine over them, after
    ``warmup`` steps. ``minutes``: if above 0, the cosine ends by then at the latest (and a run that is
    resumed goes on where its clock stood; only without it are two runs the same). ``decay``: AdamW's.
    ``average``: of the averaged weights, per step. ``threads``: replicas of the net that share each
    batch, one thread each (a run's numbers hang on how many). ``checkpoint``: steps between
    checkpoints, at each of which the held pictures are looked at. ``patience``: so many looks in a row that are
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
    ball_weight: float = 2.0
    role_weights: tuple[float, float, float] = (3.0, 1.0, 3.0)
    start: str = ""


@dataclass(frozen=True, slots=True)
class SetSpec:
    """One folder of pictures, see `read_folder` and `Source`. ``held``: beginnings of file names kept for
    checking; ``scored``: whether those are scored during training."""

    path: str = ""
    share: float = 1.0
    people: float = 1.0
    balls: float = 1.0
    classes: dict[str, str] = field(default_factory=dict[str, str])
    held: tuple[str, ...] = ()
    scored: bool = True


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe. ``data``: the folder that the sets' paths start from."""

    name: str
    seed: int
    data: Path
    net: NetSpec
    style: Style
    schedule: Schedule
    sets: tuple[SetSpec, ...]
    text: str


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe. Raises `ConfigError` that names the file and the key."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a recipe ({error}); correct it") from error
    return read_text(text, path)


def read_text(text: str, path: Path) -> Recipe:
    """A recipe from its text, found in ``path``. Raises `ConfigError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: cannot be read as a recipe ({error}); correct it") from error
    known = {"name", "seed", "data", "net", "style", "schedule", "sets"}
    for key in table:
        if key not in known:
            raise ConfigError(f"{path}: unknown key '{key}'; known are {', '.join(sorted(known))}")
    sets = table.get("sets")
    if not isinstance(sets, list) or not sets:
        raise ConfigError(f"{path}: has no [[sets]]; name at least one folder of pictures")
    return Recipe(
        name=str(table.get("name", path.stem)),
        seed=int(table.get("seed", 1)),
        data=(path.parent / str(table.get("data", "."))).resolve(),
        net=_fill(NetSpec, table.get("net", {}), f"{path}: [net]"),
        style=_fill(Style, table.get("style", {}), f"{path}: [style]"),
        schedule=_fill(Schedule, table.get("schedule", {}), f"{path}: [schedule]"),
        sets=tuple(_fill(SetSpec, each, f"{path}: [[sets]]") for each in cast(list[Any], sets)),
        text=text,
    )


def _fill(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """A dataclass from a table, each value of its default's type."""
    blank = kind()
    known = {each.name for each in fields(cast(Any, kind))}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown key '{key}'; known are {', '.join(sorted(known))}")
        default: object = getattr(blank, key)
        given: object = tuple(cast(list[Any], value)) if isinstance(value, list) else value
        if isinstance(default, float) and isinstance(given, int) and not isinstance(given, bool):
            given = float(given)
        if type(given) is not type(default):
            raise ConfigError(f"{where}: '{key}' must be like {default!r}, is {value!r}")
        values[key] = given
    return kind(**values)
