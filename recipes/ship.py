"""Put a training run's artifact into the package, proved on drawn pictures.

Example: python recipes/ship.py runs/athlete --into src/touchline/models/athlete --facts facts.json

A run's own artifact is proved on pictures of its data, which are not ours to hand on. These are drawn: a green
ground with lines, figures and balls of many sizes, under noise. ``--facts``: what its manifest says beside what
the run's says (licence, accuracy, what it was trained on), as JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from touchline.model.export import load_checkpoint, write_artifact
from touchline.runtime import manifest
from touchline.types import Frame

WIDTH, HEIGHT, PICTURES = 480, 270, 2


def drawn(seed: int) -> Frame:
    """A drawn match, some 480 px wide."""
    rng = np.random.default_rng(seed)
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = (60, 140, 70)
    picture[: HEIGHT // 5] = rng.integers(30, 200, (HEIGHT // 5, WIDTH, 3))
    cv2.ellipse(picture, (240, 180), (110, 50), 0, 0, 360, (235, 235, 235), 2)
    cv2.line(picture, (240, 60), (240, HEIGHT), (235, 235, 235), 2)
    for _ in range(14):
        x, y, tall = int(rng.integers(20, 460)), int(rng.integers(60, 240)), int(rng.integers(16, 90))
        shirt, skin = rng.integers(0, 256, 3).tolist(), (120, 150, 200)
        wide = tall // 6
        cv2.line(picture, (x, y + tall // 2), (x - wide, y + tall), skin, max(2, wide // 2))
        cv2.line(picture, (x, y + tall // 2), (x + wide, y + tall), skin, max(2, wide // 2))
        cv2.rectangle(picture, (x - wide, y + tall // 6), (x + wide, y + tall * 3 // 5), shirt, -1)
        cv2.circle(picture, (x, y + tall // 10), max(2, tall // 10), skin, -1)
    cv2.circle(picture, (int(rng.integers(100, 380)), int(rng.integers(100, 240))), 3, (250, 250, 250), -1)
    noisy = np.clip(cv2.GaussianBlur(picture, (3, 3), 0) + rng.normal(0, 3, picture.shape), 0, 255).astype(
        np.uint8
    )
    planes = cv2.cvtColor(noisy[: HEIGHT // 2 * 2], cv2.COLOR_BGR2YUV_I420)
    high = HEIGHT // 2 * 2
    luma, chroma = planes[:high], planes[high:].reshape(2, high // 2, WIDTH // 2)
    return Frame(0, np.ascontiguousarray(luma), chroma[0].copy(), chroma[1].copy())


def main() -> None:
    """Copy, prove, describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--facts", type=Path)
    parser.add_argument("--width", type=int, help="analysis width, px; by default the run's")
    given = parser.parse_args()
    said = dict(manifest.read(given.run / "artifact").manifest)
    detect = said["detect"]
    kept = {key: said[key] for key in ("name", "task", "parameters", "accuracy", "trained") if key in said}
    facts = kept | (json.loads(given.facts.read_text()) if given.facts else {})
    given.into.mkdir(parents=True, exist_ok=True)
    shutil.copy(given.run / "artifact" / "model.onnx", given.into / "model.onnx")
    write_artifact(
        given.into,
        load_checkpoint(given.run / "checkpoint.pt"),
        [drawn(seed) for seed in range(PICTURES)],
        facts,
        width=given.width or detect["width"],
        score=detect["score"],
        ball_score=detect["ball_score"],
        proof_width=WIDTH,
    )


if __name__ == "__main__":
    main()
