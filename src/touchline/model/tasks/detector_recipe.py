"""What a recipe says of a detector of athletes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from touchline.model.recipe import Head, Recipe, Schedule
from touchline.model.tasks.detector_loader import Style
from touchline.types.errors import ConfigError


@dataclass(frozen=True, slots=True)
class NetSpec:
    """The network's shape, see `AthleteNet`."""

    widths: tuple[int, int, int, int] = (16, 48, 80, 128)
    depths: tuple[int, int] = (1, 3)
    head: int = 48


@dataclass(frozen=True, slots=True)
class DetectorSchedule(Schedule):
    """``ball_weight``, ``role_weights``: of those parts of the loss, see `athlete_loss`."""

    ball_weight: float = 2.0
    role_weights: tuple[float, float, float] = (3.0, 1.0, 3.0)


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
class Prune:
    """``share``: of every layer's channels, 0 to below 1, that leave the net of ``schedule.start`` before training
    goes on; 0 for none. ``multiple``: what is left of a layer is a multiple of this, rounded up."""

    share: float = 0.0
    multiple: int = 4

    def check(self, start: str, where: Path) -> None:
        """Raise `ConfigError` where it cannot be done."""
        if not 0 <= self.share < 1 or self.multiple < 1:
            raise ConfigError(f"{where}: [prune] 'share' must be from 0 to below 1 and 'multiple' above 0")
        if self.share and not start:
            raise ConfigError(
                f"{where}: [prune] takes channels from a trained net; name its checkpoint in [schedule] 'start'"
            )

    def left(self, spec: NetSpec) -> NetSpec:
        """The shape of what is left."""
        if not self.share:
            return spec
        c4, c8, c16, c32 = (self.keeps(width) for width in spec.widths)
        return replace(spec, widths=(c4, c8, c16, c32), head=self.keeps(spec.head))

    def keeps(self, width: int) -> int:
        """Channels that stay of a layer's ``width``."""
        kept = -(-round(width * (1 - self.share), 6) // self.multiple) * self.multiple
        return int(min(width, max(self.multiple, kept)))


@dataclass(frozen=True, slots=True)
class Distil:
    """``teacher``: what the net is to answer like, beside its labels: a run's checkpoint.pt, or a detector as
    `--model` of live takes it; empty for none. ``weight``: of that part of the loss. ``of``: what is learnt from
    it, of ``people``, ``ball`` and ``roles``."""

    teacher: str = ""
    weight: float = 1.0
    of: tuple[str, ...] = ("people", "ball", "roles")

    def check(self, where: Path) -> None:
        """Raise `ConfigError` for what cannot be."""
        if not self.of or set(self.of) - {"people", "ball", "roles"} or self.weight < 0:
            raise ConfigError(
                f"{where}: [distil] 'of' is {list(self.of)}, 'weight' {self.weight:g}; name some of people, ball "
                "and roles, and a weight from 0 on"
            )


class DetectorRecipe(Recipe):
    """``net``: the shape of what is trained, which ``prune`` made smaller than the ``whole``. Raises `ConfigError`
    that names the file and the key."""

    def __init__(self, head: Head) -> None:
        head.check("net", "style", "schedule", "sets", "prune", "distil")
        self.sets = head.sets(SetSpec, "pictures")
        self.whole = head.fill(NetSpec, "net")
        self.prune = head.fill(Prune, "prune")
        self.distil = head.fill(Distil, "distil")
        self.net = self.prune.left(self.whole)
        self.style = head.fill(Style, "style")
        self.detection = head.fill(DetectorSchedule, "schedule")
        self.prune.check(self.detection.start, head.where)
        self.distil.check(head.where)
        super().__init__(head, self.detection)
