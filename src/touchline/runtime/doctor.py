"""Which runtimes and accelerators this box has: a small model is run on each, in a process of its own."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from touchline.runtime.devices import ACCELERATORS, CPU
from touchline.types.finding import Finding

_FAMILY = "runtimes"
_PROBE_S = 120
"""A GPU's first start compiles its kernels."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What to try: a probe file's suffix on a device. ``lacks``: why there is no point, if there is none."""

    name: str
    suffix: str
    device: str
    remedy: str
    needed: bool = False
    lacks: str = ""


def probe_runtimes() -> list[Finding]:
    """Each runtime on each device it can reach here, in the order in which `touchline.load` prefers them."""
    candidates = [*_accelerators(), *_runtimes()]
    # One by one on the same accelerator they would be at peace; on a CPU two at a time only wait for imports.
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(try_out, candidates))


def try_out(candidate: Candidate) -> Finding:
    """Run the probe's model; whatever becomes of that process, there is one line."""
    if candidate.lacks:
        return Finding(_FAMILY, candidate.name, False, candidate.lacks, candidate.remedy, candidate.needed)
    command = [sys.executable, "-m", "touchline.runtime.probe", candidate.suffix, candidate.device]
    said: dict[str, object] | None = None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_S, check=False)
    except subprocess.TimeoutExpired:
        said = {"error": f"hangs: no answer in {_PROBE_S} s"}
    else:
        if done.returncode == 0:
            with contextlib.suppress(ValueError, IndexError):
                said = json.loads(done.stdout.strip().splitlines()[-1])
        if said is None:
            last = (done.stderr.strip().splitlines() or ["says nothing"])[-1]
            said = {"error": f"its process ended with status {done.returncode} ({last[:150]})"}
    if "ms" in said:
        found = f"ran a small model in {said['ms']} ms"
        return Finding(_FAMILY, candidate.name, True, found, needed=candidate.needed)
    return Finding(_FAMILY, candidate.name, False, str(said["error"]), candidate.remedy, candidate.needed)


def _accelerators() -> list[Candidate]:
    """Those that this build of ONNX Runtime reaches, and those whose hardware is here without it."""
    present = _providers()
    found: list[Candidate] = []
    for device, accelerator in ACCELERATORS.items():
        name = f"ONNX Runtime on {device} ({accelerator.what})"
        if accelerator.provider in present:
            found.append(Candidate(name, "onnx", device, "install or update the device's driver"))
        elif accelerator.node and accelerator.by_itself and Path(accelerator.node).exists():
            remedy = f".venv/bin/pip uninstall onnxruntime; .venv/bin/pip install {accelerator.package}"
            found.append(Candidate(name, "onnx", device, remedy, lacks="this build of ONNX Runtime cannot use it"))
    return found


def _runtimes() -> list[Candidate]:
    found = [
        # Its package has other names for other builds: the version is then not told.
        Candidate(
            f"ONNX Runtime {_version('onnxruntime') or ''} on cpu".replace("  ", " "),
            "onnx",
            CPU,
            ".venv/bin/pip install --force-reinstall onnxruntime",
            needed=True,
        )
    ]
    for name, package, extra, suffix, devices in (
        ("OpenVINO", "openvino", "openvino", "onnx", _openvino_devices()),
        ("LiteRT", "ai-edge-litert", "litert", "tflite", [CPU]),
        ("ExecuTorch", "executorch", "phone", "pte", [CPU]),
    ):
        version = _version(package)
        remedy = f"in a clone: .venv/bin/pip install -e '.[{extra}]'"
        if version is None:
            found.append(Candidate(name, suffix, CPU, remedy, lacks="is not installed"))
            continue
        found += [Candidate(f"{name} {version} on {device}", suffix, device, remedy) for device in devices]
    return found


def _providers() -> list[str]:
    """What ONNX Runtime was built with; nothing where it cannot even be imported, which its probe will tell."""
    try:
        import onnxruntime
    except (ImportError, OSError):
        return []
    return onnxruntime.get_available_providers()


def _openvino_devices() -> list[str]:
    """The GPU where there is one to see; OpenVINO itself is asked in the probe's process."""
    extra = [("openvino:gpu", "/dev/dri/renderD128"), ("openvino:npu", "/dev/accel/accel0")]
    return ["openvino", *(device for device, node in extra if Path(node).exists())]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
