"""From a picture to a model's input, as its manifest says: one place for what is got wrong most often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import ModelError, ShapeError

_CHOICES = {
    "layout": ("NCHW", "NHWC"),
    "colour": ("rgb", "bgr", "grey"),
    "fit": ("letterbox", "stretch"),
    "align": ("centre", "top-left"),
}
_RANGES = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How one picture fills an input of fixed size. Keys of ``preprocess`` of a manifest's input, all optional.

    ``layout``: of the input's four axes. ``colour``: order of its channels. ``range``: what bytes 0 and 255
    become. ``mean``, ``std``: subtracted and divided out after that, one number or one a channel, in that order
    of channels. ``fit``: ``letterbox`` keeps the picture's proportions in a rim of byte ``rim``, ``stretch`` does
    not. ``align``: where the picture lies in that rim.
    """

    layout: str = "NCHW"
    colour: str = "rgb"
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    fit: str = "letterbox"
    align: str = "centre"
    rim: int = 114

    def prepare(self, picture: NDArray[np.uint8], shape: Sequence[int | None], dtype: Any) -> NDArray[Any]:
        """uint8 (H, W, 3), RGB → the input, ``shape`` and ``dtype`` as the model's port has them.

        Raises `ShapeError` where it is no such picture.
        """
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            given = f"{picture.dtype} {'×'.join(str(size) for size in picture.shape)}"
            raise ShapeError(f"a picture is uint8 height×width×3, RGB, this is {given}; convert it")
        high, wide = (size or 0 for size in (shape[2:] if self.layout == "NCHW" else shape[1:3]))
        placed = self._placed(picture, wide, high)
        if self.colour == "grey":
            coloured = np.asarray(cv2.cvtColor(placed, cv2.COLOR_RGB2GRAY))[..., None]
        else:
            coloured = placed[..., ::-1] if self.colour == "bgr" else placed
        low, top = self.range
        values = coloured.astype(np.float32) * np.float32((top - low) / 255) + np.float32(low)
        values = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        if self.layout == "NCHW":
            values = values.transpose(2, 0, 1)
        if np.dtype(dtype).kind in "ui":
            limits = np.iinfo(dtype)
            values = np.clip(np.round(values), limits.min, limits.max)
        return np.ascontiguousarray(values[None], dtype)

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    def others(self) -> Iterator[tuple[str, Preprocess]]:
        """What it is mistaken for, each with the words that would mend it."""
        for key, value in (("colour", {"rgb": "bgr", "bgr": "rgb"}.get(self.colour)),):
            if value:
                yield f"{key} = '{value}'", replace(self, colour=value)
        for value in _RANGES:
            if value != self.range:
                yield f"range = {list(value)}", replace(self, range=value)
        fit = "stretch" if self.fit == "letterbox" else "letterbox"
        yield f"fit = '{fit}'", replace(self, fit=fit)
        if self.fit == "letterbox":
            align = "top-left" if self.align == "centre" else "centre"
            yield f"align = '{align}'", replace(self, align=align)
        if self.mean != (0.0,) or self.std != (1.0,):
            yield "no mean and std", replace(self, mean=(0.0,), std=(1.0,))

    def _placed(self, picture: NDArray[np.uint8], wide: int, high: int) -> NDArray[np.uint8]:
        if self.fit == "stretch":
            return _resized(picture, wide, high)
        ratio = min(wide / picture.shape[1], high / picture.shape[0])
        size = [
            max(1, min(most, round(side * ratio)))
            for side, most in zip(picture.shape[1::-1], (wide, high), strict=True)
        ]
        canvas = np.full((high, wide, 3), self.rim, np.uint8)
        left, top = ((wide - size[0]) // 2, (high - size[1]) // 2) if self.align == "centre" else (0, 0)
        canvas[top : top + size[1], left : left + size[0]] = _resized(picture, *size)
        return canvas


def read(said: Any, shape: Sequence[int | str | None], where: str) -> Preprocess | None:
    """An input's ``preprocess`` table; None where there is none, or only words. Raises `ModelError` that names the
    key, also where the input is not one picture of a fixed size in that layout."""
    if not isinstance(said, Mapping):
        return None
    table = cast(Mapping[str, Any], said)
    known = {each.name for each in fields(Preprocess)}
    for key in table:
        if key not in known:
            raise ModelError(f"{where}: unknown preprocess key '{key}'; known are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in _CHOICES:
            if value not in _CHOICES[key]:
                raise ModelError(f"{where}: preprocess {key} is {value!r}; choose {' or '.join(_CHOICES[key])}")
            values[key] = value
        else:
            values[key] = _numbers(key, value, where)
    found = Preprocess(**values)
    _require_shape(found, shape, where)
    return found


def _numbers(key: str, value: Any, where: str) -> Any:
    numbers: list[Any] = list(cast(Sequence[Any], value)) if isinstance(value, list | tuple) else [value]
    if not all(
        isinstance(each, int | float) and not isinstance(each, bool) and np.isfinite(each) for each in numbers
    ):
        raise ModelError(f"{where}: preprocess {key} is {value!r}; give numbers")
    match key:
        case "rim" if len(numbers) == 1 and numbers[0] in range(256):
            return int(numbers[0])
        case "range" if len(numbers) == 2 and numbers[0] < numbers[1]:
            return (float(numbers[0]), float(numbers[1]))
        case "mean" if len(numbers) in (1, 3):
            return tuple(float(each) for each in numbers)
        case "std" if len(numbers) in (1, 3) and all(numbers):
            return tuple(float(each) for each in numbers)
        case _:
            wants = {"rim": "a byte", "range": "two rising numbers"}.get(key, "one number or three, no std of 0")
            raise ModelError(f"{where}: preprocess {key} is {value!r}; give {wants}")


def _require_shape(found: Preprocess, shape: Sequence[int | str | None], where: str) -> None:
    channels = 1 if found.colour == "grey" else 3
    place = 1 if found.layout == "NCHW" else 3
    sizes = list(shape)
    if len(sizes) != 4 or sizes[0] not in (1, None) or sizes[place] != channels:
        told = "×".join("any" if size is None else str(size) for size in sizes)
        raise ModelError(
            f"{where}: an input of {told} is no {found.colour} picture in {found.layout}; correct 'layout' "
            "or 'colour'"
        )
    if not all(isinstance(size, int) for size in (sizes[2:] if place == 1 else sizes[1:3])):
        raise ModelError(f"{where}: takes pictures of any size, for which 'preprocess' can only be a sentence")
    if max(len(found.mean), len(found.std)) > channels:
        raise ModelError(f"{where}: preprocess has mean or std of 3 channels for a grey picture; give one")


def _resized(picture: NDArray[np.uint8], wide: int, high: int) -> NDArray[np.uint8]:
    smaller = wide < picture.shape[1] or high < picture.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (wide, high), interpolation=how), np.uint8)
