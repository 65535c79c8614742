"""Scores, window by window → when something begins and ends: the bits of ``csrc/touchline_events.c``."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.types.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Rule:
    """When a class of the network becomes an event.

    A window speaks for it from a score of ``enter`` on, and against it below ``leave`` (both 0 to 1). It begins
    once ``need`` of the last ``of`` windows spoke for it, and ends once as many spoke against it. Raises
    `ConfigError` where they do not go together.
    """

    enter: float = 0.6
    leave: float = 0.4
    need: int = 2
    of: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.leave <= self.enter <= 1:
            raise ConfigError(
                f"Rule: leave {self.leave} and enter {self.enter} must be 0 to 1, and leave not above"
            )
        if not 1 <= self.need <= self.of <= 32:
            raise ConfigError(f"Rule: {self.need} of {self.of} windows cannot be; take 1 to 32, need not above of")


@dataclass(frozen=True, slots=True)
class Change:
    """``back``: how many windows ago the first spoke for it. ``score``: int8, of the window it began with, or the
    greatest while it lasted. ``lasted``: windows from the first that spoke for it to the first against."""

    begins: bool
    back: int
    score: int
    lasted: int


class Follower:
    """One class, followed. ``enter`` and ``leave`` as int8 scores (128: never)."""

    def __init__(self, need: int, of: int, enter: int, leave: int) -> None:
        self._need, self._of, self._enter, self._leave = need, of, enter, leave
        self._against = 0
        self._active = False
        self._score = 0
        self._lasted = 0

    def update(self, score: int) -> Change | None:
        """One window more."""
        against = score < self._leave if self._active else score >= self._enter
        self._against = (self._against << 1 | against) & ((1 << self._of) - 1)
        if self._active:
            self._lasted += 1
            self._score = max(self._score, score)
        if self._against.bit_count() < self._need:
            return None
        back = self._against.bit_length() - 1
        self._against = 0
        self._active = not self._active
        if not self._active:
            return Change(False, back, self._score, self._lasted - back)
        self._score, self._lasted = score, back
        return Change(True, back, score, back)
