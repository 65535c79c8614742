"""A folder of drawn labelled pictures: bright upright figures and small white balls on green."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def draw_folder(folder: Path, count: int, seed: int = 0) -> Path:
    """``count`` pictures of 320×192, three figures and a ball each, in YOLO form."""
    rng = np.random.default_rng(seed)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    (folder / "classes.txt").write_text("ball\ngoalkeeper\nplayer\nreferee\n")
    for number in range(count):
        picture = np.full((192, 320, 3), (60, 120, 60), np.uint8)
        rows = []
        for kind in (1, 2, 3):
            left, top = int(rng.integers(5, 290)), int(rng.integers(5, 140))
            colour = ((0, 0, 255), (255, 60, 60), (0, 255, 255))[kind - 1]
            cv2.rectangle(picture, (left, top), (left + 15, top + 39), colour, -1)
            rows.append((kind, left, top, 16, 40))
        x, y = int(rng.integers(10, 310)), int(rng.integers(10, 180))
        cv2.circle(picture, (x, y), 4, (255, 255, 255), -1)
        rows.append((0, x - 4, y - 4, 9, 9))
        text = [f"{k} {(a + w / 2) / 320} {(b + h / 2) / 192} {w / 320} {h / 192}" for k, a, b, w, h in rows]
        cv2.imwrite(str(folder / "images" / f"v{number % 3}_{number}.png"), picture)
        (folder / "labels" / f"v{number % 3}_{number}.txt").write_text("\n".join(text) + "\n")
    return folder
