"""A node's firmware built and run: here, or on a Cortex-M board that QEMU plays; what RAM it takes."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.tiny import toolchain
from touchline.tiny.toolchain import SANITISERS, WARNINGS, Target

_RUN_S = 120
_FLASH = (".vectors", ".text", ".rodata", ".ARM.exidx")


@dataclass(frozen=True, slots=True)
class Heard:
    """``lines``: what the node sent, without their ends. ``ram_bytes``: all static memory and the stack that was
    used; ``flash_bytes``: code and constants; both with the port's own. ``late_ms``: how long chunks waited for a
    free buffer. Only boards tell the last three."""

    lines: list[bytes]
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    late_ms: int | None = None


def build(folder: Path, work: Path, target: Target) -> Path:
    """The program that the firmware in ``folder`` is on ``target``, in ``work``; here with sanitisers.

    Raises `ConfigError` where a tool is missing, `ModelError` where it does not compile.
    """
    if target == "host":
        return _build_here(folder.resolve(), work)
    core = toolchain.CORES[target.removeprefix("qemu:")]
    how = (
        "-nostartfiles",
        f"-T{core.board}.ld",
        f"-DPORT_UART={core.uart:#x}u",
        f"-DPORT_CLOCK_HZ={core.clock_hz}u",
    )
    return toolchain.link(folder, work, core, [str(folder.resolve() / "ports" / "qemu.c")], how)


def run(program: Path, samples: NDArray[np.int16], target: Target) -> Heard:
    """Start what `build` built for ``target`` and give it ``samples``, as fast as it goes. boot.bin beside it
    counts the starts.

    Raises `ConfigError` where QEMU is missing, `ModelError` where the program fails.
    """
    work = program.parent
    (work / "samples.bin").write_bytes(samples.tobytes())
    if target == "host":
        with (work / "samples.bin").open("rb") as stream:
            said = toolchain.checked([str(program)], work, _RUN_S, program, stdin=stream)
        return Heard(said.encode().splitlines())
    # Whenever the board sleeps, time jumps to its next interrupt.
    fast = ["-icount", "shift=0,sleep=off", "-serial", f"file:{work / 'said.txt'}"]
    toolchain.checked([*_machine(target, program), *fast], work, _RUN_S, program)
    stack, late_ms = np.fromfile(work / "ended.bin", "<u4").tolist()
    ram, flash = memory(program)
    return Heard((work / "said.txt").read_bytes().splitlines(), ram + stack, flash, late_ms)


def memory(program: Path) -> tuple[int, int]:
    """Bytes of RAM, without the stack, and of flash that a program built for a board takes, with its port."""
    sizes = toolchain.section_sizes(program)
    data = sizes.get(".data", 0)
    return data + sizes.get(".bss", 0), data + sum(n for name, n in sizes.items() if name.startswith(_FLASH))


def start_live(program: Path, samples: NDArray[np.int16], target: Target, line: int) -> subprocess.Popen[bytes]:
    """Start what `build` built for a board, in real time. It sends to the file descriptor ``line``, say a
    terminal's other end, and ends when ``samples`` do. The caller waits for it or ends it."""
    (program.parent / "samples.bin").write_bytes(samples.tobytes())
    command = [*_machine(target, program), "-serial", "stdio"]
    return subprocess.Popen(command, cwd=program.parent, stdin=subprocess.DEVNULL, stdout=line)


def _build_here(folder: Path, work: Path) -> Path:
    program = work / "node"
    command = [toolchain.tool("cc", "gcc"), *WARNINGS, "-Wpedantic", "-Wshadow", "-O1", *SANITISERS, f"-I{folder}"]
    files = [str(folder / name) for name in toolchain.sources(folder)]
    command += ["-o", str(program), *files, str(folder / "ports" / "host.c")]
    toolchain.checked(command, work, toolchain.COMPILE_S, folder)
    return program


def _machine(target: Target, program: Path) -> list[str]:
    core = toolchain.CORES[target.removeprefix("qemu:")]
    emulator = toolchain.tool("qemu-system-arm", "qemu-system-arm")
    command = [emulator, "-M", core.board, "-nodefaults", "-display", "none", "-kernel", str(program)]
    return [*command, "-semihosting-config", "enable=on,target=native"]
