"""The kernels' C files: which ones a set of functions needs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from touchline.types.errors import ModelError

CSRC = Path(__file__).parent / "csrc"
HEADER = "touchline_kernels.h"
_DEFINITION = re.compile(r"^(?:void|int32_t|int8_t|int|const \w+ \*)\s*\**(tl_\w+)\(", re.M)
_NAME = re.compile(r"\btl_\w+")
_INCLUDE = re.compile(r'^#include "(\w+\.h)"', re.M)


@cache
def _definitions() -> dict[str, str]:
    """Function → the .c file that defines it."""
    found: dict[str, str] = {}
    for file in sorted(CSRC.glob("*.c")):
        for name in _DEFINITION.findall(file.read_text("utf-8")):
            found[name] = file.name
    return found


def exists(function: str) -> bool:
    return function in _definitions()


def needed(functions: set[str]) -> list[str]:
    """The .c and .h files that ``functions`` need, by name, sorted.

    Raises `ModelError` where there is no such kernel.
    """
    where = _definitions()
    missing = sorted(functions - where.keys())
    if missing:
        raise ModelError(f"no kernel {', '.join(missing)}; leave the operators that need it out of the model")
    files = {HEADER}
    waiting = {where[name] for name in functions} | {HEADER}
    while waiting:
        name = waiting.pop()
        files.add(name)
        text = (CSRC / name).read_text("utf-8")
        waiting |= set(_INCLUDE.findall(text)) - files
        if name != HEADER:  # which declares every kernel
            waiting |= {where[used] for used in _NAME.findall(text) if used in where} - files
    return sorted(files)
