"""The athlete detector beside packaged ones, on the same pictures in the same run.

    .venv/bin/python -m bench.detector --data football/ --peers peers/ [--only PREFIX …] [--width 960]

``--data``: images/, labels/, classes.txt. ``--peers``: yolox_nano.onnx, nanodet_m_416.onnx. ``--only``: pictures
whose names begin so, such as the grounds held back from training. Accuracy is COCO's average precision at IoU 0.5;
times are process times on one thread, every detector taking each picture in turn, so that what else the machine
does falls on all alike. Prints a table and a JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from touchline.model.data.pictures import read_folder
from touchline.model.evaluate_detector import score
from touchline.types import Detections, Frame
from touchline.vision.detect import Detector, load_detector

LEAST = {"score": 0.02, "ball_score": 0.02}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--model", default="athlete")
    parser.add_argument("--width", type=int)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = list(read_folder(given.data, only=given.only))
    detectors: dict[str, Detector] = {
        "athlete": load_detector(given.model, width=given.width, options=LEAST),
        "yolox-nano 416": load_detector(given.peers / "yolox_nano.onnx", options={"decode": "yolox", **LEAST}),
        "nanodet-m 416": load_detector(given.peers / "nanodet_m_416.onnx", options={"decode": "nanodet", **LEAST}),
    }
    spent: dict[str, list[float]] = {name: [] for name in detectors}
    seen: dict[str, list[Detections]] = {name: [] for name in detectors}
    for picture in [pictures[0], *pictures]:
        for name, detector in detectors.items():
            began = time.process_time()
            seen[name].append(detector.detect(picture.frame))
            spent[name].append((time.process_time() - began) * 1e3)
    least = float(np.median(spent["yolox-nano 416"][1:]))
    table: dict[str, dict[str, float]] = {}
    print(f"{len(pictures)} pictures of {given.data.name}, athlete at {detectors['athlete'].width} px")
    print(f"{'detector':16}{'people AP50':>12}{'ball AP50':>11}{'roles mAP50':>13}{'ms':>8}{'× YOLOX':>9}")
    for name in detectors:
        result = score(_replay(seen[name]), pictures)
        result["ms_per_frame"] = float(np.median(spent[name][1:]))
        result["over_yolox"] = result["ms_per_frame"] / least
        table[name] = {key: round(value, 4) for key, value in result.items()}
        row = [result[key] for key in ("people_ap50", "ball_ap50", "roles_map50", "ms_per_frame", "over_yolox")]
        print(f"{name:16}{row[0]:12.3f}{row[1]:11.3f}{row[2]:13.3f}{row[3]:8.1f}{row[4]:9.2f}")
    print(json.dumps({"bench": "detector", "width": detectors["athlete"].width, "detectors": table}))


def _replay(seen: list[Detections]) -> Callable[[Frame], Detections]:
    """What a detector found already, in order (`score` asks for the first picture twice)."""
    left = iter(seen)
    return lambda _frame: next(left)


if __name__ == "__main__":
    sys.exit(main())
