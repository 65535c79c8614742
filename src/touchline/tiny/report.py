"""report.json: what a compiled model costs, measured where the tools are there, else estimated and said so."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchline.tiny import toolchain
from touchline.tiny.arrange import Arrangement
from touchline.tiny.ccode import Flavour
from touchline.tiny.emit import constants

FLAVOUR_OF: dict[str, Flavour] = {"cortex-m4": "dsp", "cortex-m55": "mve"}
CYCLES_PER_INSTRUCTION = (1.0, 1.7)
NANOJOULE_PER_CYCLE = (0.58, 0.65)
ENERGY_SOURCE = (
    "Cortex-M4 instructions at 1.0 to 1.7 cycles each (loads take two, flash may wait), 0.58 to 0.65 nJ a cycle: "
    "the energy MLPerf Tiny v1.1 publishes for X-CUBE-AI on an STM32L4R5 at 120 MHz (KWS 5,482 µJ at 13.76 "
    "inferences/s, IC 17,315 at 4.505, VWW 16,573 at 4.522, AD 529 at 131.95) over the cycles that took"
)
_ESTIMATE = {"cortex-m4": (0.95, 14.0), "cortex-m55": (0.22, 8.0)}
"""Instructions a multiplication and an output, fitted to the MLPerf Tiny models; right within some 30 %."""
_CODE_BYTES_A_KERNEL = 700
"""A kernel and its structures at -O2 for Cortex-M4, about."""


@dataclass(frozen=True, slots=True)
class Measured:
    """``instructions`` by core, of those that ran. ``code_bytes``: None without the cross compiler."""

    instructions: dict[str, int]
    code_bytes: int | None


def learned_bytes(arrangement: Arrangement) -> int:
    """Weights, biases and scales in flash, as packed for the core; an array that two layers share counts once."""
    unique = {(str(c.values.dtype), c.values.tobytes()) for c in constants(arrangement) if c.learned}
    return sum(len(content) for _, content in unique)


def code_bytes(folder: Path, name: str, arrangement: Arrangement) -> int | None:
    """Flash of model and kernels on Cortex-M4 but for `learned_bytes`; None without the cross compiler."""
    if not toolchain.have("arm-none-eabi-gcc", "arm-none-eabi-size"):
        return None
    with tempfile.TemporaryDirectory(prefix="touchline-") as work:
        entry = ("-nostartfiles", f"-Wl,-e,{name}_run")
        image = toolchain.link(folder, Path(work), toolchain.CORES["cortex-m4"], (), entry)
        sizes = toolchain.section_sizes(image)
    flash = sum(
        size for section, size in sizes.items() if section.startswith((".text", ".rodata", ".data", ".ARM"))
    )
    return flash - learned_bytes(arrangement)


def report(name: str, arranged: dict[Flavour, Arrangement], measured: Measured) -> dict[str, Any]:
    """What is written to report.json; sizes are those of the Cortex-M4 build unless told by core."""
    main = arranged["dsp"]
    macs = sum(step.macs for step in main.steps)
    outputs = sum(step.outputs for step in main.steps)
    instructions = {
        core: measured.instructions.get(core, round(a_mac * macs + an_output * outputs))
        for core, (a_mac, an_output) in _ESTIMATE.items()
        if FLAVOUR_OF[core] in arranged
    }
    kernels = {call.function for step in main.steps for call in step.calls}
    code = measured.code_bytes
    on_m4 = instructions["cortex-m4"]
    energy = [
        round(on_m4 * cycles * nanojoule / 1000, 1)
        for cycles, nanojoule in zip(CYCLES_PER_INSTRUCTION, NANOJOULE_PER_CYCLE, strict=True)
    ]
    return {
        "name": name,
        "ram_bytes": main.bytes,
        "ram_bytes_by_core": {
            core: arranged[flavour].bytes
            for core, flavour in {**FLAVOUR_OF, "any": "portable"}.items()
            if flavour in arranged
        },
        "ram_bound_bytes": main.bound,
        "ram_proved_least": main.optimal,
        "weight_bytes": learned_bytes(main),
        "code_bytes": code if code is not None else _CODE_BYTES_A_KERNEL * len(kernels),
        "macs": macs,
        "instructions": instructions,
        "energy_uj": energy,
        "sources": {
            "ram_bytes": "the arena of model.h: activations, input, output and scratch; the stack is not in it",
            "code_bytes": "linked by arm-none-eabi-gcc -O2 for Cortex-M4, flash without weights"
            if code is not None
            else "estimated: arm-none-eabi-gcc was not there",
            "instructions": {
                core: "counted by QEMU" if core in measured.instructions else "estimated, right within some 30 %"
                for core in instructions
            },
            "energy_uj": ENERGY_SOURCE,
        },
        "steps": [
            {
                "place": step.place,
                "kernels": [call.function for call in step.calls],
                "macs": step.macs,
                "scratch_bytes": step.scratch,
            }
            for step in main.steps
        ],
    }
