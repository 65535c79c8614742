"""How well the shipped motion node tells motions apart that nobody made for it; a table and a JSON line.

    .venv/bin/python -m bench.motion

BasicMotions: four students with a smart watch, at 10 Hz, gravity taken out by the watch (m/s², rad/s): standing,
walking, running, badminton, 20 recordings of 10 s each. It comes in PyPI's aeon (BSD-3-Clause), which pip fetches
here; nothing of it is kept, nothing was trained on it. Nobody jumps in it. Its first half (TRAIN) was looked at
while the synthesis was made, and it was corrected once after both halves had been scored. Windows are those that
the device looks at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.model.data.fronts import MotionFront, front_of, real, windows
from touchline.model.tasks.windows_metric import f1, macro_f1
from touchline.runtime import manifest, shelf
from touchline.runtime.load import load

PACKAGE = "aeon==1.6.0"
MEANT = {"Standing": "still", "Walking": "walk", "Running": "run", "Badminton": "swing"}
RATE = 10.0


def fetched(part: str, wheels: Path) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Class and recording, (n, 6) in g and °/s, of half ``part``."""
    if not any(wheels.glob("aeon-*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(wheels), PACKAGE]
        subprocess.run(command, check=True, timeout=600)
    (wheel,) = wheels.glob("aeon-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"aeon/datasets/data/BasicMotions/BasicMotions_{part}.ts").decode()
    for line in text.partition("@data\n")[2].splitlines():
        *channels, label = line.strip().split(":")
        values = np.array([[float(value) for value in channel.split(",")] for channel in channels]).T
        yield MEANT[label], np.concatenate([values[:, :3] / 9.81, np.degrees(values[:, 3:])], 1)


def registers(recording: NDArray[np.float64], front: MotionFront) -> NDArray[np.int16]:
    """As a sensor at the front's rate would have it: int16 (n, 6)."""
    spec = front.spec
    times = np.arange(len(recording)) / RATE
    ticks = np.arange(int(times[-1] * spec.rate + 1e-6) + 1) / spec.rate
    resampled = np.stack([np.interp(ticks, times, column) for column in recording.T], 1)
    units = np.array([spec.accel_lsb] * 3 + [spec.gyro_lsb] * 3)
    return np.clip(np.round(resampled / units), -32768, 32767).astype(np.int16)


def measure(folder: Path, part: str, wheels: Path) -> dict[str, Any]:
    artifact = manifest.read(folder)
    classes: list[str] = artifact.manifest["labels"]
    front = front_of(artifact.manifest["features"], str(folder))
    assert isinstance(front, MotionFront)
    program = load(artifact.file)
    found = np.zeros((len(classes), len(classes)), np.int64)
    for label, recording in fetched(part, wheels):
        seen = real(windows(front.rows(registers(recording, front)), front.length, front.hop), front.zero_point)
        for window in seen:
            found[classes.index(label), int(program.run(window[None, None])[0].argmax())] += 1
    each = {name: round(float(value), 3) for name, value in zip(classes, f1(found), strict=True) if value == value}
    right = round(float(found.trace() / found.sum()), 3)
    return {
        "part": part,
        "windows": int(found.sum()),
        "accuracy": right,
        "macro_f1": round(macro_f1(found), 3),
        "f1": each,
        "confusion": found.tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="motion", help="a name, or a folder")
    parser.add_argument("--parts", nargs="+", default=["TRAIN", "TEST"])
    parser.add_argument("--wheels", type=Path, help="where to keep the package; by default nowhere")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        wheels = given.wheels or Path(scratch)
        rows = [measure(shelf.find(given.model), part, wheels) for part in given.parts]
    classes = manifest.read(shelf.find(given.model)).manifest["labels"]
    for row in rows:
        print(
            f"{row['part']}: {row['windows']} windows, {row['accuracy']:.3f} right, macro F1 {row['macro_f1']:.3f}"
        )
        print(f"{'':8}" + "".join(f"{name:>8}" for name in (*classes, "F1")))
        for name, line in zip(classes, row["confusion"], strict=True):
            score = f"{row['f1'][name]:8.3f}" if name in row["f1"] else f"{'–':>8}"
            print(f"{name:8}" + "".join(f"{count:8}" for count in line) + score)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
