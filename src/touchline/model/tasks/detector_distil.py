"""Distillation: what a teacher says of a crop, beside what labels say (Hinton et al. 2015: arXiv 1503.02531)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from touchline.model.data.pictures import BALL, PERSON
from touchline.model.export import load_checkpoint
from touchline.model.nets.athlete import CHANNELS, FINER, ROLES, STRIDE
from touchline.model.tasks.detector_loader import answers
from touchline.model.tasks.detector_loss import giou_loss
from touchline.model.tasks.detector_recipe import Distil
from touchline.runtime import manifest, shelf
from touchline.runtime.load import load
from touchline.types.detections import Detections
from touchline.types.errors import ConfigError
from touchline.types.frame import Frame
from touchline.vision.detect import load_detector
from touchline.vision.prepare import unpack

Floats = NDArray[np.float32]
Told = tuple[Floats, Floats, Floats]
"""Of a crop of H×W cells: heat (2, H, W) of people and balls, 0–1, below 0 where the teacher has no say; chances
of the roles (3, H, W), together as high as the heat of people, all 0 where it has no say; distances to the sides
of boxes (2, 4, H, W), px."""

Tutor = Callable[[NDArray[np.uint8]], Told]
"""From planes, uint8 (6, 2·H, 2·W). From several threads at once."""

_UNKNOWN = -1.0
_NEAR = 0.1
"""Heat from which a cell's box and roles count."""
_LEAST = 0.05
"""Confidence from which a box of a teacher counts, which is its heat."""


def find_tutor(spec: Distil) -> Tutor:
    """The teacher of a recipe. A checkpoint of ours, or an artifact with our head, is asked for its very maps; any
    other detector for its boxes, each a Gaussian as high as its confidence. Raises `ModelError` where it cannot be
    read, `ConfigError` where it has no say in anything that ``spec.of`` names."""
    ask, says = _maps_of(spec.teacher) or _boxes_of(spec.teacher)
    wanted = set(spec.of)
    if not wanted & says:
        raise ConfigError(
            f"[distil] {spec.teacher}: says nothing of {', '.join(spec.of)}; name what it knows: "
            f"{', '.join(sorted(says))}"
        )
    lock = Lock()

    def tell(planes: NDArray[np.uint8]) -> Told:
        with lock:
            heat, chances, sides = ask(planes)
        for channel, name in enumerate(("people", "ball")):
            if name not in wanted & says:
                heat[channel] = _UNKNOWN
        return heat, chances if "roles" in wanted & says else np.zeros_like(chances), sides

    return tell


def distil_loss(maps: Tensor, heat: Tensor, chances: Tensor, sides: Tensor, *, weight: float) -> dict[str, Tensor]:
    """Parts of the loss of a batch: ``maps``, the net's output (N, 13, H, W), against what it was `Told`, stacked.

    Heat: quality focal loss, β 2 (Li et al. 2020, arXiv 2006.04388, equation 6), which takes targets from 0 to 1.
    Boxes and roles count as far as the teacher is sure that there is somebody.
    """
    first = 2 + len(ROLES)
    parts: dict[str, Tensor] = {}
    sure = torch.where(heat > _NEAR, heat, 0.0)
    for channel, name in enumerate(("people", "ball")):
        known = (heat[:, channel] >= 0).float()
        target, logits = heat[:, channel].clamp(min=0), maps[:, channel]
        off = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        off = off * (target - logits.sigmoid()) ** 2 * known
        parts[f"distil_{name}"] = weight * (off.sum((1, 2)) / target.sum((1, 2)).clamp(min=2.0)).mean()
        raw = maps[:, first + 4 * channel : first + 4 * channel + 4]
        lost = giou_loss(raw.clamp(max=6.0).exp() * STRIDE, sides[:, channel]) * sure[:, channel]
        total = sure[:, channel].sum((1, 2)).clamp(min=2.0)
        parts[f"distil_{name}_box"] = weight * (lost.sum((1, 2)) / total).mean()
    told = chances.sum(1)
    told = torch.where(told > _NEAR, told, 0.0)
    shares = chances / chances.sum(1, keepdim=True).clamp(min=1e-6)
    apart = functional.kl_div(maps[:, 2:first].log_softmax(1), shares, reduction="none").sum(1)
    parts["distil_roles"] = 0.5 * weight * (apart * told).sum() / told.sum().clamp(min=4.0)
    return parts


_Asked = tuple[Callable[[NDArray[np.uint8]], Told], set[str]]


def _maps_of(teacher: str) -> _Asked | None:
    """A teacher with our own maps, and what it has a say in; None where it has others."""
    if teacher.endswith(".pt"):
        net = load_checkpoint(Path(teacher))

        def by_torch(planes: NDArray[np.uint8]) -> Told:
            with torch.inference_mode():
                return _told(cast(Tensor, net(torch.from_numpy(planes[None]).float()))[0].numpy())

        return by_torch, {"people", "ball", "roles"}
    if load_detector(teacher).reading.decode != "centre":
        return None
    path = shelf.find(teacher)
    model = load(manifest.read(path).file if path.is_dir() else path)

    def by_runtime(planes: NDArray[np.uint8]) -> Told:
        maps = torch.from_numpy(np.asarray(model.run(planes[None])[0], np.float32))
        finer = maps if maps.shape[1] == CHANNELS else functional.pixel_shuffle(maps, FINER)
        return _told(finer[0].numpy())

    return by_runtime, {"people", "ball", "roles"}


def _told(maps: Floats) -> Told:
    first = 2 + len(ROLES)
    heat: Floats = np.reciprocal(1 + np.exp(-maps[:2]))
    odds: Floats = np.exp(maps[2:first] - maps[2:first].max(0))
    sides: Floats = np.exp(np.minimum(maps[first:], 6.0)) * STRIDE
    return heat, heat[0] * odds / odds.sum(0), sides.reshape(2, 4, *maps.shape[1:])


def _boxes_of(teacher: str) -> _Asked:
    detector = load_detector(teacher, options={"score": _LEAST, "ball_score": _LEAST})

    def by_boxes(planes: NDArray[np.uint8]) -> Told:
        found = detector.detect(Frame(0, *unpack(planes), bt709=False))
        return soft_answers(found, planes.shape[1] * 2)

    return by_boxes, {"people", "ball"} if "ball" in detector.labels else {"people"}


def soft_answers(found: Detections, crop: int) -> Told:
    """Boxes in a crop of ``crop`` px → what their detector would have said on our maps. Nothing of roles."""
    balls = np.array([label == "ball" for label in found.labels])[found.classes]
    kinds = np.where(balls, BALL, PERSON).astype(np.int16)
    heat, _, _, sides, _ = answers(found.boxes, kinds, crop, 1.0, 1.0)
    heat[:] = 0
    for row, score in enumerate(found.scores):
        alone = answers(found.boxes[row : row + 1], kinds[row : row + 1], crop, 1.0, 1.0)[0]
        np.maximum(heat, alone * score, out=heat)
    return heat, np.zeros((len(ROLES), *heat.shape[1:]), np.float32), sides
