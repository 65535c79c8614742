"""What the generated C is made of: constants, one structure a layer, and calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from touchline.tiny.arrays import Array

Flavour = Literal["portable", "dsp", "mve"]
"""Which kernels: plain C99, Cortex-M4/M7 (SMLAD), Cortex-M55 (Helium)."""


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An array in flash. ``learned``: weights, biases and scales, which no compiler can do without."""

    values: Array
    learned: bool = True

    @property
    def bytes(self) -> int:
        return self.values.nbytes


@dataclass(frozen=True, slots=True)
class Function:
    """A kernel's name, as a structure's field."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """A constant structure of ``type``; its fields by name."""

    type: str
    fields: dict[str, Value]


@dataclass(frozen=True, slots=True)
class At:
    """The address of tensor ``key``, ``offset`` bytes on; ``step`` bytes more for each repetition."""

    key: int
    offset: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ConstantAt:
    """The address of a constant, moved on like `At`."""

    constant: Constant
    offset: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class Scratch:
    """The address of the step's scratch, ``offset`` bytes on."""

    offset: int = 0


Value = int | tuple[int, ...] | Constant | Function | Struct | None
Argument = Struct | Constant | At | ConstantAt | Scratch | int


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    function: str
    arguments: tuple[Argument, ...]
    repeat: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one operator became. ``scratch`` in bytes; ``macs``: multiplications of weights and inputs."""

    place: str
    calls: tuple[Call, ...]
    scratch: int = 0
    macs: int = 0
    outputs: int = 0
