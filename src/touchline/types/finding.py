"""What a look at this machine found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried out.

    ``family``: what it belongs to (runtimes, codecs). ``works``: whether it did what it is for, here and now.
    ``found``: in one line, what was seen. ``remedy``: in one line, how to come by it where it does not work.
    ``needed``: whether Touchline cannot do its main job without.
    """

    family: str
    name: str
    works: bool
    found: str
    remedy: str = ""
    needed: bool = False
