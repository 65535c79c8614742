"""The task `detector`: athletes and balls in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import torch
from torch import Tensor, nn

from touchline.model.data.pictures import Picture, read_folder
from touchline.model.data.yolo import fingerprint
from touchline.model.nets.athlete import COARSEST, AthleteNet
from touchline.model.recipe import Head
from touchline.model.tasks.detector_distil import distil_loss, find_tutor
from touchline.model.tasks.detector_finish import finish
from touchline.model.tasks.detector_loader import Source, Teacher
from touchline.model.tasks.detector_loss import athlete_loss
from touchline.model.tasks.detector_metric import probe
from touchline.model.tasks.detector_prune import pruned
from touchline.model.tasks.detector_recipe import DetectorRecipe
from touchline.model.tasks.task import Lesson


class Detector:
    """A `Task`."""

    def __init__(self, head: Head) -> None:
        self.recipe = DetectorRecipe(head)

    def fingerprints(self) -> dict[str, str]:
        return {each.path: fingerprint(self.recipe.data / each.path) for each in self.recipe.sets}

    def net(self) -> AthleteNet:
        spec = self.recipe.net
        return AthleteNet(spec.widths, spec.depths, spec.head)

    def fit(self, start: dict[str, Tensor]) -> dict[str, Tensor]:
        return pruned(start, self.recipe.whole, self.recipe.prune) if self.recipe.prune.share else start

    def load(self) -> Pictures:
        cv2.setNumThreads(1)
        sources, held = read_sources(self.recipe)
        return Pictures(self.recipe, sources, held)

    def losses(self, outputs: Tensor, answers: tuple[Tensor, ...]) -> dict[str, Tensor]:
        heat, care, roles, boxes, near, *tutored = answers
        schedule = self.recipe.detection
        parts = athlete_loss(
            outputs,
            heat,
            care,
            roles,
            boxes,
            near,
            ball_weight=schedule.ball_weight,
            role_weights=torch.tensor(schedule.role_weights),
        )
        return parts | (distil_loss(outputs, *tutored, weight=self.recipe.distil.weight) if tutored else {})

    def deployed(self, net: nn.Module) -> nn.Module:
        return net

    def example(self) -> Tensor:
        return torch.zeros(1, 6, 8 * COARSEST, 15 * COARSEST)


class Pictures:
    """A `Material`."""

    def __init__(self, recipe: DetectorRecipe, sources: Sequence[Source], held: Sequence[Picture]) -> None:
        self._recipe = recipe
        self._sources = sources
        self._held = held
        self._teacher = Teacher(sources, recipe.style, recipe.seed)
        self._tutor = find_tutor(recipe.distil) if recipe.distil.teacher else None

    def lesson(self, number: int) -> Lesson:
        lesson = self._teacher.lesson(number)
        told = self._tutor(lesson.planes) if self._tutor else ()
        return lesson.planes, lesson.heat, lesson.care, lesson.roles, lesson.boxes, lesson.near, *told

    def look(self, net: nn.Module) -> dict[str, float]:
        return probe(cast(AthleteNet, net), self._held, self._recipe.style.width) if self._held else {}

    def finish(self, folder: Path, told: dict[str, Any]) -> Path:
        return finish(folder, self._recipe, self._sources, self._held, told)


def read_sources(recipe: DetectorRecipe) -> tuple[list[Source], list[Picture]]:
    """The recipe's pictures to learn from, and those held for checking."""
    sources: list[Source] = []
    held: list[Picture] = []
    for each in recipe.sets:
        folder = recipe.data / each.path
        pictures = list(read_folder(folder, each.classes, without=each.held))
        sources.append(Source(pictures, each.share, each.people, each.balls))
        if each.held and each.scored:
            held += read_folder(folder, each.classes, only=each.held)
    return sources, held
