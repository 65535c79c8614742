"""Generated C → a program, and the program run: here, or on a Cortex-M board that QEMU plays.

Compilers and QEMU are the system's; each is looked for where it is needed, and named where it is missing.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from touchline.types.errors import ConfigError, ModelError

Target = Literal["host", "qemu:cortex-m4", "qemu:cortex-m55"]
TARGETS: tuple[Target, ...] = ("host", "qemu:cortex-m4", "qemu:cortex-m55")
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Werror")
SANITISERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
_BOARD = Path(__file__).parent / "board"
COMPILE_S, _RUN_S = 120, 120


@dataclass(frozen=True, slots=True)
class Core:
    """``clock_hz``: SysTick's on QEMU's board. ``uart``: where its first UART lies."""

    name: str
    board: str
    flags: tuple[str, ...]
    clock_hz: int
    uart: int


CORES: dict[str, Core] = {
    "cortex-m4": Core(
        "cortex-m4", "mps2-an386", ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft"), 25_000_000, 0x4000_4000
    ),
    "cortex-m55": Core(
        "cortex-m55", "mps3-an547", ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"), 32_000_000, 0x5930_3000
    ),
}


@dataclass(frozen=True, slots=True)
class Ports:
    """What the harness has to know: the model's C name and its ports' sizes."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """``instructions``: None on the host; else exact to a tick of SysTick (40, or 31)."""

    output: bytes
    instructions: int | None


def tool(name: str, package: str) -> str:
    """Its path. Raises `ConfigError` where it is missing."""
    found = shutil.which(name)
    if found is None:
        raise ConfigError(f"{name}: is not installed; install {package} (apt-get install {package})")
    return found


def have(*names: str) -> bool:
    return all(shutil.which(name) for name in names)


def sources(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.c"))


def run(folder: Path, ports: Ports, data: bytes, target: Target, *, extra: Sequence[str] = ()) -> Run:
    """``data``: all inputs, one after another. ``extra``: more flags for the compiler.

    Raises `ConfigError` where a tool is missing, `ModelError` where the C does not compile or run.
    """
    with tempfile.TemporaryDirectory(prefix="touchline-") as scratch:
        work = Path(scratch)
        (work / "input.bin").write_bytes(data)
        (work / "run.h").write_text(_run_header(ports), "utf-8")
        folder = folder.resolve()  # compilers run in the scratch folder
        if target == "host":
            return _run_here(folder, work, extra)
        return _run_on_board(folder, work, CORES[target.removeprefix("qemu:")], extra)


def _run_here(folder: Path, work: Path, extra: Sequence[str]) -> Run:
    program = work / "model"
    compiler = tool("cc", "gcc")
    files = [str(folder / name) for name in sources(folder)]
    command = [compiler, *WARNINGS, "-O2", f"-I{work}", f"-I{folder}", *extra, "-o", str(program)]
    checked([*command, str(_BOARD / "host.c"), *files], work, COMPILE_S, folder)
    checked([str(program)], work, _RUN_S, folder)
    return Run((work / "output.bin").read_bytes(), None)


def _run_on_board(folder: Path, work: Path, core: Core, extra: Sequence[str]) -> Run:
    image = _linked_for_board(folder, work, core, extra)
    checked(qemu(core, image), work, _RUN_S, folder)
    ticks = int.from_bytes((work / "ticks.bin").read_bytes(), "little")
    return Run((work / "output.bin").read_bytes(), round(ticks * 1_000_000_000 / core.clock_hz))


def harness(folder: Path, work: Path, ports: Ports, core: Core) -> Path:
    """The .elf that `run` runs on ``core``, in ``work``."""
    (work / "run.h").write_text(_run_header(ports), "utf-8")
    return _linked_for_board(folder.resolve(), work, core, ())


def _linked_for_board(folder: Path, work: Path, core: Core, extra: Sequence[str]) -> Path:
    return link(folder, work, core, [str(_BOARD / "harness.c")], ("-nostartfiles", f"-T{core.board}.ld"), extra)


def qemu(core: Core, image: Path) -> list[str]:
    """QEMU's command line: one instruction takes 1 ns of the board's time."""
    emulator = tool("qemu-system-arm", "qemu-system-arm")
    command = [emulator, "-M", core.board, "-nodefaults", "-display", "none", "-icount", "shift=0"]
    return [*command, "-kernel", str(image), "-semihosting-config", "enable=on,target=native"]


def link(
    folder: Path, work: Path, core: Core, files: Sequence[str], how: Sequence[str], extra: Sequence[str] = ()
) -> Path:
    """The model, its kernels and ``files`` as one .elf in ``work``, without what is not called."""
    image, folder = work / "model.elf", folder.resolve()
    compiler = tool("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
    command = [compiler, *WARNINGS, *core.flags, "-O2", "-ffunction-sections", "-fdata-sections", f"-I{work}"]
    command += [f"-I{folder}", f"-L{_BOARD}", "-Wl,--gc-sections", "-specs=nano.specs", *how, *extra]
    command += ["-o", str(image), *files, *(str(folder / name) for name in sources(folder))]
    checked(command, work, COMPILE_S, folder)
    return image


def section_sizes(image: Path) -> dict[str, int]:
    """Bytes of each section of an .elf."""
    text = checked(["arm-none-eabi-size", "-A", "-d", str(image)], image.parent, _RUN_S, image)
    rows = [line.split() for line in text.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdigit()}


def _run_header(ports: Ports) -> str:
    """What the harness has to know of a model, in names that no model is likely to have."""
    upper = ports.name.upper()
    lines = [
        '#include "model.h"',
        "typedef struct {\n    uint32_t offset, bytes;\n} touchline_harness_port;",
        f"#define TOUCHLINE_HARNESS_ARENA_BYTES {upper}_ARENA_BYTES",
        f"#define touchline_harness_run {ports.name}_run",
    ]
    for kind, sizes in (("INPUT", ports.inputs), ("OUTPUT", ports.outputs)):
        names = [f"{upper}_{kind}" if len(sizes) == 1 else f"{upper}_{kind}_{i}" for i in range(len(sizes))]
        rows = ", ".join(f"{{{name}_OFFSET, {name}_BYTES}}" for name in names)
        lines += [
            f"#define TOUCHLINE_HARNESS_{kind}S {len(sizes)}u",
            f"#define TOUCHLINE_HARNESS_{kind}S_BYTES {sum(sizes)}",
            f"static const touchline_harness_port touchline_harness_{kind.lower()}s[] = {{{rows}}};",
        ]
    return "\n".join([*lines, ""])


def checked(command: list[str], work: Path, seconds: int, folder: Path, *, stdin: IO[bytes] | None = None) -> str:
    """What ``command`` says on stdout, run in ``work``.

    Raises `ModelError`, about ``folder``, where it fails or takes more than ``seconds``.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, cwd=work, stdin=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{folder}: {name} took more than {seconds} s; report this") from error
    if done.returncode != 0:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        first = next((line for line in said if "error" in line.lower()), said[0] if said else "no message")
        raise ModelError(f"{folder}: {name} failed with {done.returncode} ({first.strip()}); report this")
    return done.stdout
