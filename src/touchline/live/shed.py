"""What an overloaded box gives up, in which order. Pure: load in, plan out.

The order is the architecture's: analysis rate, analysis size, then all but key pictures. Never
the viewer's video.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How to look for now.

    ``detect_hz``: detections a second. ``width_scale``: the detector's width as a share of its own.
    ``keys_only``: look at key pictures alone, and decode no others unless people watch what is decoded.
    """

    detect_hz: float
    width_scale: float = 1.0
    keys_only: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """How the last second went.

    ``busy``: share of the second that analysis worked, 0–1. ``skipped``: share of pictures it could not take,
    0–1. ``lag``: seconds from a picture's capture until its tracks were out, the worst.
    """

    busy: float
    skipped: float
    lag: float


@dataclass(frozen=True, slots=True)
class ShedConfig:
    """When to give up and when to take back.

    Overloaded: more than ``max_skipped`` of the pictures skipped or ``max_lag`` seconds behind. At ease: less
    than ``ease_busy`` of the time used and nothing skipped, ``ease_seconds`` in a row; the wait doubles, up
    to ``ease_seconds_max``, each time a step taken back did not hold.
    """

    max_skipped: float = 0.05
    max_lag: float = 0.4
    ease_busy: float = 0.6
    ease_seconds: int = 8
    ease_seconds_max: int = 120


class Shedder:
    """Call `update` once a second."""

    def __init__(
        self, detect_hz: float, config: ShedConfig | None = None, *, sizes: bool = True, keys: bool = True
    ) -> None:
        """``sizes``: whether the detector can look at a smaller picture. ``keys``: whether the pictures between
        key pictures can go without being looked at."""
        self._config = config or ShedConfig()
        slow = detect_hz / 4
        smaller = (Plan(slow, 0.7), Plan(slow, 0.5)) if sizes else ()
        least = (Plan(slow, 0.5 if sizes else 1.0, keys_only=True),) if keys else ()
        self._steps = (Plan(detect_hz), Plan(detect_hz / 2), Plan(slow), *smaller, *least)
        self._step = 0
        self._bad = 0
        self._calm = 0
        self._since_back = 1_000_000
        self._patience = self._config.ease_seconds

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._steps[self._step]

    def update(self, load: Load) -> Plan:
        """The plan for the next second."""
        config = self._config
        self._since_back += 1
        overloaded = load.skipped > config.max_skipped or load.lag > config.max_lag
        self._bad = self._bad + 1 if overloaded else 0
        at_ease = load.busy < config.ease_busy and load.skipped == 0 and not overloaded
        self._calm = self._calm + 1 if at_ease else 0
        # One bad second may be a hiccup of the machine's; two are a state.
        if self._bad >= 2 and self._step < len(self._steps) - 1:
            held = self._since_back >= 2 * config.ease_seconds
            self._patience = config.ease_seconds if held else min(2 * self._patience, config.ease_seconds_max)
            self._step += 1
            self._bad = 0
        elif self._calm >= self._patience and self._step > 0:
            self._step -= 1
            self._calm = 0
            self._since_back = 0
        return self.plan

    def shed(self) -> list[str]:
        """What is given up now, in words, in the order it was."""
        plan, best = self.plan, self._steps[0]
        words: list[str] = []
        if plan.detect_hz < best.detect_hz:
            words.append(f"analysis rate: {plan.detect_hz:g} of {best.detect_hz:g} Hz")
        if plan.width_scale < 1:
            words.append(f"analysis size: {plan.width_scale:.0%}")
        if plan.keys_only:
            words.append("analysis of all but key pictures")
        return words


class LoadMeter:
    """Turns frame by frame what happened into one `Load` a second. Pure: told all times."""

    def __init__(self) -> None:
        self._from: float | None = None
        self._busy = 0.0
        self._taken = 0
        self._lag = 0.0
        self._dropped = 0

    def frame(self, started: float, ended: float, media_time: float, dropped: int) -> Load | None:
        """The frame of ``media_time`` was worked on from ``started`` to ``ended``.

        ``dropped``: frames lost so far. All times in seconds of the box's media clock. Gives a `Load` once a
        second, else None.
        """
        if self._from is None:
            self._from, self._dropped = started, dropped
        self._busy += ended - started
        self._taken += 1
        self._lag = max(self._lag, ended - media_time)
        if ended - self._from < 1.0:
            return None
        lost = dropped - self._dropped
        load = Load(self._busy / (ended - self._from), lost / (lost + self._taken), self._lag)
        self._from, self._busy, self._taken, self._lag, self._dropped = ended, 0.0, 0, 0.0, dropped
        return load
