"""Real inputs that a user gives, and what the float model answers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from touchline.model.options import GOLDEN, GOLDEN_BYTES
from touchline.runtime.golden import Array, Sample
from touchline.runtime.preprocess import Preprocess
from touchline.types.errors import ConfigError, ModelError, ShapeError

Wanted = tuple[tuple[int | None, ...], str]
"""The shape (None where any size goes) and dtype of one of a model's inputs."""


class Pair(NamedTuple):
    """A picture, uint8 (H, W, 3) RGB, and the input that the training's own code made of it: what proves that a
    manifest's ``preprocess`` says the truth."""

    picture: Any
    input: Any


@dataclass(frozen=True, slots=True)
class Real:
    """A checked input of a model: one array per port, and the picture that it was made from, if any."""

    inputs: tuple[Array, ...]
    picture: Array | None = None


def check_samples(
    given: Iterable[Any], wanted: Sequence[Wanted], name: str, preprocess: Preprocess | None = None
) -> list[Real]:
    """Samples, each an array (or tensor), a tuple of them, one array per input that the model takes, or a `Pair`;
    with ``preprocess`` also pictures, uint8 (H, W, 3) RGB.

    Raises `ShapeError` where one has another shape or dtype, or holds a NaN or an infinity; `ConfigError` for a
    `Pair` without ``preprocess``.
    """
    return [
        _checked(sample, wanted, f"{name}: calibration sample {number}", preprocess)
        for number, sample in enumerate(given)
    ]


def prove_by(
    real: Sequence[Real], answer: Callable[[tuple[Array, ...]], Sequence[Array]], name: str
) -> list[Sample]:
    """What ``answer``, the float model, says to the first of ``real``: as many as an artifact carries.

    Raises `ModelError` where it says what is no finite number.
    """
    samples: list[Sample] = []
    held = 0
    for each in real[:GOLDEN]:
        outputs = tuple(answer(each.inputs))
        if any(array.dtype.kind not in "biuf" or not np.isfinite(array).all() for array in outputs):
            raise ModelError(
                f"{name}: itself answers a NaN, an infinity or no number; mend the model or its inputs"
            )
        held += sum(array.nbytes for array in (*each.inputs, *outputs))
        held += 0 if each.picture is None else each.picture.nbytes
        if samples and held > GOLDEN_BYTES:
            break
        samples.append(Sample(each.inputs, outputs, each.picture))
    return samples


def _checked(sample: Any, wanted: Sequence[Wanted], what: str, preprocess: Preprocess | None) -> Real:
    picture: Array | None = None
    if isinstance(sample, Pair):
        if preprocess is None:
            raise ConfigError(f"{what}: has a picture, and nothing says how it became the input; give preprocess")
        picture, sample = np.ascontiguousarray(sample.picture), sample.input
    arrays = tuple(_array(each) for each in (sample if isinstance(sample, tuple | list) else (sample,)))
    if preprocess is not None and picture is None and _is_picture(arrays, wanted):
        picture = arrays[0]
        arrays = (preprocess.prepare(picture, wanted[0][0], wanted[0][1]),)
    mine = [(array.shape, str(array.dtype)) for array in arrays]
    fits = len(mine) == len(wanted) and all(
        dtype == want
        and len(shape) == len(sizes)
        and all(size is None or size == given for size, given in zip(sizes, shape, strict=True))
        for (shape, dtype), (sizes, want) in zip(mine, wanted, strict=True)
    )
    if not fits:
        raise ShapeError(f"{what} is {_told(mine)}, the model takes {_told(wanted)}; make them alike")
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
        raise ShapeError(f"{what} holds a NaN or an infinity; leave it out")
    return Real(arrays, picture)


def _array(given: Any) -> Array:
    return np.ascontiguousarray(given if isinstance(given, np.ndarray) else given.numpy())


def _is_picture(arrays: tuple[Array, ...], wanted: Sequence[Wanted]) -> bool:
    first = arrays[0]
    return len(arrays) == 1 and first.dtype == np.uint8 and first.ndim == 3 and len(wanted[0][0]) != 3


def _told(ports: Sequence[Wanted]) -> str:
    return ", ".join(
        f"{dtype} {'×'.join('any' if size is None else str(size) for size in shape) or 'scalar'}"
        for shape, dtype in ports
    )
