"""How well boxes are carried between detections: propagated box against detected box, at every frame.

    .venv/bin/python -m bench.propagation HANDBALL.mp4 VTEST.avi --detector yolox_nano.onnx [--hz 5] [--score 0.5]

HANDBALL: a panorama at least 1080 px high and some 2,500 wide. Three clips are made of it and of VTEST, coded by
x264 without B-frames: ``still``, the panorama's middle 1920×1080; ``pan``, the same seen by a camera that swings
up to 12 px a frame to and fro; ``walkers``, VTEST at its 10 frames a second.

What is measured, exactly. The detector looks at every frame (of the panorama in tiles, for people there are
small): these are the every-frame boxes. ``pan`` takes the panorama's boxes, less the window's place: a detector
that looks at the panned clip itself trembles with its own grid, and ``--anew`` shows that. Boxes of
neighbouring frames are linked one to one where that makes their IoU largest and it is at least 0.3. ``--hz``
times a second (at every 5th frame of 25 and every 2nd of 10; ``walkers`` again at every 5th) a contestant is
given the every-frame boxes; at the frames between it says where these are. Each is compared with the every-
frame box that the links lead to, while they do; a box it does not know stays where it was. The figure is the
mean IoU of all these pairs, lost ones counted as what they are. ``right middle`` keeps the given size and puts
it exactly over the every-frame box: what the detector's own trembling leaves to be reached.

Times are process times per frame with the core as busy as it is: compare them with each other. Prints a table and
a JSON line.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bench.clips import code, frames, read, window
from touchline.types import Frame
from touchline.vision.boxes import suppress
from touchline.vision.detect import Detector, load_detector
from touchline.vision.propagate import Propagator

Boxes = NDArray[np.float32]
WIDTH, HEIGHT = 1920, 1080
LINKED = 0.3


class Contestant(Protocol):
    """``start``: the boxes as detected in a frame; ``follow``: where it says they are now."""

    def start(self, frame: Frame, boxes: Boxes) -> None: ...
    def follow(self, frame: Frame, boxes: Boxes) -> Boxes: ...


class Hold:
    """Boxes stay where they were."""

    def start(self, frame: Frame, boxes: Boxes) -> None: ...

    def follow(self, frame: Frame, boxes: Boxes) -> Boxes:  # noqa: ARG002
        return boxes


class Kalman:
    """Constant velocity, learnt from detection to detection: a filter at its steady gain."""

    gain = 0.6

    def __init__(self) -> None:
        self.boxes, self.speed, self.steps = np.zeros((0, 4), np.float32), np.zeros((0, 2), np.float32), 0

    def start(self, frame: Frame, boxes: Boxes) -> None:  # noqa: ARG002
        speed = np.zeros((len(boxes), 2), np.float32)
        pairs = linear_sum_assignment(-overlaps(boxes, self.boxes)) if len(self.boxes) else ((), ())
        for new, old in zip(*pairs, strict=True):
            error = middles(boxes[new : new + 1])[0] - middles(self.boxes[old : old + 1])[0]
            if np.abs(error).max() < boxes[new, 3] - boxes[new, 1]:
                speed[new] = self.speed[old] + self.gain * error / max(self.steps, 1)
        self.boxes, self.speed, self.steps = boxes, speed, 0

    def follow(self, frame: Frame, boxes: Boxes) -> Boxes:  # noqa: ARG002
        self.steps += 1
        self.boxes = boxes + np.tile(self.speed, 2)
        return self.boxes


class Vectors:
    """The median of the codec's motion vectors in the box that differ from the camera's, block by block."""

    def start(self, frame: Frame, boxes: Boxes) -> None: ...

    def follow(self, frame: Frame, boxes: Boxes) -> Boxes:
        if frame.motion is None:
            return boxes
        x, y = frame.motion[:, 0], frame.motion[:, 1]
        vectors = frame.motion[:, 2:4] / 4
        inside = (x >= boxes[:, :1]) & (x < boxes[:, 2:3]) & (y >= boxes[:, 1:2]) & (y < boxes[:, 3:])
        outside = ~inside.any(axis=0)
        camera = np.median(vectors[outside], axis=0) if outside.any() else np.zeros(2)
        moving = np.abs(vectors - camera).max(axis=1) >= 0.5
        shift = [np.median(vectors[row & moving], axis=0) if (row & moving).any() else camera for row in inside]
        return boxes + np.tile(np.array(shift, np.float32).reshape(-1, 2), 2)


class Dense:
    """The median of DIS optical flow (Kroeger et al. 2016, OpenCV's fastest preset) at a quarter of the size."""

    def __init__(self) -> None:
        self.flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self.former: NDArray[np.uint8] | None = None

    def start(self, frame: Frame, boxes: Boxes) -> None:  # noqa: ARG002
        self.former = self.small(frame)

    def follow(self, frame: Frame, boxes: Boxes) -> Boxes:
        grey, step = self.small(frame), 4 if frame.width > 960 else 2
        flow, self.former = self.flow.calc(self.former, grey, None) * step, grey
        moved = boxes.copy()
        for row, box in enumerate(boxes):
            left, top, right, bottom = (int(max(0, value) / step) for value in box)
            part = flow[top : bottom + 1, left : right + 1].reshape(-1, 2)
            if len(part):
                moved[row] += np.tile(np.median(part, axis=0), 2)
        return moved

    def small(self, frame: Frame) -> NDArray[np.uint8]:
        step = 4 if frame.width > 960 else 2
        size = (frame.width // step, frame.height // step)
        return np.asarray(cv2.resize(frame.y, size, interpolation=cv2.INTER_AREA), np.uint8)


class Ours:
    """`Propagator`; with ``told`` False it is not told the codec's vectors and looks at the pictures alone."""

    def __init__(self, told: bool) -> None:
        self.propagator, self.told = Propagator(), told

    def start(self, frame: Frame, boxes: Boxes) -> None:  # noqa: ARG002
        self.propagator.start(frame)

    def follow(self, frame: Frame, boxes: Boxes) -> Boxes:
        return self.propagator.follow(frame if self.told else replace(frame, motion=None), boxes)


CONTESTANTS = {
    "hold": Hold,
    "Kalman": Kalman,
    "vectors, moving blocks' median": Vectors,
    "DIS flow": Dense,
    "Touchline, pictures alone (LK)": lambda: Ours(told=False),
    "Touchline": lambda: Ours(told=True),
}


@dataclass
class Clip:
    """Frames with motion vectors, and their every-frame boxes."""

    name: str
    frames: list[Frame]
    boxes: list[Boxes]
    every: int


def overlaps(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """IoU of all pairs, (N, M)."""
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b)]
    return shared / np.maximum(areas[0][:, None] + areas[1] - shared, 1e-6)


def middles(boxes: Boxes) -> NDArray[np.float32]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def links(boxes: list[Boxes]) -> list[NDArray[np.intp]]:
    """For each frame but the last: the row, in the next frame, of each of its boxes, or −1."""
    found = []
    for here, there in pairwise(boxes):
        overlap = overlaps(here, there)
        rows, columns = linear_sum_assignment(-overlap)
        same = overlap[rows, columns] >= LINKED
        link = np.full(len(here), -1, np.intp)
        link[rows[same]] = columns[same]
        found.append(link)
    return found


def measure(clip: Clip, contestant: Contestant | None) -> tuple[float, float, int]:
    """Mean IoU, ms a frame between detections, pairs. No contestant: the right middle."""
    linked, shares, spent, steps = links(clip.boxes), [], 0.0, 0
    boxes, rows = clip.boxes[0], np.arange(0)
    for number, (frame, truth) in enumerate(zip(clip.frames, clip.boxes, strict=True)):
        began = time.process_time()
        if number % clip.every == 0:
            boxes, rows = truth, np.arange(len(truth))
            if contestant:
                contestant.start(frame, boxes)
            continue
        if contestant:
            told = contestant.follow(frame, boxes)
            spent, steps = spent + time.process_time() - began, steps + 1
            boxes = np.where(np.isfinite(told).all(axis=1, keepdims=True), told, boxes).astype(np.float32)
        before = np.append(linked[number - 1], -1)  # the last for rows already lost, −1
        rows = before[rows]
        there = rows >= 0
        mine, theirs = boxes[there], truth[rows[there]]
        if contestant is None:
            mine = mine + np.tile(middles(theirs) - middles(mine), 2)
        shares += [float(overlaps(a[None], b[None])[0, 0]) for a, b in zip(mine, theirs, strict=True)]
    return float(np.mean(shares)), 1e3 * spent / max(steps, 1), len(shares)


def look(detector: Detector, frame: Frame, tile: int, labels: set[int]) -> Boxes:
    """People in ``frame``, looked at in overlapping tiles of ``tile`` px; what an inner edge cuts is left to
    the neighbour."""
    step, found, scores = tile * 3 // 4 // 2 * 2, [], []
    for top in range(0, max(frame.height - tile + step, 1), step):
        for left in range(0, max(frame.width - tile + step, 1), step):
            part = window(frame, left, top, min(tile, frame.width - left), min(tile, frame.height - top))
            seen = detector.detect(part)
            low, high = seen.boxes[:, :2], seen.boxes[:, 2:]
            uncut = (low > np.array([3 if left else -99, 3 if top else -99])).all(axis=1)
            right, bottom = left + part.width < frame.width, top + part.height < frame.height
            ends = np.array([part.width - 3 if right else 1e9, part.height - 3 if bottom else 1e9])
            keep = uncut & (high < ends).all(axis=1) & np.isin(seen.classes, list(labels))
            found.append(seen.boxes[keep] + np.array([left, top, left, top], np.float32))
            scores.append(seen.scores[keep])
    boxes, sure = np.concatenate(found), np.concatenate(scores)
    return boxes[suppress(boxes, sure, np.zeros(len(boxes), np.bool_), 0.5)]


def swing(count: int) -> NDArray[np.intp]:
    """Where the panning camera's window is, px from the middle: two swings at once, up to 12 px a frame, even."""
    k = np.arange(count)
    speed = 8 * np.sin(2 * np.pi * k / 100) + 4 * np.sin(2 * np.pi * k / 37 + 1)
    place = np.cumsum(speed)
    return ((place - (place.min() + place.max()) / 2) / 2).astype(np.intp) * 2


def handball(path: Path, detector: Detector, tile: int, labels: set[int], hz: float, *, anew: bool) -> list[Clip]:
    """``still`` and ``pan``, and with ``anew`` the latter with boxes detected in itself."""
    info, packets = read(path)
    fps = Fraction(info.fps).limit_denominator(1001)
    every, place = max(1, round(fps / Fraction(hz))), swing(len(packets))
    reach = int(np.abs(place).max())
    middle, top = (info.width - WIDTH) // 4 * 2, (info.height - HEIGHT) // 4 * 2
    stills, pans, wide = [], [], []
    for number, frame in enumerate(frames(info, packets)):
        boxes = look(detector, window(frame, middle - reach, top, WIDTH + 2 * reach, HEIGHT), tile, labels)
        wide.append(boxes - np.array([reach, 0, reach, 0], np.float32))
        for list_, left in ((stills, middle), (pans, middle + int(place[number]))):
            part = window(frame, left, top, WIDTH, HEIGHT)
            list_.append(replace(part, y=part.y.copy(), u=part.u.copy(), v=part.v.copy()))
    clips = []
    for name, pictures, lefts in (("still", stills, place * 0), ("pan", pans, place)):
        shifted = [
            boxes - np.array([left, 0, left, 0], np.float32) for boxes, left in zip(wide, lefts, strict=True)
        ]
        shown = [boxes[(boxes[:, 0] >= 0) & (boxes[:, 2] <= WIDTH)] for boxes in shifted]
        clips.append(Clip(name, list(frames(*code(pictures, fps), motion=True)), shown, every))
    if anew:
        panned = clips[-1].frames
        clips.append(Clip("pan, anew", panned, [look(detector, frame, tile, labels) for frame in panned], every))
    return clips


def walkers(path: Path, detector: Detector, labels: set[int], hz: float) -> list[Clip]:
    """The clip with detections at ``hz``, and at every 5th frame; people in it are large: no tiles."""
    info, packets = read(path)
    coded = list(frames(*code(frames(info, packets), Fraction(10)), motion=True))
    boxes = [look(detector, frame, max(info.width, info.height), labels) for frame in coded]
    return [
        Clip("walkers", coded, boxes, max(1, round(10 / hz))),
        Clip("walkers, every 5th", coded, boxes, 5),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("handball", type=Path)
    parser.add_argument("vtest", type=Path)
    parser.add_argument("--detector", default="athlete", help="a shipped name, or a YOLOX .onnx")
    parser.add_argument("--hz", type=float, default=5.0, help="detections a second")
    parser.add_argument("--score", type=float, default=0.5, help="least confidence of a box, 0–1")
    parser.add_argument("--tile", type=int, default=416, help="px of the tiles that the detector looks at")
    parser.add_argument("--anew", action="store_true", help="also detect in the panned clip itself")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    options: dict[str, object] = {"score": given.score}
    if given.detector.endswith(".onnx"):
        options["decode"] = "yolox"
    detector = load_detector(given.detector, options=options)
    labels = {number for number, label in enumerate(detector.labels) if label != "ball"}
    clips = handball(given.handball, detector, given.tile, labels, given.hz, anew=given.anew)
    clips += walkers(given.vtest, detector, labels, given.hz)

    result: dict[str, dict[str, dict[str, float]]] = {}
    print(f"mean IoU with the every-frame box, detection at {given.hz:g} Hz; ms a frame between")
    print(f"{'':34}" + "".join(f"{clip.name:>20}" for clip in clips))
    for name, make in {**CONTESTANTS, "right middle, size kept": None}.items():
        figures = {clip.name: measure(clip, make() if make else None) for clip in clips}
        result[name] = {clip: {"iou": round(iou, 4), "ms": round(ms, 3)} for clip, (iou, ms, _) in figures.items()}
        print(f"{name:34}" + "".join(f"{iou:12.3f} {ms:7.2f}" for iou, ms, _ in figures.values()), flush=True)
    people = {clip.name: round(float(np.mean([len(boxes) for boxes in clip.boxes])), 1) for clip in clips}
    print(json.dumps({"bench": "propagation", "hz": given.hz, "people_per_frame": people, "iou": result}))


if __name__ == "__main__":
    main()
