"""What a recipe says of a detector of athletes."""

from __future__ import annotations

from dataclasses import dataclass, field

from touchline.model.recipe import Head, Recipe, Schedule
from touchline.model.tasks.detector_loader import Style


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


class DetectorRecipe(Recipe):
    """Raises `ConfigError` that names the file and the key."""

    def __init__(self, head: Head) -> None:
        head.check("net", "style", "schedule", "sets")
        self.sets = head.sets(SetSpec, "pictures")
        self.net = head.fill(NetSpec, "net")
        self.style = head.fill(Style, "style")
        self.detection = head.fill(DetectorSchedule, "schedule")
        super().__init__(head, self.detection)
