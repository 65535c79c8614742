"""Features → NAME.h and NAME.c: constants and typed calls around the C that stands in ``csrc/``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from touchline.tiny.features.spectrum import offset_bits
from touchline.types.errors import ConfigError

if TYPE_CHECKING:
    from touchline.tiny.features.imu import ImuWindow
    from touchline.tiny.features.sound import LogMel, Mfcc

CSRC = Path(__file__).parent / "csrc"
_CTYPE = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "uint16": "uint16_t"}
_NUMBERS_A_LINE = 16


def write_sound(mel: LogMel, mfcc: Mfcc | None, folder: Path, name: str) -> list[str]:
    """`LogMel` or `Mfcc` as C; see there."""
    tables = mel.tables
    last = mfcc or mel
    arrays: dict[str, NDArray[np.generic]] = {
        "hann": tables.window,
        "reversed": tables.reversed,
        "twiddles": tables.twiddles,
        "starts": tables.bank.starts,
        "rising": tables.bank.rising,
        "log2_table": tables.log2,
    }
    if mfcc is not None:
        arrays["dct"] = mfcc.matrix
    numbers = {
        "window": mel.window,
        "hop": mel.hop,
        "frames": mel.frames,
        "size": mel.fft,
        "bands": mel.bands,
        "coefficients": mfcc.coefficients if mfcc else 0,
        "offset": offset_bits(mel.fft),
        "floor": mel.floor,
        "multiplier": last.factor,
        "zero_point": last.zero_point,
    }
    upper = name.upper()
    kind = f"{last.values} {'MFCC' if mfcc else 'log-mel energies'} a hop of {mel.hop} samples at {mel.rate} Hz"
    header = [
        f"/* Sound: {kind}, as int8. Written by Touchline.",
        " *",
        f" *     static {name}_state state;          zeroed: as if nothing had come",
        f" *     static int32_t work[{upper}_WORK];  may be the model's arena, between its runs",
        f" *     if ({name}_push(&state, hop, work) && {name}_input(&state, input)) run the model",
        " */",
        *_opened(name, "touchline_sound.h"),
        f"#define {upper}_HOP {mel.hop} /* samples */",
        f"#define {upper}_WORK {mel.fft} /* int32_t that may hold anything before and after */",
        f"#define {upper}_FRAMES {mel.frames}",
        f"#define {upper}_VALUES {last.values}",
        *_scale(upper, last.scale, last.zero_point),
        "",
        "typedef struct {",
        "    tl_sound_place place;",
        f"    int16_t history[{mel.window}];",
        f"    int8_t rows[{mel.frames * last.values}];",
        f"}} {name}_state;",
        "",
        f"/* {upper}_HOP samples more. 1 where a row was computed, 0 while the first window fills. */",
        f"int32_t {name}_push({name}_state *state, const int16_t *hop, int32_t *work);",
        "",
        f"/* The newest {upper}_FRAMES rows of {upper}_VALUES, oldest first; 0 while there are fewer. */",
        f"int32_t {name}_input(const {name}_state *state, int8_t *input);",
        "",
        "#endif",
    ]
    source = [
        f'#include "{name}.h"',
        "",
        *(line for key, array in arrays.items() for line in _array(key, array)),
        "",
        *_struct("tl_sound", numbers, [*arrays, *(["dct = 0"] if mfcc is None else [])]),
        "",
        f"int32_t {name}_push({name}_state *state, const int16_t *hop, int32_t *work)",
        "{",
        "    return tl_sound_push(&config, &state->place, state->history, state->rows, hop, work);",
        "}",
        "",
        f"int32_t {name}_input(const {name}_state *state, int8_t *input)",
        "{",
        "    return tl_sound_input(&config, &state->place, state->rows, input);",
        "}",
    ]
    return _written(folder, name, header, source, ("touchline_sound.h", "touchline_sound.c"))


def write_motion(imu: ImuWindow, folder: Path, name: str) -> list[str]:
    """`ImuWindow` as C; see there."""
    upper = name.upper()
    numbers = {
        "length": imu.length,
        "hop": imu.hop,
        "axes": imu.axes,
        "gravity_axes": imu.gravity_axes,
        "gravity_shift": imu.gravity_shift,
        "zero_point": imu.zero_point,
    }
    header = [
        f"/* Motion: windows of {imu.length} samples of {imu.axes} axes, one each {imu.hop}, as int8.",
        " * Written by Touchline.",
        " *",
        f" *     static {name}_state state;  zeroed: as if nothing had come",
        f" *     if ({name}_push(&state, sample, input)) run the model",
        " */",
        *_opened(name, "touchline_motion.h"),
        f"#define {upper}_AXES {imu.axes}",
        f"#define {upper}_LENGTH {imu.length}",
        f"#define {upper}_HOP {imu.hop}",
        *_scale(upper, imu.scale, imu.zero_point),
        "",
        "typedef struct {",
        "    tl_motion_place place;",
        f"    int32_t gravity[{max(1, imu.gravity_axes)}];",
        f"    int8_t rows[{imu.length * imu.axes}];",
        f"}} {name}_state;",
        "",
        f"/* One sample of {upper}_AXES axes more. 1 where a window is due: then it is in input,",
        f" * {upper}_LENGTH rows of {upper}_AXES, oldest first. */",
        f"int32_t {name}_push({name}_state *state, const int16_t *sample, int8_t *input);",
        "",
        "#endif",
    ]
    source = [
        f'#include "{name}.h"',
        "",
        *_array("multipliers", imu.factors.astype(np.int32)),
        "",
        *_struct("tl_motion", numbers, ["multipliers"]),
        "",
        f"int32_t {name}_push({name}_state *state, const int16_t *sample, int8_t *input)",
        "{",
        "    return tl_motion_push(&config, &state->place, state->gravity, state->rows, sample, input);",
        "}",
    ]
    return _written(folder, name, header, source, ("touchline_motion.h", "touchline_motion.c"))


def _opened(name: str, included: str) -> Iterator[str]:
    yield from (f"#ifndef {name.upper()}_H", f"#define {name.upper()}_H", "", f'#include "{included}"', "")


def _scale(upper: str, scale: float, zero_point: int) -> Iterator[str]:
    yield f"#define {upper}_SCALE {np.float32(scale)!s}f /* the model's input must have the same */"
    yield f"#define {upper}_ZERO_POINT ({zero_point})"


def _array(name: str, values: NDArray[np.generic]) -> Iterator[str]:
    numbers: list[int] = values.ravel().tolist()
    yield f"static const {_CTYPE[str(values.dtype)]} {name}[{len(numbers)}] = {{"
    for at in range(0, len(numbers), _NUMBERS_A_LINE):
        yield "    " + ", ".join(map(str, numbers[at : at + _NUMBERS_A_LINE])) + ","
    yield "};"


def _struct(kind: str, numbers: dict[str, int], arrays: Iterable[str]) -> Iterator[str]:
    yield f"static const {kind} config = {{"
    for key, number in numbers.items():
        yield f"    .{key} = {number},"
    for name in arrays:
        yield f"    .{name if '=' in name else f'{name} = {name}'},"
    yield "};"


def _written(folder: Path, name: str, header: list[str], source: list[str], shipped: tuple[str, ...]) -> list[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise ConfigError(f"{name!r}: is no name for C; use small letters, digits and _")
    if any(name == Path(file).stem for file in shipped):
        raise ConfigError(f"{name!r}: is the name of a file that comes with it; choose another")
    texts = {f"{name}.h": "\n".join([*header, ""]), f"{name}.c": "\n".join([*source, ""])}
    texts |= {file: (CSRC / file).read_text("utf-8") for file in shipped}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (folder / file).write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}); name another folder") from error
    return sorted(texts)
