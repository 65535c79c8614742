"""Features as a "model" that the harness of compiled models can run: all hops in, all rows or windows out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.tiny import toolchain
from touchline.tiny.features import ImuWindow, LogMel, Mfcc

_HEADER = """#include <stdint.h>
#include "part.h"
#define PART_INPUT_OFFSET 0
#define PART_INPUT_BYTES {input}
#define PART_OUTPUT_OFFSET {at}
#define PART_OUTPUT_BYTES {output}
#define PART_ARENA_BYTES {arena}
void part_run(int8_t *arena);
"""

_SOUND = """#include "model.h"
void part_run(int8_t *arena)
{{
    static part_state state;
    static int32_t work[PART_WORK];
    int8_t *out = arena + PART_OUTPUT_OFFSET;
    for (int32_t i = 0; i < PART_WORK; i++) work[i] = INT32_MIN + i;
    for (int32_t at = 0; at < {pushes}; at++) {{
        const int16_t *hop = (const int16_t *)(const void *)arena + at * PART_HOP;
        if (part_push(&state, hop, work) && part_input(&state, out))
            out += PART_FRAMES * PART_VALUES;
    }}
}}
"""

_MOTION = """#include "model.h"
void part_run(int8_t *arena)
{{
    static part_state state;
    int8_t *out = arena + PART_OUTPUT_OFFSET;
    for (int32_t at = 0; at < {pushes}; at++) {{
        if (part_push(&state, (const int16_t *)(const void *)arena + at * PART_AXES, out))
            out += PART_LENGTH * PART_AXES;
    }}
}}
"""


def run_c(
    features: LogMel | Mfcc | ImuWindow,
    samples: NDArray[np.int16],
    folder: Path,
    target: toolchain.Target,
    flags: tuple[str, ...] = (),
) -> tuple[NDArray[np.int8], int | None]:
    """What the C gives for ``samples``, pushed hop by hop, and the instructions of all of it."""
    if isinstance(features, ImuWindow):
        pushes, expected, text = len(samples), features.compute(samples), _MOTION
    else:
        hop = features.hop if isinstance(features, LogMel) else features.mel.hop
        pushes, expected, text = len(samples) // hop, features.inputs(samples), _SOUND
    features.write_c(folder, "part")
    size = (samples.nbytes + 15) // 8 * 8
    header = _HEADER.format(input=samples.nbytes, at=size, output=expected.size, arena=size + expected.size)
    (folder / "model.h").write_text(header)
    (folder / "run.c").write_text(text.format(pushes=pushes))
    ports = toolchain.Ports("part", (samples.nbytes,), (expected.size,))
    # The boards' own harness is not pedantic.
    strict = ("-Wshadow", "-Wpedantic") if target == "host" else ("-Wshadow",)
    run = toolchain.run(folder, ports, samples.tobytes(), target, extra=(*strict, *flags))
    return np.frombuffer(run.output, np.int8).reshape(expected.shape), run.instructions
