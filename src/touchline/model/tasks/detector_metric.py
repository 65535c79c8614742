"""A quick look at a network in training: the same pictures and decoding as on a device, run by torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from touchline.model.data.pictures import BALL, Picture
from touchline.model.metrics import average_precision
from touchline.model.nets.athlete import COARSEST, AthleteNet
from touchline.vision.boxes import centre, suppress
from touchline.vision.prepare import blocks, fit_free


def probe(net: AthleteNet, pictures: Sequence[Picture], width: int) -> dict[str, float]:
    """AP50 of people (of whatever role) and of balls at an analysis width."""
    found: list[list[tuple[np.ndarray, np.ndarray]]] = [[], []]
    truth: list[list[np.ndarray]] = [[], []]
    net.eval()
    for picture in pictures:
        frame = picture.frame
        fit = fit_free((frame.width, frame.height), width, COARSEST)
        planes = np.empty((6, fit.size[1] // 2, fit.size[0] // 2), np.uint8)
        blocks(frame, fit, planes)
        with torch.inference_mode():
            maps = cast(Tensor, net(torch.from_numpy(planes[None]).float()))[0].numpy()
        boxes, scores, classes = centre(maps, fit.size[0], 0.02)
        balls = classes == 0
        keep = suppress(boxes, scores, balls, 0.6)
        boxes = boxes[keep] * np.array([*fit.scale, *fit.scale], np.float32)
        scores, balls = scores[keep], balls[keep]
        for index, mine in enumerate((~balls, balls)):
            found[index].append((boxes[mine], scores[mine]))
            truth[index].append(picture.boxes[(picture.kinds == BALL) == bool(index)])
    return {
        name: round(average_precision(found[index], truth[index]), 4)
        for index, name in enumerate(("people_ap50", "ball_ap50"))
    }
