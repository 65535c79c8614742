"""The whole road: an int8 .tflite file → a folder of plain C that computes the same bits.

read → passes → arrange (for each kind of core) → emit
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from touchline.tiny import csources
from touchline.tiny.arrange import Arrangement, arrange
from touchline.tiny.banding import band
from touchline.tiny.ccode import Flavour
from touchline.tiny.emit import functions, identifier, model_header, model_source
from touchline.tiny.graph import Graph
from touchline.tiny.import_tflite import read_tflite
from touchline.tiny.passes import run_passes


@dataclass(frozen=True, slots=True)
class Compiled:
    """``graph`` as the file has it; ``arranged`` as it runs. ``files``: what was written."""

    name: str
    graph: Graph
    arranged: dict[Flavour, Arrangement]
    folder: Path
    files: tuple[str, ...]


def compile_tflite(path: Path, folder: Path) -> Compiled:
    """Write ``folder`` (made if missing) for the model in ``path``.

    Raises `ModelError`, in one line, where the model cannot be taken.
    """
    return write(read_tflite(path), folder)


def write(graph: Graph, folder: Path) -> Compiled:
    ready = band(run_passes(graph))
    arranged: dict[Flavour, Arrangement] = {flavour: arrange(ready, flavour) for flavour in _flavours()}
    name = identifier(graph.name)
    called = {function for arrangement in arranged.values() for function in functions(arrangement)}
    kernels = csources.needed(called)
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.c"), *folder.glob("*.h")]:  # of an earlier compilation
        old.unlink()
    for file in kernels:
        shutil.copyfile(csources.CSRC / file, folder / file)
    (folder / "model.h").write_text(model_header(name, arranged), "utf-8")
    (folder / "model.c").write_text(model_source(name, arranged), "utf-8")
    return Compiled(name, graph, arranged, folder, ("model.c", "model.h", *kernels))


def _flavours() -> tuple[Flavour, ...]:
    found: list[Flavour] = ["portable", "dsp"]
    if csources.exists("tl_conv_s8_mve"):
        found.append("mve")
    return tuple(found)
