"""What every back end gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, its shape (None where any size goes) and dtype.

    A quantised integer port stands for real = (value - ``zero_point``) · ``scale``; ``scale`` is 0.0 where
    the values stand for themselves.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]
    scale: float = 0.0
    zero_point: int = 0


class Model(Protocol):
    """A network on this device. Not safe to run from two threads at once."""

    @property
    def device(self) -> str:
        """What it runs on, of `DEVICES`."""
        ...

    @property
    def inputs(self) -> tuple[Port, ...]:
        """In the order `run` takes them."""
        ...

    @property
    def outputs(self) -> tuple[Port, ...]:
        """In the order `run` gives them."""
        ...

    def run(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per input → one per output. The arrays given back are the caller's.

        Raises `ModelError` where an array does not fit its port.
        """
        ...
