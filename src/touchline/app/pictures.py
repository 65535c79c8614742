"""Pictures and calibration folders on the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.app.arrays import load_arrays
from touchline.types import ConfigError

_PICTURES = (".png", ".jpg", ".jpeg")


def is_picture(file: Path) -> bool:
    """By its name."""
    return file.suffix.lower() in _PICTURES


def load_picture(file: Path) -> NDArray[np.uint8]:
    """uint8 (H, W, 3), RGB. Raises `ConfigError` where it cannot be read."""
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR) if file.is_file() else None
    if picture is None:
        raise ConfigError(f"{file}: cannot be read as a picture; give a .png or .jpg")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def read_preprocess(file: Path) -> dict[str, Any]:
    """Keys of `Preprocess` from a TOML file. Raises `ConfigError` where it cannot be read."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f'{file}: cannot be read as TOML ({error}); e.g. colour = "rgb"') from error


def calibration_inputs(folder: Path) -> Iterator[Any]:
    """Inputs in the order of their names: of a .npy or .npz its arrays, of a picture the picture, and of both
    under one name a `Pair`. Raises `ConfigError` where there are none."""
    from touchline.model.samples import Pair

    files = sorted(folder.iterdir()) if folder.is_dir() else []
    arrays = {file.stem: file for file in files if file.suffix in (".npy", ".npz")}
    pictures = {file.stem: file for file in files if is_picture(file)}
    if not arrays and not pictures:
        raise ConfigError(f"{folder}: holds no .npy, .npz or pictures; save real inputs there with numpy.save")
    for stem in sorted(arrays | pictures):
        if stem not in pictures:
            yield tuple(load_arrays(arrays[stem]))
        elif stem in arrays:
            yield Pair(load_picture(pictures[stem]), load_arrays(arrays[stem])[0])
        else:
            yield load_picture(pictures[stem])
