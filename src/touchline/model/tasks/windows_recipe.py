"""What a recipe says of a net that tells windows of sound or motion apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from touchline.model.data.fronts import front_of
from touchline.model.nets.windows import NetSpec
from touchline.model.recipe import Head, Recipe, Schedule
from touchline.types.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SetSpec:
    """One folder with a sub-folder for each class (see `entries`).

    ``share``: how often it is drawn from. ``classes``: which class a sub-folder's name means, by default itself.
    ``held``: groups kept for checking; without, ``held_share`` of each class's groups. ``scored``: whether those
    are scored.
    """

    path: str = ""
    share: float = 1.0
    classes: dict[str, str] = field(default_factory=dict[str, str])
    held: tuple[str, ...] = ()
    held_share: float = 0.15
    scored: bool = True


@dataclass(frozen=True, slots=True)
class Style:
    """How windows are varied, in steps of the features' int8.

    ``shift``: up to so much is added to all values (of log-mel: louder or quieter). ``noise``: standard deviation
    of what is added to each. ``mask_rows``, ``mask_values``: up to so many neighbouring rows (bands, axes) are
    set to the window's mean (SpecAugment, arXiv 1904.08779). ``turn``: three axes together, by at
    most so many degrees.
    """

    shift: float = 0.0
    noise: float = 0.0
    mask_rows: int = 0
    mask_values: int = 0
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class WindowSchedule(Schedule):
    """``smoothing``: of the labels, see `window_loss`."""

    smoothing: float = 0.05


class WindowRecipe(Recipe):
    """Raises `ConfigError` that names the file and the key."""

    def __init__(self, head: Head) -> None:
        head.check("classes", "features", "net", "style", "schedule", "sets")
        self.sets = head.sets(SetSpec, "recordings")
        self.classes = _classes(head)
        features: Any = head.sections.get("features", {})
        self.front = front_of({**features, "task": head.task}, f"{head.where}: [features]")
        self.net = head.fill(NetSpec, "net")
        self.style = head.fill(Style, "style")
        self.windows = head.fill(WindowSchedule, "schedule")
        super().__init__(head, self.windows)
        if len(self.net.widths) != len(self.net.strides) or not all(
            len(pair) == 2 for pair in (self.net.kernel, self.net.stride, *self.net.strides)
        ):
            raise ConfigError(f"{head.where}: [net]: give a stride for each of widths, rows and values each")


def _classes(head: Head) -> tuple[str, ...]:
    said: object = head.sections.get("classes")
    names = cast(list[object], said) if isinstance(said, list) else []
    if len(names) < 2 or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ConfigError(f"{head.where}: 'classes' must be a list of two names or more, each once")
    return tuple(str(name) for name in names)
