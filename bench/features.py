"""What comes before a model on a microcontroller: RAM, flash and instructions a hop; a table and a JSON line.

    .venv/bin/python -m bench.features

Each row is compiled, given a second of sound or motion on QEMU's Cortex-M4 and Cortex-M55 boards, and compared
with numpy bit for bit. Instructions are counted as in bench/tiny.py: by SysTick under ``-icount shift=0``, over
all hops with the loop around them. RAM is the state to be kept; scratch may lie in the model's arena between runs.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.tiny.features.adapter import run_c
from touchline.tiny import toolchain
from touchline.tiny.features import ImuWindow, LogMel, Mfcc

FEATURES: dict[str, LogMel | Mfcc | ImuWindow] = {
    "log-mel, 40 bands, 30/20 ms": LogMel(),
    "log-mel, 64 bands, 25/10 ms": LogMel(window=400, hop=160, fft=1024, bands=64),
    "10 MFCC of 40, 40/20 ms": Mfcc(LogMel(window=640, hop=320, fft=1024)),
    "log-mel, a second kept": LogMel(frames=49),
    "motion, 6 axes, 100 by 50": ImuWindow(),
    "the same without gravity": ImuWindow(gravity_shift=6),
}

_PROBE = '#include "part.h"\nconst char state[sizeof(part_state)] = {1};\n'


def sizes(features: LogMel | Mfcc | ImuWindow) -> dict[str, int]:
    """Bytes: of the state, of scratch, and of constants and code on Cortex-M4."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "part"
        features.write_c(folder, "part")
        calls = ("part_push",) if isinstance(features, ImuWindow) else ("part_push", "part_input")
        kept = [f"-Wl,-u,{name}" for name in calls]
        image = toolchain.link(
            folder, Path(scratch), toolchain.CORES["cortex-m4"], (), ("-nostartfiles", "-Wl,-e,part_push", *kept)
        )
        flash = sum(
            size
            for section, size in toolchain.section_sizes(image).items()
            if section.startswith((".text", ".rodata", ".data", ".ARM"))
        )
        work = re.search(r"_WORK (\d+)", (folder / "part.h").read_text())
        (folder / "probe.c").write_text(_PROBE)
        image = toolchain.link(
            folder, Path(scratch), toolchain.CORES["cortex-m4"], (), ("-nostartfiles", "-Wl,-e,state")
        )
        state = toolchain.section_sizes(image)[".rodata"]
    return {"state_bytes": state, "scratch_bytes": 4 * int(work[1]) if work else 0, "flash_bytes": flash}


def measure(name: str, features: LogMel | Mfcc | ImuWindow) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {"features": name, **sizes(features), "instructions": {}, "same_bits": True}
    if isinstance(features, ImuWindow):
        samples = rng.integers(-8000, 8000, (200, features.axes)).astype(np.int16)
        hops, expected = len(samples), features.compute(samples)
    else:
        hop = (features if isinstance(features, LogMel) else features.mel).hop
        samples = rng.integers(-8000, 8000, 16_000).astype(np.int16)
        hops, expected = len(samples) // hop, features.inputs(samples)
    for core in toolchain.CORES:
        with tempfile.TemporaryDirectory() as scratch:
            made, instructions = run_c(features, samples, Path(scratch), f"qemu:{core}")  # type: ignore[arg-type]
        found["same_bits"] &= bool(np.array_equal(made, expected))
        found["instructions"][core] = round((instructions or 0) / hops)
    return found


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    print(f"{'features':30}{'RAM':>7}{'scratch':>9}{'flash':>8}{'M4 a hop':>10}{'M55 a hop':>11}  same bits")
    rows: list[dict[str, Any]] = []
    for name, features in FEATURES.items():
        row = measure(name, features)
        rows.append(row)
        m4, m55 = (row["instructions"][core] for core in toolchain.CORES)
        size = f"{row['state_bytes']:7,}{row['scratch_bytes']:9,}{row['flash_bytes']:8,}"
        print(f"{name:30}{size}{m4:10,}{m55:11,}  {row['same_bits']}")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
