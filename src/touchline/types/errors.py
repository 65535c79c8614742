"""The error tree.

::

    TouchlineError
    ├── InputError            what the user gave is wrong (exit status 2)
    │   ├── SourceError       a camera, stream or file
    │   ├── ConfigError       venue.toml or a flag
    │   ├── ModelError        a model file or its manifest
    │   └── ShapeError        an array of the wrong shape or dtype (also a ValueError)
    ├── DeviceHeld            a camera that only the end of this process frees
    └── CheckFailed           the input was fine, the answer is no (exit status 1)

Each message is one line: what is wrong, where, and what to do about it.
"""

from __future__ import annotations


class TouchlineError(Exception):
    """Root of all errors that Touchline raises on purpose."""


class InputError(TouchlineError):
    """What the user gave cannot be used."""


class SourceError(InputError):
    """A source cannot be opened or read.

    ``retry`` tells whether trying again can help: an unreachable host may come back, a text file
    named .mp4 will not turn into a video by itself.
    """

    def __init__(self, source: str, what: str, remedy: str, *, retry: bool = True) -> None:
        self.source = source
        self.what = what
        self.remedy = remedy
        self.retry = retry
        super().__init__(f"{source.removesuffix(':')}: {what}; {remedy}")  # as of test:


class ConfigError(InputError):
    """A setting is unknown, of the wrong type or out of range."""


class ModelError(InputError):
    """A model file is missing, corrupt, tampered with or of a kind we cannot run."""


class ShapeError(InputError, ValueError):
    """An array has another shape or dtype than its type demands."""


class DeviceHeld(TouchlineError):
    """A driver's call does not return, and keeps the camera until this process ends."""


class CheckFailed(TouchlineError):
    """A check was carried out and did not pass."""
