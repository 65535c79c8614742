"""What a node is made of: features, a compiled network, and which of its classes are told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from touchline.tiny.features import ImuWindow, LogMel, Mfcc
from touchline.tiny.firmware.events import Rule
from touchline.types.errors import ConfigError, ModelError

_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MILLI_BITS = 16


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the network as a manifest has it: int8, real = (q - zero_point) · scale."""

    bytes: int
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Node:
    """A sensor node.

    ``features``: what the network was trained on, which sees each value as (q - zero_point) · ``input_scale``.
    ``rate``: samples a second. ``classes``: the network's, in its order. ``rules``: of those that become events,
    by class; the others are what is not worth telling. ``every``: of sound, hops from one run of the network to
    the next. ``chunk``: pushes (hops of sound, samples of motion) that the sensor hands over at once.
    ``heartbeat_ms``: the longest that the node is silent about itself. Raises `ConfigError` where they do not go
    together.
    """

    features: LogMel | Mfcc | ImuWindow
    rate: float
    classes: tuple[str, ...]
    rules: Mapping[str, Rule]
    every: int = 1
    chunk: int = 1
    heartbeat_ms: int = 10_000
    input_scale: float = 1 / 128

    def __post_init__(self) -> None:
        wrong = sorted(set(self.rules) - set(self.classes))
        if wrong or not self.rules:
            raise ConfigError(
                f"Node: rules for {', '.join(wrong) or 'no class'}; name some of {', '.join(self.classes)}"
            )
        for kind in self.rules:
            if not _KIND.fullmatch(kind):
                raise ConfigError(
                    f"Node: {kind!r} cannot be an event's kind; take small letters, digits and _, 32 at most"
                )
        if not 0 < self.rate <= 1e6:
            raise ConfigError(f"Node: rate {self.rate} is not samples a second; take up to a million")
        if not (1 <= self.every <= 1024 and 1 <= self.chunk <= 1024 and self.heartbeat_ms >= 1000):
            raise ConfigError("Node: every and chunk must be 1 to 1024, heartbeat_ms 1000 at least")
        if isinstance(self.features, ImuWindow) and self.every != 1:
            raise ConfigError("Node: every is for sound; a hop of ImuWindow says how often motion is looked at")

    @property
    def is_motion(self) -> bool:
        return isinstance(self.features, ImuWindow)

    @property
    def samples(self) -> int:
        """Of all axes, that one push takes."""
        return 1 if isinstance(self.features, ImuWindow) else _mel(self.features).hop

    @property
    def axes(self) -> int:
        return self.features.axes if isinstance(self.features, ImuWindow) else 1

    @property
    def first(self) -> int:
        """Samples until the network runs for the first time."""
        if isinstance(self.features, ImuWindow):
            return self.features.length
        mel = _mel(self.features)
        return (-(-mel.window // mel.hop) + mel.frames - 1) * mel.hop

    @property
    def step(self) -> int:
        """Samples from one run of the network to the next."""
        return self.features.hop if isinstance(self.features, ImuWindow) else self.samples * self.every

    @property
    def input_bytes(self) -> int:
        """That the network sees at once."""
        if isinstance(self.features, ImuWindow):
            return self.features.length * self.features.axes
        return _mel(self.features).frames * self.features.values

    @cached_property
    def ms(self) -> Fraction:
        """A sample's length."""
        return 1000 / Fraction(self.rate).limit_denominator(1000)

    def ms_after(self, samples: int) -> int:
        """Whole milliseconds."""
        return samples * self.ms.numerator // self.ms.denominator

    def ports(self, manifest: Mapping[str, Any], where: str) -> tuple[Port, Port]:
        """The network's input and output, from an artifact's manifest.

        Raises `ModelError` where it is no network for these features and classes.
        """
        ports = [*manifest.get("inputs", ()), *manifest.get("outputs", ())]
        if manifest.get("target") != "mcu" or len(ports) != 2:
            raise ModelError(
                f"{where}: is no network for microcontrollers with one input and one output; see docs/tiny.md"
            )
        for port, size, what in zip(
            ports, (self.input_bytes, len(self.classes)), ("features", "classes"), strict=True
        ):
            if port["dtype"] != "int8" or port["bytes"] != size:
                raise ModelError(
                    f"{where}: {port['name']} is {port['dtype']} {tuple(port['shape'])}, the {what} are {size} of "
                    "int8; take those it was trained with"
                )
        source, scores = (Port(port["bytes"], port["scale"], port["zero_point"]) for port in ports)
        return source, scores

    def fitted(self, source: Port) -> LogMel | Mfcc | ImuWindow:
        """The features in the very steps of the network's input."""
        scale = source.scale / self.input_scale * self.features.scale
        if abs(scale - self.features.scale) < 1e-6 * scale:
            scale = self.features.scale
        return replace(self.features, scale=scale, zero_point=source.zero_point)

    def thresholds(self, rule: Rule, scores: Port) -> tuple[int, int]:
        """``enter`` and ``leave`` as the least int8 scores that reach them."""
        found: list[int] = []
        for real in (rule.enter, rule.leave):
            steps = -(-Fraction(real) // Fraction(scores.scale))  # rounded upwards
            found.append(max(-128, min(128, int(steps) + scores.zero_point)))
        return found[0], found[1]


def _mel(features: LogMel | Mfcc) -> LogMel:
    return features.mel if isinstance(features, Mfcc) else features


def milli_factor(scores: Port) -> int:
    """From steps of the network's scores to thousandths, Q16."""
    return round(1000 * scores.scale * (1 << _MILLI_BITS))


def thousandths(score: int, scores: Port) -> int:
    """0 to 1000."""
    scaled = ((score - scores.zero_point) * milli_factor(scores) + (1 << (_MILLI_BITS - 1))) >> _MILLI_BITS
    return max(0, min(1000, scaled))
