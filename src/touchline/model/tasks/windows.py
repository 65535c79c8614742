"""The tasks `sound` and `motion`: windows of features → one of some classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from touchline.model.data.recordings import fingerprint
from touchline.model.nets.windows import Shares, WindowNet
from touchline.model.recipe import Head
from touchline.model.tasks.task import Lesson
from touchline.model.tasks.windows_finish import finish
from touchline.model.tasks.windows_loader import Recording, Source, Teacher, found_in, read_sources
from touchline.model.tasks.windows_loss import window_loss
from touchline.model.tasks.windows_metric import confusion, macro_f1
from touchline.model.tasks.windows_recipe import WindowRecipe


class Windows:
    """A `Task`."""

    def __init__(self, head: Head) -> None:
        self.recipe = WindowRecipe(head)

    def fingerprints(self) -> dict[str, str]:
        found = {spec.path: found_in(self.recipe, spec) for spec in self.recipe.sets}
        return {path: fingerprint(files, folder) for path, (folder, files) in found.items()}

    def net(self) -> WindowNet:
        return WindowNet(self.recipe.net, len(self.recipe.classes))

    def fit(self, start: dict[str, Tensor]) -> dict[str, Tensor]:
        return start

    def load(self) -> Recordings:
        return Recordings(self, *read_sources(self.recipe))

    def losses(self, outputs: Tensor, answers: tuple[Tensor, ...]) -> dict[str, Tensor]:
        (labels,) = answers
        return window_loss(outputs, labels, self.recipe.windows.smoothing)

    def deployed(self, net: nn.Module) -> nn.Module:
        return Shares(net)

    def example(self) -> Tensor:
        return torch.zeros(1, 1, self.recipe.front.length, self.recipe.front.values)


class Recordings:
    """A `Material`."""

    def __init__(self, task: Windows, sources: Sequence[Source], held: Sequence[Recording]) -> None:
        self._task = task
        self._sources = sources
        self._held = held
        recipe = task.recipe
        self._teacher = Teacher(sources, recipe.front.length, recipe.front.zero_point, recipe.style, recipe.seed)

    def lesson(self, number: int) -> Lesson:
        return self._teacher.lesson(number)

    def look(self, net: nn.Module) -> dict[str, float]:
        if not self._held:
            return {}
        net.eval()

        def answer(seen: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                return cast(Tensor, net(torch.from_numpy(seen))).numpy()

        recipe = self._task.recipe
        found = confusion(answer, self._held, recipe.front, len(recipe.classes))
        return {"macro_f1": round(macro_f1(found), 4)}

    def finish(self, folder: Path, told: dict[str, Any]) -> Path:
        net = self._task.net()
        state: Any = torch.load(folder / "checkpoint.pt", weights_only=True)
        net.load_state_dict(state["averaged"])
        return finish(folder, self._task.recipe, self._task.deployed(net.eval()), self._sources, self._held, told)
