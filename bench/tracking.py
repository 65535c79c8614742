"""Our tracker beside those of `trackers`, on true boxes made worse: HOTA, identities and time per update.

    .venv/bin/python -m bench.tracking DIR [--part held-out|tuned|all] [--boxes usual|bad] [--seed 0]
                                       [--only NAME …]

DIR holds MOTChallenge sequences with gt/gt.txt, such as SportsMOT's. The boxes are made here from the truth, the
same for all: some missed, more of those that another hides, all of them noisy, and false ones. Every tracker gets
every 1st, 2nd and 5th frame and is scored on those frames by trackeval, all sequences together. Times are the
processor's, trackers in turn in one run.

Our tracker's few numbers were chosen on five matches of SportsMOT's training part; ``held-out`` leaves them out.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import from_setup
from touchline.model.evaluate_tracker import Labelled, TrackingSequence, read_sequences, score
from touchline.types import Detections
from touchline.vision.track import Tracker

TUNED_ON = ("4LXTUim5anY", "iIxMOsCGH58", "gQNyhv8y0QY", "dChHNGIfm4Y", "CW0mQbgYIF4")
"""Of each sport's matches, shuffled by numpy's default_rng(0), those that fit into a third of its sequences."""

STRIDES = (1, 2, 5)
PICTURE = (1280, 720)
Floats = NDArray[np.float64]
Step = Callable[[Floats, float], tuple[NDArray[Any], NDArray[Any]]]


def boxes_made_worse(truth: list[Labelled], rng: np.random.Generator, kind: str) -> list[Floats]:
    """What a detector might have seen: (N, 4), left, top, right, bottom, frame by frame."""
    missed, noise, false = {"usual": (0.08, 0.03, 0.02), "bad": (0.2, 0.06, 0.08)}[kind]
    everyone = np.concatenate([frame.boxes for frame in truth])
    frames: list[Floats] = []
    for frame in truth:
        boxes = frame.boxes
        n = len(boxes)
        seen = (rng.random(n) >= missed) & ~(hidden(boxes) & (rng.random(n) < 0.5))
        sides = boxes[:, 2:] - boxes[:, :2]
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + rng.normal(size=(n, 2)) * noise * sides
        half = sides * np.exp(rng.normal(size=(n, 2)) * noise) / 2
        found = np.concatenate([centre - half, centre + half], axis=1)[seen]
        wrong = everyone[rng.integers(len(everyone), size=rng.binomial(max(n, 1), false))]
        corner = rng.random((len(wrong), 2)) * (PICTURE - (wrong[:, 2:] - wrong[:, :2]))
        wrong = np.concatenate([corner, corner + wrong[:, 2:] - wrong[:, :2]], axis=1)
        frames.append(rng.permutation(np.concatenate([found, wrong])))
    return frames


def hidden(boxes: Floats) -> NDArray[np.bool_]:
    """Who is more than half covered by someone that stands lower in the picture, so nearer."""
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    shared = np.maximum(sides, 0).prod(axis=2) * (boxes[None, :, 3] > boxes[:, None, 3])
    return shared.max(axis=1, initial=0) > 0.5 * (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)


def ours(_rate: float) -> Step:
    tracker = Tracker()
    tracker.resized(*PICTURE)

    def step(boxes: Floats, at: float) -> tuple[NDArray[Any], NDArray[Any]]:
        n = len(boxes)
        found = Detections(boxes.astype(np.float32), np.ones(n, np.float32), np.zeros(n, np.int16), ("player",))
        tracks = tracker.update(found, at)
        return tracks.ids, tracks.boxes

    return step


def theirs(make: Callable[[float], Any], *, timed: bool, coast_s: float = 0.0) -> Callable[[float], Step]:
    """A tracker of `trackers`. ``timed``: it is told the time, else it steps once a call at the rate it was made
    for. ``coast_s``: its lost tracks are shown that long where its own filter expects them, as ours are."""
    import supervision as sv

    def start(rate: float) -> Step:
        tracker = make(rate)

        def step(boxes: Floats, at: float) -> tuple[NDArray[Any], NDArray[Any]]:
            n = len(boxes)
            found = sv.Detections(
                boxes.astype(np.float32), confidence=np.ones(n, np.float32), class_id=np.zeros(n, int)
            )
            out = tracker.update(found, timestamp=at) if timed else tracker.update(found)
            named = out.tracker_id >= 0
            ids, shown = out.tracker_id[named], out.xyxy[named]
            lost = [
                track
                for track in (tracker.tracks if coast_s else ())
                if track.tracker_id >= 0 and 0 < track.time_since_update <= math.ceil(coast_s * rate)
            ]
            if lost:
                ids = np.concatenate([ids, [track.tracker_id for track in lost]])
                shown = np.concatenate([shown, [track.get_state_bbox() for track in lost]])
            return ids, shown

        return step

    return start


def rivals() -> dict[str, Callable[[float], Step]]:
    """Each at the best configuration found on the sequences that ours was tuned on, ByteTrack also as it comes."""
    with from_setup():
        from trackers import BoTSORTTracker, ByteTrackTracker, CBIoUTracker, OCSORTTracker

    return {
        "ByteTrack": theirs(lambda rate: ByteTrackTracker(frame_rate=rate), timed=True),
        "ByteTrack, tuned": theirs(
            lambda rate: ByteTrackTracker(frame_rate=rate, lost_track_buffer=60, minimum_iou_threshold=0.02),
            timed=True,
            coast_s=0.2,
        ),
        "OC-SORT": theirs(
            lambda rate: OCSORTTracker(
                frame_rate=rate,
                lost_track_buffer=60,
                minimum_iou_threshold=0.05,
                minimum_consecutive_frames=1,
            ),
            timed=True,
        ),
        "C-BIoU": theirs(
            lambda rate: CBIoUTracker(
                frame_rate=rate,
                lost_track_buffer=60,
                minimum_iou_threshold_first_assoc=0.05,
                buffer_ratio_first=0.6,
            ),
            timed=True,
        ),
        "BoT-SORT": theirs(
            lambda rate: BoTSORTTracker(
                frame_rate=rate,
                lost_track_buffer=60,
                minimum_iou_threshold_first_assoc=0.05,
                enable_cmc=False,
            ),
            timed=True,
        ),
    }


def measure(
    start: Callable[[float], Step], sequences: list[TrackingSequence], boxes: list[list[Floats]], stride: int
) -> dict[str, float]:
    results: list[list[Labelled]] = []
    seconds, updates = 0.0, 0
    for sequence, found in zip(sequences, boxes, strict=True):
        step = start(sequence.fps / stride)
        shown: list[Labelled] = []
        for index in range(0, len(found), stride):
            started = time.process_time()
            ids, where = step(found[index], index / sequence.fps)
            seconds += time.process_time() - started
            shown.append(Labelled(ids.astype(np.int64), where.astype(np.float64).reshape(-1, 4)))
        updates += len(shown)
        results.append(shown)
    return {
        **score([one.truth[::stride] for one in sequences], results),
        "us_per_update": 1e6 * seconds / updates,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", choices=("held-out", "tuned", "all"), default="held-out")
    parser.add_argument("--boxes", choices=("usual", "bad"), default="usual")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names; default: all")
    chosen = parser.parse_args()
    sequences = [
        one
        for one in read_sequences(chosen.data, detections=False)
        if chosen.part == "all" or any(match in one.name for match in TUNED_ON) == (chosen.part == "tuned")
    ]
    boxes = [
        boxes_made_worse(one.truth, np.random.default_rng([chosen.seed, *one.name.encode()]), chosen.boxes)
        for one in sequences
    ]
    table: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{len(sequences)} sequences, {chosen.part}, {chosen.boxes} boxes, seed {chosen.seed}")
    print(f"{'':18}" + "".join(f"| every {n:<2} HOTA  AssA  IDF1   IDs    µs " for n in STRIDES))
    for name, start in {"Touchline": ours, **rivals()}.items():
        if chosen.only and not any(part.lower() in name.lower() for part in chosen.only):
            continue
        table[name] = {str(n): measure(start, sequences, boxes, n) for n in STRIDES}
        cells = (
            "|"
            + " " * 9
            + "{hota:5.1f} {assa:5.1f} {idf1:5.1f} {id_switches:5.0f} {us_per_update:5.0f} ".format(**found)
            for found in table[name].values()
        )
        print(f"{name:18}" + "".join(cells), flush=True)
    print(
        json.dumps({"bench": "tracking", **vars(chosen), "data": chosen.data.name, "results": table}, default=str)
    )


if __name__ == "__main__":
    main()
