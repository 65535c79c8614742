"""What the training loop asks of a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from touchline.model.recipe import Recipe

Array = NDArray[np.generic]
Lesson = tuple[Array, ...]
"""What a net is given, and what it should answer, without the batch's axis."""


class Task(Protocol):
    """Reads its part of a recipe when it is made, and no data before `load`."""

    @property
    def recipe(self) -> Recipe: ...

    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of each data set, by the path that the recipe gives it."""
        ...

    def net(self) -> nn.Module:
        """A fresh network, from torch's own random numbers."""
        ...

    def fit(self, start: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights that ``schedule.start`` names, as `net` takes them."""
        ...

    def load(self) -> Material: ...

    def losses(self, outputs: Tensor, answers: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Parts of a batch's loss, scalars to be minimised together; ``answers``: lessons but their first part."""
        ...

    def deployed(self, net: nn.Module) -> nn.Module:
        """What a device runs of a trained net."""
        ...

    def example(self) -> Tensor:
        """An input of what is deployed."""
        ...


class Material(Protocol):
    """The data of a task, read."""

    def lesson(self, number: int) -> Lesson:
        """The same for the same number, whatever was asked before; from several threads at once."""
        ...

    def look(self, net: nn.Module) -> dict[str, float]:
        """The task's metrics on what is held for checking, each the better the higher; none without any."""
        ...

    def finish(self, folder: Path, told: dict[str, Any]) -> Path:
        """``folder``/artifact, from the averaged weights in ``folder``/checkpoint.pt. ``told``: what else its
        manifest says of the training."""
        ...
