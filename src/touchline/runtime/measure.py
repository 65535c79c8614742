"""How fast and how heavy artifacts are on this device, side by side."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.runtime import golden, manifest
from touchline.runtime.devices import AUTO
from touchline.runtime.program import Program, load
from touchline.runtime.tensors import Port
from touchline.types.errors import ModelError

ROUNDS = 60
LEAST_S = 0.002
"""Fast models are run several times a turn, so that a turn lasts at least so long."""
_COLD_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one run, by the wall clock."""

    threads: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """An artifact on this machine. ``cold_start_ms``: from a new process's loaded interpreter to its first answer,
    imports included. ``peak_memory_mb``: of that process, its greatest resident size. ``size_bytes``: of the file
    that is run."""

    name: str
    device: str
    latency: tuple[Latency, ...]
    cold_start_ms: float
    peak_memory_mb: float
    size_bytes: int
    machine: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON and the manifest."""
        return asdict(self)


def measure(
    folders: Sequence[Path],
    *,
    threads: Sequence[int] | None = None,
    rounds: int = ROUNDS,
    devices: Sequence[str] = (AUTO,),
) -> list[Measurement]:
    """Each artifact's latency by number of ``threads`` (by default one, and all cores), cold start, memory, size,
    on each of ``devices``.

    The contestants take turns, in an order that turns about, so that what else the machine does hits all alike.
    They run on their golden inputs, or on zeros without any. Raises `ModelError` where one cannot be run.
    """
    counts = list(threads) if threads else sorted({1, os.cpu_count() or 1})
    contestants = [(folder, device) for folder in folders for device in devices]
    latency: list[list[Latency]] = [[] for _ in contestants]  # by place: one artifact may stand against itself
    chosen = ["" for _ in contestants]
    for count in counts:
        programs = [load(folder, threads=count, device=device) for folder, device in contestants]
        calls = [_call(program, folder) for program, (folder, _) in zip(programs, contestants, strict=True)]
        turns = take_turns(calls, rounds)
        chosen = [program.device for program in programs]
        for mine, spent in zip(latency, turns, strict=True):
            p50, p95 = np.percentile(spent, [50, 95]) * 1e3
            mine.append(Latency(count, round(float(p50), 4), round(float(p95), 4)))
    found: list[Measurement] = []
    for (folder, device), ran_on, mine in zip(contestants, chosen, latency, strict=True):
        cold = _cold(folder, device)
        size = manifest.read(folder).file.stat().st_size if folder.is_dir() else folder.stat().st_size
        found.append(
            Measurement(
                str(folder), ran_on, tuple(mine), cold["cold_start_ms"], cold["peak_memory_mb"], size, machine()
            )
        )
    return found


def take_turns(calls: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds per call, ``rounds`` for each, interleaved; the first call of each is left out."""
    repeats: list[int] = []
    for call in calls:
        call()
        began = time.perf_counter()
        call()
        repeats.append(max(1, round(LEAST_S / max(time.perf_counter() - began, 1e-7))))
    spent: list[list[float]] = [[] for _ in calls]
    order = list(range(len(calls)))
    for turn in range(rounds):
        for index in order if turn % 2 else reversed(order):
            call, times = calls[index], repeats[index]
            began = time.perf_counter()
            for _ in range(times):
                call()
            spent[index].append((time.perf_counter() - began) / times)
    return spent


def machine() -> str:
    """What this machine is, for a manifest: processor, its cores, system."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass  # not Linux: the platform's own word will do
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def example_inputs(program: Program, folder: Path) -> tuple[NDArray[Any], ...]:
    """The artifact's first golden inputs, else zeros of its shapes. Raises `ModelError` where a size is free."""
    if golden.FILE in program.manifest.get("files", {}):
        return golden.read(folder / golden.FILE)[0].inputs
    return tuple(_zeros(port, folder) for port in program.inputs)


def _zeros(port: Port, folder: Path) -> NDArray[Any]:
    if None in port.shape:
        raise ModelError(
            f"{folder}: input {port.name} takes any size and there is no golden input to measure with"
        )
    return np.zeros([size or 1 for size in port.shape], port.dtype)


def _call(program: Program, folder: Path) -> Callable[[], object]:
    inputs = example_inputs(program, folder)
    return lambda: program.outputs_of(*inputs)


def _cold(folder: Path, device: str) -> dict[str, float]:
    """Cold start and memory, in a process of its own."""
    command = [sys.executable, "-m", "touchline.runtime.cold", str(folder.resolve()), device]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COLD_TIMEOUT_S, check=True)
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{folder}: gave no first answer in {_COLD_TIMEOUT_S} s; the device is too slow for it"
        ) from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1]
        raise ModelError(f"{folder}: cannot be started on its own ({last})") from error
    return json.loads(done.stdout.strip().splitlines()[-1])
