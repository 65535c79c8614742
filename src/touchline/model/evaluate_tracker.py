"""How well the tracker keeps people apart: MOTChallenge folders in, HOTA and its kin out."""

from __future__ import annotations

import configparser
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.types import MEDIA_CLOCK, Detections, InputError, Tracks
from touchline.vision.smooth import Smoother
from touchline.vision.track import Tracker

Floats = NDArray[np.float64]
LABELS = ("player",)
PERSON = 1
"""The class of MOTChallenge's truth that is scored, as in its own rules."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Numbered boxes of one frame. ``ids``: int64 (N,). ``boxes``: float64 (N, 4): left, top, right, bottom."""

    ids: NDArray[np.int64]
    boxes: Floats


@dataclass(frozen=True, slots=True)
class TrackingSequence:
    """One MOTChallenge folder: its frame rate (Hz), and for every frame what was detected and what is true.

    ``size``: width and height of the picture, px, where the folder tells.
    """

    name: str
    fps: float
    size: tuple[int, int] | None
    detections: list[Detections]
    truth: list[Labelled]


def evaluate_tracker(data: Path, stride: int = 1) -> dict[str, float]:
    """Track every ``stride``-th frame of the sequences under ``data`` and score those frames with trackeval.

    ``data``: a folder of MOTChallenge sequences, or one such sequence: det/det.txt, gt/gt.txt, seqinfo.ini.
    Returns ``hota``, ``assa``, ``idf1`` (%, over all sequences together), ``id_switches`` (a count),
    ``us_per_update`` (processor time of `Tracker.update`, µs, so that a busy machine matters less), and
    ``hota_smoothed``: with hindsight, as files get it.
    Raises `InputError` on missing or malformed files.
    """
    if stride < 1:
        raise InputError(f"--stride must be at least 1, is {stride}")
    sequences = read_sequences(data)
    results: list[list[Labelled]] = []
    smoothed: list[list[Labelled]] = []
    seconds = 0.0
    updates = 0
    for sequence in sequences:
        tracker, smoother = Tracker(), Smoother()
        if sequence.size:
            tracker.resized(*sequence.size)
        shown: list[Labelled] = []
        late: list[tuple[Tracks, int]] = []
        for index in range(0, len(sequence.detections), stride):
            started = time.process_time()
            tracks = tracker.update(sequence.detections[index], index / sequence.fps)
            seconds += time.process_time() - started
            shown.append(_labelled(tracks))
            begun = [(seen, round(at * MEDIA_CLOCK)) for seen, at in tracker.begun]
            late += smoother.push(tracks, round(index / sequence.fps * MEDIA_CLOCK), begun)
        late += smoother.flush()
        updates += len(shown)
        results.append(shown)
        smoothed.append([_labelled(tracks) for tracks, _ in late])
    truth = [sequence.truth[::stride] for sequence in sequences]
    return {
        **score(truth, results),
        "hota_smoothed": score(truth, smoothed)["hota"],
        "us_per_update": 1e6 * seconds / max(updates, 1),
    }


def _labelled(tracks: Tracks) -> Labelled:
    return Labelled(tracks.ids.astype(np.int64), tracks.boxes.astype(np.float64))


def score(truth: Sequence[list[Labelled]], results: Sequence[list[Labelled]]) -> dict[str, float]:
    """Compare ``results`` with ``truth``, each a list of sequences of frames, by trackeval's own metrics.

    Returns ``hota``, ``assa``, ``idf1`` in % and ``id_switches``. HOTA: J. Luiten et al., "HOTA: A Higher Order
    Metric for Evaluating Multi-Object Tracking", IJCV 2020. Raises `InputError` where trackeval is not installed.
    """
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise InputError(
            "scoring a tracker needs trackeval, which is not installed; "
            "in a clone: .venv/bin/pip install -e '.[train]'"
        ) from error

    quiet = {"PRINT_CONFIG": False}
    hota, identity, clear = HOTA(), Identity(quiet), CLEAR(quiet)
    data = {str(i): _compared(t, r) for i, (t, r) in enumerate(zip(truth, results, strict=True))}
    by_hota, by_identity, by_clear = (
        metric.combine_sequences({name: metric.eval_sequence(one) for name, one in data.items()})
        for metric in (hota, identity, clear)
    )
    return {
        "hota": 100 * float(np.mean(by_hota["HOTA"])),
        "assa": 100 * float(np.mean(by_hota["AssA"])),
        "idf1": 100 * float(by_identity["IDF1"]),
        "id_switches": float(by_clear["IDSW"]),
    }


def _compared(truth: list[Labelled], result: list[Labelled]) -> dict[str, Any]:
    """One sequence as trackeval's metrics take it: ids from 0 without gaps, and the overlaps of every frame."""
    names: tuple[dict[int, int], dict[int, int]] = ({}, {})
    ids: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    for side, frames in enumerate((truth, result)):
        for frame in frames:
            dense = [names[side].setdefault(identity, len(names[side])) for identity in frame.ids.tolist()]
            ids[side].append(np.array(dense, np.int64))
    return {
        "num_timesteps": len(truth),
        "num_gt_ids": len(names[0]),
        "num_tracker_ids": len(names[1]),
        "num_gt_dets": sum(map(len, ids[0])),
        "num_tracker_dets": sum(map(len, ids[1])),
        "gt_ids": ids[0],
        "tracker_ids": ids[1],
        "similarity_scores": [_overlap(t.boxes, r.boxes) for t, r in zip(truth, result, strict=True)],
    }


def _overlap(a: Floats, b: Floats) -> Floats:
    """Intersection over union (A, B) of boxes given as left, top, right, bottom."""
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.maximum(sides, 0).prod(axis=2)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b))
    return shared / np.maximum(area_a[:, None] + area_b[None] - shared, 1e-9)


def read_sequences(data: Path, *, detections: bool = True) -> list[TrackingSequence]:
    """Read the MOTChallenge folders under ``data``, or ``data`` itself where it is one.

    With ``detections`` False no det/det.txt is asked for and every frame's detections are empty.
    Raises `InputError`, naming file and line, on what is missing or malformed.
    """
    if not data.is_dir():
        raise InputError(f"{data}: no such folder; give a folder of MOTChallenge sequences")
    if (data / "seqinfo.ini").is_file():
        return [_read_sequence(data, detections)]
    folders = sorted(entry for entry in data.iterdir() if (entry / "seqinfo.ini").is_file())
    if not folders:
        raise InputError(
            f"{data}: no folder with a seqinfo.ini in it; expected MOTChallenge sequences (det/, gt/, seqinfo.ini)"
        )
    return [_read_sequence(folder, detections) for folder in folders]


def _read_sequence(folder: Path, detections: bool) -> TrackingSequence:
    fps, length, size = _read_info(folder / "seqinfo.ini")
    truth = _read_rows(folder / "gt" / "gt.txt", length, "the truth")
    scored = (truth[:, 6] != 0) & np.isin(truth[:, 7], (PERSON, -1))
    truth = truth[scored]
    _refuse_doubles(folder / "gt" / "gt.txt", truth)
    found = _read_rows(folder / "det" / "det.txt", length, "detections") if detections else truth[:0]
    return TrackingSequence(
        folder.name,
        fps,
        size,
        [
            Detections(
                _corners(rows).astype(np.float32),
                np.where(rows[:, 6] < 0, 1.0, np.minimum(rows[:, 6], 1.0)).astype(np.float32),
                np.zeros(len(rows), np.int16),
                LABELS,
            )
            for rows in _by_frame(found, length)
        ],
        [Labelled(rows[:, 1].astype(np.int64), _corners(rows)) for rows in _by_frame(truth, length)],
    )


def _read_info(path: Path) -> tuple[float, int, tuple[int, int] | None]:
    """Frame rate, number of frames, and the picture's width and height in px where they are told."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        fps, length = parser.getfloat("Sequence", "frameRate"), parser.getint("Sequence", "seqLength")
        width, height = (parser.getint("Sequence", side, fallback=0) for side in ("imWidth", "imHeight"))
    except (configparser.Error, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: {reason}; [Sequence] needs frameRate and seqLength, and may have imWidth and imHeight, "
            "as numbers"
        ) from error
    if not isfinite(fps) or fps <= 0 or length < 1:
        raise InputError(f"{path}: frameRate {fps} and seqLength {length} must be above 0")
    return fps, length, (width, height) if min(width, height) > 0 else None


def _read_rows(path: Path, length: int, what: str) -> Floats:
    """Rows (N, 8): frame, id, left, top, width, height, confidence, class; the last two default to 1 and -1."""
    if not path.is_file():
        raise InputError(f"{path}: missing; it should hold {what} in MOTChallenge form")
    rows: list[list[float]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file; it should hold {what} in MOTChallenge form") from error
    for number, line in zip(count(1), lines, strict=False):
        if not line.strip():
            continue
        try:
            row = [float(part) for part in line.split(",")]
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}; expected frame,id,x,y,w,h,conf,…") from error
        if len(row) < 6 or not all(map(isfinite, row)):
            raise InputError(f"{path}, line {number}: expected six finite numbers or more: frame,id,x,y,w,h,…")
        if not 1 <= row[0] <= length or row[0] % 1:
            raise InputError(f"{path}, line {number}: frame {row[0]:g} is not one of 1 to {length} (seqinfo.ini)")
        if row[4] <= 0 or row[5] <= 0:
            raise InputError(f"{path}, line {number}: width and height must be above 0")
        rows.append([*row[:8], *(1.0, -1.0)[len(row) - 6 :]] if len(row) < 8 else row[:8])
    return np.array(rows).reshape(-1, 8)


def _refuse_doubles(path: Path, rows: Floats) -> None:
    """trackeval takes one box of an id in a frame."""
    pairs, counts = np.unique(rows[:, :2], axis=0, return_counts=True)
    if (counts > 1).any():
        frame, identity = pairs[counts > 1][0]
        raise InputError(f"{path}: id {identity:g} has more than one box in frame {frame:g}; keep one")


def _by_frame(rows: Floats, length: int) -> list[Floats]:
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return np.split(rows, np.searchsorted(rows[:, 0], np.arange(2, length + 1)))


def _corners(rows: Floats) -> Floats:
    return np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
