"""What one may ask of compiling, and its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast, get_args

from touchline.types.errors import ConfigError

Target = Literal["server", "edge", "phone"]
TARGETS: tuple[Target, ...] = get_args(Target)
Quantise = Literal["none", "int8", "mixed"]
"""``mixed``: int8 but for the layers that would lose too much."""

TOLERANCE: Mapping[str, float] = {"none": 1e-3, "int8": 0.1, "mixed": 0.1}
"""Greatest ‖y − r‖ / ‖r‖ of an output that passes, unless the caller says otherwise."""

GOLDEN = 8
GOLDEN_BYTES = 32_000_000
"""Most inputs that prove an artifact, and most bytes of them and their answers."""


def known_target(target: str) -> Target:
    """Itself. Raises `ConfigError`."""
    if target not in TARGETS:
        raise ConfigError(f"target is {target!r}; choose {', '.join(TARGETS)}")
    return target


def known_quantise(quantise: str) -> Quantise:
    """Itself. Raises `ConfigError`."""
    if quantise not in TOLERANCE:
        raise ConfigError(f"quantise is {quantise!r}; choose none, int8 or mixed")
    return cast(Quantise, quantise)
