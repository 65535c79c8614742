"""Runs C kernels: built for the desk with sanitizers, and for Cortex-M4 and M55 under QEMU.

`runner.c` says what a message is.
"""

from __future__ import annotations

import functools
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
CSRC = HERE.parents[2] / "src" / "touchline" / "tiny" / "csrc"
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{CSRC}"]
CORES = {"m4": ("cortex-m4", "mps2-an386"), "m55": ("cortex-m55", "mps3-an547")}


@dataclass(frozen=True)
class Call:
    """One kernel call. blobs: what comes before the input (weights, records, second input)."""

    op: int
    numbers: Sequence[int]
    blobs: Sequence[NDArray[np.generic]]
    source: NDArray[np.int8]
    out_size: int
    start: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    distance: int = -1
    scratch: int = 0

    def message(self) -> bytes:
        blobs = [blob.tobytes() for blob in (*self.blobs, self.source, self.start)]
        head = [self.op, self.out_size, self.distance, self.scratch, len(self.numbers)]
        parts = [struct.pack(f"<{len(head)}i", *head), struct.pack(f"<{len(self.numbers)}i", *self.numbers)]
        parts.append(struct.pack("<i", len(blobs)))
        parts += [struct.pack("<i", len(blob)) + blob + bytes(-len(blob) % 4) for blob in blobs]
        return b"".join(parts)


def _answer(stream: BinaryIO, call: Call) -> NDArray[np.int8]:
    head = stream.read(4)
    assert len(head) == 4, f"the runner ended at operator {call.op}, numbers {list(call.numbers)}"
    (size,) = struct.unpack("<i", head)
    data = stream.read(size + -size % 4)
    (fine,) = struct.unpack("<i", stream.read(4))
    assert fine, f"operator {call.op}, numbers {list(call.numbers)}: wrote outside of its buffers"
    return np.frombuffer(data[:size], np.int8)


_FOLDER = tempfile.TemporaryDirectory(prefix="touchline-kernels-")


def _folder() -> Path:
    return Path(_FOLDER.name)


@functools.cache
def _desk() -> subprocess.Popen[bytes]:
    program = _folder() / "desk"
    command = ["gcc", *WARNINGS, "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run(
        [*command, "-o", program, HERE / "runner.c", *sorted(CSRC.glob("*.c"))], check=True, timeout=120
    )
    return subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def run_here(call: Call) -> NDArray[np.int8]:
    """On this machine, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    process = _desk()
    stdin, stdout = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
    try:
        stdin.write(call.message())
        stdin.flush()
        return _answer(stdout, call)
    except (BrokenPipeError, AssertionError):
        _desk.cache_clear()  # the next example starts afresh
        process.kill()
        process.wait(10)
        raise


@functools.cache
def build_for(core: str, *flags: str) -> Path:
    """The runner for a core of CORES."""
    program = _folder() / f"{core}.elf"
    command = [
        "arm-none-eabi-gcc",
        *WARNINGS,
        f"-mcpu={CORES[core][0]}",
        "-mthumb",
        "-mfloat-abi=softfp",
        "-O2",
        *flags,
    ]
    command += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "--specs=rdimon.specs", "-Wl,-T"]
    sources = [HERE / "board.ld", HERE / "board.c", HERE / "runner.c", *sorted(CSRC.glob("*.c"))]
    subprocess.run([*command, *sources, "-o", program], check=True, timeout=300)
    return program


def run_on(core: str, calls: Sequence[Call], *options: str) -> list[NDArray[np.int8]]:
    """All calls in one run of QEMU's model of the core, in order."""
    program = build_for(core)
    source, made = _folder() / f"{core}.in", _folder() / f"{core}.out"
    source.write_bytes(b"".join(call.message() for call in calls))
    names = f"arg=runner,arg={source},arg={made}"
    machine = ["qemu-system-arm", "-M", CORES[core][1], "-display", "none", "-monitor", "none", "-serial", "none"]
    machine += ["-semihosting-config", f"enable=on,target=native,{names}", "-kernel", str(program), *options]
    subprocess.run(machine, check=True, timeout=500, stdin=subprocess.DEVNULL)
    with made.open("rb") as stream:
        return [_answer(stream, call) for call in calls]
