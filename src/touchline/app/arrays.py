"""Arrays on the command line: .npy for one, .npz by name for several. Never unpickles."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from touchline.types import ConfigError


def load_arrays(file: Path, names: Sequence[str] | None = None) -> list[Any]:
    """The array of an .npy; of an .npz those of ``names``, or all in their order.

    Raises `ConfigError` where the file cannot be read or lacks one.
    """
    try:
        stored: Any = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return [stored]
        with stored:
            missing = [name for name in names or () if name not in stored.files]
            if missing:
                held = ", ".join(stored.files) or "nothing"
                raise ConfigError(
                    f"{file}: lacks {', '.join(missing)} and holds {held}; name arrays as the inputs are"
                )
            return [stored[name] for name in names or stored.files]
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file; save the input there with numpy.save") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{file}: cannot be read as .npy or .npz ({error}); write it with numpy.save") from error


def save_arrays(file: Path, arrays: Mapping[str, Any]) -> None:
    """One array as .npy, several by name as .npz. Raises `ConfigError` where they cannot be written."""
    try:
        with file.open("wb") as opened:
            if len(arrays) == 1:
                np.save(opened, next(iter(arrays.values())))
            else:
                np.savez(opened, **arrays)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror}); name another place") from error
