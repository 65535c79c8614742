"""Label frames of people seen close with two COCO detectors, for recipes/athlete.toml.

Example: python recipes/label_close.py --peers peers/ --detection detection/ --out datasets/close \
    --clips gym:6:Demo_MultiPerson/videos/cam01.mp4 walk:12:one-by-one-person-detection.mp4 vtest:20:vtest.avi
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.model.data.borrow import borrow, frames_of, relabel, write_folder
from touchline.model.data.pictures import read_folder
from touchline.model.data.survey import NOBODY
from touchline.vision.detect import Detector, load_detector

Labelled = tuple[str, NDArray[np.uint8], NDArray[np.float32], NDArray[np.int16]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="folder of yolox_nano.onnx, nanodet_m_416.onnx")
    parser.add_argument("--detection", type=Path, required=True, help="folder that holds volleyball-ball/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", nargs="*", default=[], help="SET:EVERY:FILE, every n-th frame into a set")
    given = parser.parse_args()
    teachers = [
        load_detector(given.peers / "yolox_nano.onnx", options={"decode": "yolox", "score": 0.15}),
        load_detector(given.peers / "nanodet_m_416.onnx", options={"decode": "nanodet", "score": 0.2}),
    ]
    clips = sorted(tuple(clip.split(":", 2)) for clip in given.clips)
    for name, members in groupby(clips, key=lambda clip: clip[0]):
        count = write_folder(given.out / name, _from_clips(list(members), teachers))
        print(f"{name}: {count} pictures")
    folder = given.detection / "volleyball-ball"
    count = write_folder(given.out / folder.name, relabel(list(read_folder(folder)), folder, teachers))
    print(f"{folder.name}: {count} pictures")


def _from_clips(clips: list[tuple[str, ...]], teachers: list[Detector]) -> Iterator[Labelled]:
    for _, every, file in clips:
        for name, picture in frames_of(Path(file), int(every)):
            yield name, picture, *borrow(picture, teachers, *NOBODY)


if __name__ == "__main__":
    main()
