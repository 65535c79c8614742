"""The user's own step: ``--process FILE.py:FUNCTION``."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.types import ConfigError, Tracks


@dataclass(frozen=True, slots=True)
class Context:
    """What the user's function is told beside the picture.

    ``camera``: its id. ``time``: media time in seconds. ``tracks``: who was where when analysis last looked, in
    px of the picture.
    """

    camera: str
    time: float
    tracks: Tracks


class UserStep:
    """Calls the user's function; a fault of theirs costs neither the picture nor the stream."""

    def __init__(self, spec: str) -> None:
        """Load ``spec``. Raises `ConfigError` where it names no function of one or two parameters."""
        self._spec = spec
        self._function, self._takes_context = _load(spec)
        self.error: str | None = None

    def __call__(self, image: NDArray[np.uint8], context: Context) -> NDArray[np.uint8] | None:
        """``image``: uint8 (H, W, 3) RGB, the function's own to draw on → uint8 (h, w, 3) of any size.

        A function that returns None is taken to have drawn on what it was given. Where it raises, or returns
        what is no picture, that is printed once and said in ``error``, in one line, and the answer is None from
        then on: pass the camera's own picture.
        """
        if self.error is not None:
            return None
        try:
            made = self._function(image, context) if self._takes_context else self._function(image)
            return image if made is None else _checked(made)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's code may raise anything; it is reported
            first = next(iter(str(error).splitlines()), "")
            what = first if isinstance(error, _NoPictureError) else f"{type(error).__name__}: {first}"
            self.error = (
                f"--process {self._spec}: {what}; "
                "pictures pass untouched from here on, mend the function and start again"
            )
            lines = [] if isinstance(error, _NoPictureError) else _theirs(error)
            print("".join([*lines, f"{context.camera}: {self.error}"]), file=sys.stderr, flush=True)
            return None


class _NoPictureError(Exception):
    """The user's function returned something else."""


def _theirs(error: BaseException) -> list[str]:
    """The traceback's lines, from the user's function on."""
    begun = error.__traceback__
    return traceback.format_exception(type(error), error, begun.tb_next if begun else None)


def _checked(made: object) -> NDArray[np.uint8]:
    if not isinstance(made, np.ndarray):
        raise _NoPictureError(f"must return an array, returned {type(made).__name__}")
    if made.dtype != np.uint8 or made.ndim != 3 or made.shape[2] != 3 or min(made.shape[:2]) < 16:
        raise _NoPictureError(
            f"must return uint8 (height, width, 3), 16 px at least, returned {made.dtype} {made.shape}"
        )
    return np.ascontiguousarray(made)


def _load(spec: str) -> tuple[Callable[..., object], bool]:
    path_text, colon, name = spec.rpartition(":")
    path = Path(path_text)
    if not colon or not name or not path_text:
        raise ConfigError(f"--process {spec}: not of the form FILE.py:FUNCTION; e.g. my.py:process_frame")
    if not path.is_file():
        raise ConfigError(f"--process {spec}: there is no file {path}; give the path of your Python file")
    module_spec = importlib.util.spec_from_file_location(f"touchline_user_{path.stem}", path)
    if module_spec is None or module_spec.loader is None:
        raise ConfigError(f"--process {spec}: {path} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_spec.name] = module
    sys.path.insert(0, str(path.parent.resolve()))  # so that the user's file can import its neighbours
    try:
        module_spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"--process {spec}: {path} does not load ({type(error).__name__}: {error}); run it alone to see"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"--process {spec}: {path} has no function {name}; check the name")
    parameters = inspect.signature(function).parameters.values()
    positional = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    needed = [parameter for parameter in positional if parameter.default is parameter.empty]
    by_name = [
        parameter
        for parameter in parameters
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    ]
    if len(needed) > 2 or not positional or by_name:
        raise ConfigError(f"--process {spec}: {name} must take (image) or (image, context)")
    return function, len(positional) >= 2
