"""Does a runtime work here? ``python -m touchline.runtime.probe SUFFIX DEVICE`` runs a small model; prints JSON.

A process of its own, since a broken driver does not raise: it hangs, or takes the process with it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from touchline.types.errors import TouchlineError

FOLDER = Path(__file__).parent / "probe_models"
SHAPE = (1, 1, 16, 16)
WEIGHTS = np.array([[1, 2, 0], [0, -1, 3], [-2, 1, 0.5]], np.float32)
"""Of the convolution in every probe_models/probe.*, which recipes/probe_models.py writes."""

_RUNS = 10
_ALLOWED = 2e-2
"""‖y − r‖ / ‖r‖: an accelerator may compute in 16 bits."""


def picture() -> np.ndarray:
    """What the model is given."""
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def answer(x: np.ndarray) -> np.ndarray:
    """What it must say: cross-correlation with `WEIGHTS`, zeros around, rectified."""
    rows, columns = SHAPE[2:]
    padded = np.pad(x[0, 0], 1)
    summed = sum(
        WEIGHTS[row, column] * padded[row : row + rows, column : column + columns]
        for row in range(3)
        for column in range(3)
    )
    return np.maximum(summed, 0)[None, None]


def main() -> None:
    """Run it; the last line says how it went: ``ms`` of the median run, or ``error``."""
    from touchline.runtime.devices import ACCELERATORS
    from touchline.runtime.load import load
    from touchline.runtime.onnx import OnnxModel

    suffix, device = sys.argv[1:]
    file = FOLDER / f"probe.{suffix}"
    x = picture()
    try:
        model = OnnxModel(file, 1, device, alone=True) if device in ACCELERATORS else load(file, device=device)
        spent: list[float] = []
        (y,) = model.run(x)
        for _ in range(_RUNS):
            began = time.perf_counter()
            model.run(x)
            spent.append(time.perf_counter() - began)
    except TouchlineError as error:
        print(json.dumps({"error": str(error).removeprefix(f"{file}: ")}))
        return
    true = answer(x)
    off = float(np.linalg.norm(y - true) / np.linalg.norm(true)) if y.shape == true.shape else float("inf")
    if off <= _ALLOWED:
        print(json.dumps({"ms": round(float(np.median(spent)) * 1e3, 3)}))
    else:
        print(json.dumps({"error": f"computes something else: off by {off:.3g}, {_ALLOWED:g} is allowed"}))


if __name__ == "__main__":
    main()
