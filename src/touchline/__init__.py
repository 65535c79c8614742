"""Touchline: the model next to the camera.

``touchline.compile`` takes a PyTorch module to an artifact (needs the `train` extra), ``touchline.load`` runs one
on a device. Both are imported when they are first used: a device has no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from touchline.version import __version__ as __version__

if TYPE_CHECKING:
    from touchline.model.build import compile as compile
    from touchline.runtime.program import load as load

__all__ = ["__version__", "compile", "load"]


def __getattr__(name: str) -> Any:
    match name:
        case "compile":
            from touchline.model.build import compile

            return compile
        case "load":
            from touchline.runtime.program import load

            return load
        case _:
            raise AttributeError(f"module 'touchline' has no attribute {name!r}")
