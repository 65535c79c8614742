"""Give the pictures of football pitches their people and balls, for recipes/athlete.toml.

Their own labels are of the pitch's lines alone. A former `athlete` found what stands in recipes/pitch.labels,
and people looked it through, box by box: who plays and as what, and which small bright thing is the ball.

Example: python recipes/label_pitch.py --pictures pitch/ --out datasets/pitch
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.model.data.borrow import write_folder
from touchline.model.data.pictures import KINDS
from touchline.types import InputError

LABELS = Path(__file__).with_name("pitch.labels")

Labelled = tuple[str, NDArray[np.uint8], NDArray[np.float32], NDArray[np.int16]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pictures", type=Path, required=True, help="folder of the set, with train/, valid/, test/"
    )
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    files = {file.stem: file for file in sorted(given.pictures.rglob("*.jpg"))}
    for name in ("ball", "no-ball"):  # whether it is known where the ball is, or that there is none
        count = write_folder(given.out / name, _labelled(files, known=name == "ball"))
        print(f"{name}: {count} pictures")


def _labelled(files: dict[str, Path], *, known: bool) -> Iterator[Labelled]:
    """A line is a picture's name, ``ball`` or ``no-ball``, and ``kind left top right bottom`` of each box, px."""
    for line in LABELS.read_text("utf-8").splitlines():
        name, ball, *words = line.split()
        if (ball == "ball") != known:
            continue
        if name not in files:
            raise InputError(f"{LABELS}: there is no picture {name}; give --pictures the whole set")
        picture = np.asarray(cv2.imread(str(files[name])), np.uint8)
        boxes = np.array([words[at + 1 : at + 5] for at in range(0, len(words), 5)], np.float32).reshape(-1, 4)
        yield name, picture, boxes, np.array([KINDS[kind] for kind in words[::5]], np.int16)


if __name__ == "__main__":
    main()
