"""What arrays of this package are called."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
"""As files and callers have them."""
Ints = NDArray[np.int64]
"""What integer arithmetic is carried in."""
AnyInts = NDArray[np.integer[Any]]
"""Integers of any width."""
