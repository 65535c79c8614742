"""Checks that the array containers share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import ShapeError


def require(owner: str, name: str, array: NDArray[Any], shape: tuple[int, ...], dtype: type) -> None:
    """Raise `ShapeError` unless ``array`` has exactly ``shape`` and ``dtype``."""
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise ShapeError(
            f"{owner}.{name} must be {np.dtype(dtype).name} {shape}, is {array.dtype.name} {array.shape}"
        )
