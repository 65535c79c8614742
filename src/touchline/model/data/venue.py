"""Which frames of a venue's videos are looked at, which are held for checking, and which are learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import InputError

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".ts", ".webm")
HELD_FROM, LEARN_TO = 0.75, 0.7
"""Of each video's time: what comes after the one is held, what comes before the other may be learnt from. The gap
keeps a moment of play from being on both sides."""
_LOOKED_AT = 3
"""Frames looked at for each that is learnt from."""
_LEAST = 40
"""Frames that a video must have."""
_SEEK = 250
"""Frames from which a jump is worth its inexactness."""


@dataclass(frozen=True, slots=True)
class Video:
    """A file and how many frames it says it has."""

    path: Path
    frames: int


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame to look at. ``name``: unique among all; ``at``: its place in its video, as a share of its frames."""

    name: str
    video: Path
    number: int
    at: float
    held: bool


def find_videos(place: Path) -> list[Video]:
    """Every video in a folder, and below it, or the one file. Raises `InputError` where there is none, or where
    one cannot be opened or is too short."""
    paths = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError(f"{place}: holds no videos ({', '.join(SUFFIXES)}); give a folder that does")
    return [_opened(path) for path in paths]


def _opened(path: Path) -> Video:
    capture = cv2.VideoCapture(str(path))
    frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    capture.release()
    if frames < _LEAST:
        raise InputError(
            f"{path}: {'cannot be read as a video' if frames <= 0 else f'has only {frames} frames'}; "
            "remove it from the folder or bring a longer one"
        )
    return Video(path, frames)


def plan_shots(videos: Sequence[Video], budget: int) -> list[Shot]:
    """Evenly spaced frames to look at, video by video in order of time: three times ``budget`` to learn from,
    before `LEARN_TO` of each video, and a third of it to hold, 12 at least, after `HELD_FROM`; by length."""
    whole = sum(video.frames for video in videos)
    shots: list[Shot] = []
    for index, video in enumerate(videos):
        share = video.frames / whole
        for held, low, high, wanted in (
            (False, 0.0, LEARN_TO, _LOOKED_AT * budget),
            (True, HELD_FROM, 1.0, max(12, budget // 3)),
        ):
            first, last = int(video.frames * low), int(video.frames * high) - 1
            count = max(1, min(round(wanted * share), last - first))
            # The last frames of a file are often fewer than its header says.
            for number in sorted(set(np.linspace(first, last, count, endpoint=False).astype(int).tolist())):
                name = f"{index:03d}_{number:07d}"
                shots.append(Shot(name, video.path, number, number / video.frames, held))
    return shots


class Reader:
    """Frames of videos by their number, fastest in order of time."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._capture = cv2.VideoCapture()
        self._next = 0

    def read(self, shot: Shot) -> NDArray[np.uint8] | None:
        """uint8 (H, W, 3), BGR, or None where the video ends before."""
        if shot.video != self._path or shot.number < self._next:
            self._capture.release()
            self._capture = cv2.VideoCapture(str(shot.video))
            self._path, self._next = shot.video, 0
        if shot.number - self._next > _SEEK:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, shot.number)
            self._next = shot.number
        while self._next < shot.number:
            if not self._capture.grab():
                return None
            self._next += 1
        ok, picture = self._capture.read()
        self._next += 1
        return np.asarray(picture, np.uint8) if ok else None


def choose(shots: Sequence[Shot], disagreement: Sequence[int], budget: int) -> list[Shot]:
    """At most ``budget`` of ``shots``, those with most ``disagreement`` first, spread over time.

    One is passed over while another one of its video is closer than half the distance that ``budget`` evenly
    spread shots would have; where that leaves too few, the distance is halved until it does not.
    """
    order = sorted(range(len(shots)), key=lambda index: (-disagreement[index], index))
    spans = {shot.video: LEARN_TO for shot in shots}
    apart = sum(spans.values()) / budget / 2
    taken: list[int] = []
    while len(taken) < min(budget, len(shots)):
        for index in order:
            if (
                len(taken) < budget
                and index not in taken
                and _free(shots[index], [shots[i] for i in taken], apart)
            ):
                taken.append(index)
        apart = apart / 2 if apart > 1e-6 else -1.0
    return [shots[index] for index in sorted(taken)]


def _free(shot: Shot, taken: Sequence[Shot], apart: float) -> bool:
    return all(other.video != shot.video or abs(other.at - shot.at) >= apart for other in taken)
