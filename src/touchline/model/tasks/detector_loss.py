"""What the athlete detector is taught to make small."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from touchline.model.nets.athlete import ROLES, STRIDE


def athlete_loss(
    maps: Tensor,
    heat: Tensor,
    care: Tensor,
    roles: Tensor,
    boxes: Tensor,
    near: Tensor,
    *,
    ball_weight: float,
    role_weights: Tensor,
) -> dict[str, Tensor]:
    """Parts of the loss of a batch, each a scalar; their sum is to be minimised.

    ``maps``: the net's output (N, 13, H, W); the others as in `Lesson`, stacked.
    """
    first = 2 + len(ROLES)
    parts: dict[str, Tensor] = {}
    for channel, (name, weight) in enumerate((("people", 1.0), ("ball", ball_weight))):
        # Per lesson, so that one person close to the camera counts as much as a pitch full of distant ones.
        parts[name] = weight * _focal(maps[:, channel], heat[:, channel], care[:, channel]).mean()
        raw = maps[:, first + 4 * channel : first + 4 * channel + 4]
        distances = raw.clamp(max=6.0).exp() * STRIDE
        lost = giou_loss(distances, boxes[:, channel])
        total = near[:, channel].sum((1, 2)).clamp(min=2.0)
        parts[f"{name}_box"] = 2.0 * weight * ((lost * near[:, channel]).sum((1, 2)) / total).mean()
    entropy = functional.cross_entropy(
        maps[:, 2:first], roles, weight=role_weights, ignore_index=-1, reduction="none"
    )
    known = near[:, 0] * (roles >= 0)
    parts["roles"] = 0.5 * (entropy * known).sum() / known.sum().clamp(min=4.0)
    return parts


def _focal(logits: Tensor, heat: Tensor, care: Tensor) -> Tensor:
    """Penalty-reduced focal loss (Law & Deng 2018, arXiv 1808.01244, equation 1), alpha 2, beta 4 → (N,)."""
    p = logits.sigmoid()
    hit = (heat >= 1.0).float()
    found = (1 - p) ** 2 * functional.logsigmoid(logits) * hit
    silent = p**2 * functional.logsigmoid(-logits) * (1 - heat) ** 4 * care * (1 - hit)
    return -(found + silent).sum((1, 2)) / hit.sum((1, 2)).clamp(min=2.0)


def giou_loss(a: Tensor, b: Tensor) -> Tensor:
    """1 − generalised IoU (arXiv 1902.09630) of boxes as distances (N, 4, H, W) from one point."""
    shared = torch.minimum(a, b)
    wide, high = (shared[:, 0] + shared[:, 2]).clamp(min=0), (shared[:, 1] + shared[:, 3]).clamp(min=0)
    inter = wide * high
    area_a = (a[:, 0] + a[:, 2]) * (a[:, 1] + a[:, 3])
    area_b = (b[:, 0] + b[:, 2]) * (b[:, 1] + b[:, 3])
    union = (area_a + area_b - inter).clamp(min=1e-3)
    outer = torch.maximum(a, b)
    hull = ((outer[:, 0] + outer[:, 2]) * (outer[:, 1] + outer[:, 3])).clamp(min=1e-3)
    return 1 - inter / union + (hull - union) / hull
