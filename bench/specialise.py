"""What a detector gains at a venue it never saw, from videos of it and a bigger detector, and what it forgets.

    .venv/bin/python -m bench.specialise --video clip.mp4 --peers peers/ --out run/ [--budget 24] [--steps 120]
        [--recipe recipes/athlete.toml] [--football football/ --only 2e57b9 40cd38 55c9d1]

``--video``: a clip, or a folder of clips. ``--peers``: yolox_nano.onnx, the teacher, and nanodet_m_416.onnx. The
truth of the last quarter's frames, of which the training saw none, is not the teacher's alone: people on whom both
agree; whom one of them sees, or both doubt, counts neither way. ``--football``: labelled pictures of the student's
own kind, to show what it forgot; ``--only``: beginnings of names of those that no training saw. Accuracy is COCO's
average precision at IoU 0.5, times are process times on one thread. Prints a table and a JSON line.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from touchline.model.data.borrow import relabel
from touchline.model.data.pictures import Picture, read_folder
from touchline.model.data.survey import NOBODY
from touchline.model.difference import without_doubt
from touchline.model.evaluate_detector import rate, score
from touchline.model.specialise import TEACHER_SCORE, specialise
from touchline.model.specialise_recipe import Effort
from touchline.types import Detections
from touchline.vision.detect import Detector, load_detector

LEAST = {"score": 0.02, "ball_score": 0.02}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", type=Path)
    parser.add_argument("--football", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--student", default="athlete")
    parser.add_argument("--budget", type=int, default=24)
    parser.add_argument("--steps", type=int, default=120)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    teacher = given.out / "yolox_nano.onnx"
    shutil.copyfile(given.peers / teacher.name, teacher)
    teacher.with_suffix(".toml").write_text('decode = "yolox"\n', "utf-8")
    effort = Effort(budget=given.budget, steps=given.steps)
    done = specialise(
        str(teacher),
        given.video,
        given.student,
        given.out / "run",
        effort=effort,
        recipe=given.recipe,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    truth = _agreed(
        given.out / "run" / "held",
        [
            load_detector(teacher, options={"score": TEACHER_SCORE}),
            load_detector(given.peers / "nanodet_m_416.onnx", options={"decode": "nanodet", "score": 0.2}),
        ],
    )
    football = list(read_folder(given.football, only=given.only)) if given.football else []
    detectors = {
        "before": load_detector(given.student, options=LEAST),
        "after": load_detector(done.artifact, options=LEAST),
        "teacher, whole picture": load_detector(teacher, options=LEAST),
    }
    people = sum(len(picture.boxes) for picture in truth)
    print(f"{done.learnt_from} frames learnt from, {len(truth)} held with {people} boxes, doubtful ones included")
    print(f"{'detector':24}{'people AP50':>12}{'ms':>8}   football: {'people':>8}{'ball':>8}{'roles':>8}")
    table: dict[str, dict[str, float]] = {}
    for name, detector in detectors.items():
        found = _venue(detector, truth)
        # A detector of people in general has no business on the student's own ground.
        found |= {f"football_{k}": v for k, v in score(detector.detect, football).items()} if football else {}
        table[name] = {key: round(value, 4) for key, value in found.items() if value == value}
        row = [found.get(f"football_{key}", float("nan")) for key in ("people_ap50", "ball_ap50", "roles_map50")]
        print(
            f"{name:24}{found['people_ap50']:12.3f}{found['ms_per_frame']:8.1f}{'':13}"
            + "".join(f"{value:8.3f}" for value in row)
        )
    gate = {check.what: check.found for check in done.decision.checks}
    print(f"gate: {'passed' if done.decision.passed else 'REFUSED'}")
    for what, found_ in gate.items():
        print(f"  {what}: {found_}")
    print(json.dumps({"bench": "specialise", "passed": done.decision.passed, "detectors": table, "gate": gate}))


def _agreed(folder: Path, teachers: Sequence[Detector]) -> list[Picture]:
    bare = [replace(picture, boxes=NOBODY[0], kinds=NOBODY[1]) for picture in read_folder(folder)]
    labelled = relabel(bare, folder, teachers)
    return [
        replace(picture, boxes=boxes.astype(np.float32), kinds=kinds)
        for picture, (_, _, boxes, kinds) in zip(bare, labelled, strict=True)
    ]


def _venue(detector: Detector, truth: Sequence[Picture]) -> dict[str, float]:
    seen: list[Detections] = []

    def keep(frame: object) -> Detections:
        seen.append(detector.detect(frame))  # type: ignore[arg-type]
        return seen[-1]

    spent = score(keep, truth)["ms_per_frame"]
    return {"people_ap50": rate(without_doubt(seen[1:], truth), truth)["people_ap50"], "ms_per_frame": spent}


if __name__ == "__main__":
    sys.exit(main())
