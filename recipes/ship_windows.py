"""Put a run for sound or motion into the package, proved on recordings that are ours to hand on.

Example: python recipes/ship_windows.py runs/sound --into src/touchline/models/sound --proof whistle/*.wav

A run's own artifact is proved on windows of its data, of which some is not ours. ``--proof``: made recordings,
one window of each. ``--facts``: what its manifest says beside what the run's says, as JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch

from touchline.model.data.fronts import front_of, real, windows
from touchline.model.tasks.choose import load_run
from touchline.runtime import golden, manifest
from touchline.runtime.golden import Sample
from touchline.runtime.verify import verify


def main() -> None:
    """Copy, prove, describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--proof", type=Path, nargs="+", required=True)
    parser.add_argument("--facts", type=Path)
    given = parser.parse_args()
    made = manifest.read(given.run / "artifact")
    said = {key: value for key, value in made.manifest.items() if key not in ("files", "verified", "content")}
    said |= json.loads(given.facts.read_text()) if given.facts else {}
    task, net = load_run(given.run / "checkpoint.pt")
    front = front_of(said["features"], str(given.run))
    samples: list[Sample] = []
    for path in given.proof:
        seen = windows(front.read(path), front.length, front.hop)
        array = real(seen[len(seen) // 2], front.zero_point)[None, None].copy()
        with torch.no_grad():
            answer = task.deployed(net).eval()(torch.from_numpy(array))
        samples.append(Sample((array,), (answer.numpy(),)))
    given.into.mkdir(parents=True, exist_ok=True)
    shutil.copy(made.file, given.into / made.file.name)
    golden.write(given.into / golden.FILE, samples)
    files = [made.file.name, golden.FILE]
    said["proof"] = "made recordings"
    manifest.write(given.into, said, files)
    said["verified"] = verify(given.into).require().as_dict()
    manifest.write(given.into, said, files)


if __name__ == "__main__":
    main()
