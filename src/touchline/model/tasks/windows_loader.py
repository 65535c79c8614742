"""From recordings to what one training step sees: a window of one, and its class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from touchline.model.data.fronts import Rows, real
from touchline.model.data.recordings import Entry, entries
from touchline.model.tasks.windows_recipe import SetSpec, Style, WindowRecipe
from touchline.types.errors import InputError


@dataclass(frozen=True, slots=True)
class Recording:
    """``rows``: int8 (n, values), at least a window long. ``label``: number of its class."""

    name: str
    rows: Rows
    label: int


@dataclass(frozen=True, slots=True)
class Source:
    """The recordings of one set to learn from, by class (those classes alone that it has), and how often it is
    drawn from."""

    recordings: Sequence[Sequence[Recording]]
    share: float


def found_in(recipe: WindowRecipe, spec: SetSpec) -> tuple[Path, list[Entry]]:
    """A set's folder and files. Raises `InputError`."""
    folder = recipe.data / spec.path
    for name, meant in spec.classes.items():
        if meant not in recipe.classes:
            raise InputError(f"{folder}: {name} is to mean {meant}, which is none of {', '.join(recipe.classes)}")
    return folder, entries(folder, {name: name for name in recipe.classes} | spec.classes, recipe.front.suffix)


def read_sources(recipe: WindowRecipe) -> tuple[list[Source], list[Recording]]:
    """The recipe's recordings to learn from, and those held for checking: never one group in both.

    Raises `InputError`.
    """
    sources: list[Source] = []
    held: list[Recording] = []
    for spec in recipe.sets:
        folder, files = found_in(recipe, spec)
        apart = held_groups(files, spec, recipe.seed)
        kept: dict[int, list[Recording]] = {}
        for entry in files:
            if entry.group in apart and not spec.scored:
                continue
            label = recipe.classes.index(entry.label)
            name = entry.path.relative_to(folder).as_posix()
            recording = Recording(name, recipe.front.read(entry.path), label)
            if entry.group in apart:
                held.append(recording)
            else:
                kept.setdefault(label, []).append(recording)
        if not kept:
            raise InputError(f"{folder}: all of it is held for checking; leave something to learn from")
        sources.append(Source([kept[label] for label in sorted(kept)], spec.share))
    return sources, held


def held_groups(files: Sequence[Entry], spec: SetSpec, seed: int) -> set[str]:
    """Which groups are kept for checking: those named, else the first, in an order by hash, of which some class
    has not yet enough. Raises `InputError` for a name that no group has."""
    groups: dict[str, set[str]] = {}
    for entry in files:
        groups.setdefault(entry.group, set()).add(entry.label)
    if spec.held:
        unknown = [name for name in spec.held if name not in groups]
        if unknown:
            raise InputError(f"{spec.path}: no group is called {', '.join(unknown)}; correct 'held'")
        return set(spec.held)
    totals: dict[str, int] = {}
    for labels in groups.values():
        for label in labels:
            totals[label] = totals.get(label, 0) + 1
    wanted = {label: int(np.ceil(total * spec.held_share)) if total > 1 else 0 for label, total in totals.items()}
    apart: set[str] = set()
    for group in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()):
        if any(wanted[label] > 0 for label in groups[group]):
            apart.add(group)
            for label in groups[group]:
                wanted[label] -= 1
    return apart


class Teacher:
    """Makes lessons: the same for the same number, whatever was made before. Every class comes as often."""

    def __init__(self, sources: Sequence[Source], length: int, zero_point: int, style: Style, seed: int) -> None:
        self._sources = sources
        self._length = length
        self._zero_point = zero_point
        self._style = style
        self._seed = seed
        shares = np.array([source.share for source in sources], np.float64)
        self._shares = shares / shares.sum()

    def lesson(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Lesson ``number`` ≥ 0: what the net is given (1, rows, values), and the class ()."""
        rng = np.random.default_rng((self._seed, number))
        source = self._sources[int(rng.choice(len(self._sources), p=self._shares))]
        same = source.recordings[int(rng.integers(len(source.recordings)))]
        recording = same[int(rng.integers(len(same)))]
        start = int(rng.integers(len(recording.rows) - self._length + 1))
        window = vary(recording.rows[start : start + self._length], self._style, self._zero_point, rng)
        return real(window, self._zero_point)[None], np.array(recording.label, np.int64)


def vary(window: Rows, style: Style, zero_point: int, rng: np.random.Generator) -> Rows:
    """A window as `Style` has it varied: (rows, values), int8 as it was."""
    values = window.astype(np.float32)
    if style.turn:
        values = _turned(values - zero_point, style.turn, rng) + zero_point
    if style.shift:
        values = values + rng.uniform(-style.shift, style.shift)
    if style.noise:
        values = values + rng.normal(0, style.noise, values.shape)
    mean = values.mean()
    for axis, most in enumerate((style.mask_rows, style.mask_values)):
        if most:
            wide = int(rng.integers(most + 1))
            at = int(rng.integers(values.shape[axis] - wide + 1))
            place = [slice(None), slice(None)]
            place[axis] = slice(at, at + wide)
            values[tuple(place)] = mean
    return np.clip(np.round(values), -128, 127).astype(np.int8)


def _turned(values: NDArray[np.float32], degrees: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Every three columns about one random axis (Rodrigues' formula)."""
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = np.radians(rng.uniform(-degrees, degrees))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return (values.reshape(len(values), -1, 3) @ turn.T).reshape(values.shape).astype(np.float32)
