"""Who is in the picture: a detector, ours or the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from touchline.runtime import manifest, shelf
from touchline.runtime.devices import AUTO
from touchline.runtime.load import load
from touchline.runtime.tensors import Model
from touchline.types.detections import Detections
from touchline.types.errors import ModelError
from touchline.types.frame import Frame
from touchline.vision import boxes as heads
from touchline.vision.prepare import Fit, blocks, colours, fit_fixed, fit_free

Kind = Literal["centre", "yolox", "nanodet", "ultralytics"]

_COCO_PEOPLE = {0: "player", 32: "ball"}
_MOST = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """How to feed a network and read its output. Keys of a manifest's ``detect`` table, of the TOML file
    beside a bare model, and of `load_detector`'s ``options``, all optional but ``decode``.

    ``decode``: ``centre`` (ours), ``yolox``, ``nanodet`` or ``ultralytics``. ``labels``: a list of all the
    classes' names, or a table of those to keep, ``{0 = "player", 32 = "ball"}``; without it the first class
    of 80 is read as COCO's person, the 33rd as its ball. ``colour``: ``rgb`` or ``bgr`` or, for our own
    network, ``planes``. ``mean``, ``std``: what the network expects subtracted from and divided out of 0–255,
    one number or three. ``rim``: what fills the input beside the picture, 0–255. ``strides``: of a grid
    head. ``offset``: of a nanodet cell. ``score``, ``ball_score``: least confidence, 0–1, of people and of
    the ball. ``overlap``: IoU from which two boxes are one. ``width``: analysis size in px, for a network
    that takes any. ``least_width``: to which it may fall, where everybody is close (`Zoom`); as ``width`` unless
    said, so that only networks made for it are looked through so. ``multiple``: its sizes are multiples of this.
    """

    decode: Kind
    labels: Mapping[int, str]
    colour: Literal["rgb", "bgr", "planes"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    rim: int
    strides: tuple[int, ...]
    offset: float
    score: float
    ball_score: float
    overlap: float
    width: int
    least_width: int
    multiple: int


def load_detector(
    model: str | Path,
    *,
    width: int | None = None,
    threads: int = 1,
    device: str = AUTO,
    options: Mapping[str, Any] | None = None,
) -> Detector:
    """The shipped detector of this name, an artifact's folder, or an .onnx or .tflite file.

    ``width``: analysis size in px, see `Detector.set_width`; None takes the model's own. ``threads``: of
    one inference. ``device``: what it runs on, see `DEVICES`. ``options``: keys of `Reading` that override what
    the model's manifest, or the TOML file beside it, says.

    Raises `ModelError`: missing, corrupt, changed after it was made, not a detector, or an unknown option.
    """
    path = shelf.find(model)
    if path.is_dir():
        artifact = manifest.read(path)
        file, said = artifact.file, artifact.manifest.get("detect")
        if not isinstance(said, dict):
            raise ModelError(f"{path}/manifest.json: has no 'detect' table; give a detector's artifact")
    else:
        file = path
        said = {} if options and "decode" in options else manifest.describe(path)
    table = {**cast(Mapping[str, Any], said), **(options or {})}
    network = load(file, threads=threads, device=device)
    detector = Detector(network, _reading(table, str(path)), str(path))
    if width is not None:
        detector.set_width(width)
    return detector


class Detector:
    """A network with its reading. Not safe to use from two threads at once.

    ``labels``: names of the classes that `detect` gives, in the order of their indices.
    """

    def __init__(self, model: Model, reading: Reading, name: str = "detector") -> None:
        self._model = model
        self._reading = reading
        self._name = name
        self._width = reading.width
        self.labels: tuple[str, ...] = tuple(dict.fromkeys(reading.labels.values()))
        self._fixed = self._check_input()
        self._fit: Fit | None = None
        self._fitted: tuple[int, int, float] = (0, 0, 1.0)
        self._planes = np.zeros((1, 6, 0, 0), np.uint8)
        highest = max(reading.labels)
        self._class = np.full(highest + 2, -1, np.int16)
        for index, label in reading.labels.items():
            self._class[index] = self.labels.index(label)
        self._is_ball = np.array([label == "ball" for label in self.labels])

    @property
    def reading(self) -> Reading:
        """How it feeds its network and reads its output."""
        return self._reading

    @property
    def width(self) -> int:
        """Analysis size in px: the width a 16:9 picture is looked at."""
        return self._fixed[0] if self._fixed else self._width

    @property
    def least_width(self) -> int:
        """The width in px to which it may be set where everybody is close, at most `width`."""
        return min(self.width, self._reading.least_width) if self.resizable else self.width

    @property
    def resizable(self) -> bool:
        """Whether `set_width` does anything: the network takes pictures of any size."""
        return self._fixed is None

    def set_width(self, width: int) -> None:
        """Look at 16:9 pictures at this width from now on, others at as many pixels.

        A network whose input has a fixed size keeps it. Raises `ModelError` below 64 or above 4096 px.
        """
        if width == self._width or self._fixed:
            return
        if not 64 <= width <= 4096:
            raise ModelError(f"{self._name}: analysis width is {width}; choose 64 to 4096 px")
        self._width = width
        self._fitted = (0, 0, 1.0)

    def detect(self, frame: Frame) -> Detections:
        """People and balls in one frame, boxes in its px, best first, at most 300. Raises `ModelError` where the
        network's output is not what its ``decode`` promises."""
        fit = self._fit_to(frame.width, frame.height, frame.sample_aspect)
        outputs = self._model.run(self._input(frame, fit))
        boxes, scores, found = self._candidates(outputs, fit)
        known = self._class[np.minimum(found, len(self._class) - 1)]
        ball = self._is_ball[np.maximum(known, 0)]
        least = np.where(ball, self._reading.ball_score, self._reading.score)
        keep = (known >= 0) & (scores >= least) & np.isfinite(boxes).all(1)
        boxes, scores, known, ball = boxes[keep], scores[keep], known[keep], ball[keep]
        most = _MOST if self._reading.decode == "centre" else 4 * _MOST  # a peak is hardly ever doubled
        if len(boxes) > most:
            best = np.argpartition(-scores, most)[:most]
            boxes, scores, known, ball = boxes[best], scores[best], known[best], ball[best]
        rows = heads.suppress(boxes, scores, ball, self._reading.overlap)[:_MOST]
        scale = np.array([*fit.scale, *fit.scale], np.float32)
        return Detections(
            np.ascontiguousarray(boxes[rows] * scale, np.float32),
            np.ascontiguousarray(np.clip(scores[rows], 0, 1), np.float32),
            np.ascontiguousarray(known[rows], np.int16),
            self.labels,
        )

    def _check_input(self) -> tuple[int, int] | None:
        """Whether the network's one input suits the reading; its fixed (width, height), or None."""
        ports = self._model.inputs
        shape = ports[0].shape
        channels_last = len(shape) == 4 and shape[3] == 3
        channels = 6 if self._reading.colour == "planes" else 3
        if len(ports) != 1 or len(shape) != 4 or channels not in (shape[1], shape[3]):
            raise ModelError(
                f"{self._name}: takes {[port.shape for port in ports]}, a detector that reads "
                f"{self._reading.colour} takes one picture of {channels} channels; check 'colour'"
            )
        high, wide = shape[1:3] if channels_last else shape[2:4]
        if high is None or wide is None:
            return None
        return (wide * 2, high * 2) if channels == 6 else (wide, high)

    def _fit_to(self, width: int, height: int, aspect: float) -> Fit:
        if self._fit is None or self._fitted != (width, height, aspect):
            source = (width, height)
            if self._fixed:
                self._fit = fit_fixed(source, self._fixed, aspect)
            else:
                self._fit = fit_free(source, self._width, self._reading.multiple, aspect)
            self._fitted = (width, height, aspect)
            wide, high = self._fit.size
            self._planes = np.zeros((1, 6, high // 2, wide // 2), np.uint8)
        return self._fit

    def _input(self, frame: Frame, fit: Fit) -> NDArray[Any]:
        port = self._model.inputs[0]
        if self._reading.colour == "planes":
            blocks(frame, fit, self._planes[0])
            return self._planes
        picture = colours(frame, fit, bgr=self._reading.colour == "bgr", rim=self._reading.rim)
        mean, std = np.array(self._reading.mean, np.float32), np.array(self._reading.std, np.float32)
        values = (picture.astype(np.float32) - mean) / std
        if port.shape[3] != 3:
            values = values.transpose(2, 0, 1)
        if port.scale:
            limits = np.iinfo(port.dtype)
            values = np.clip(np.round(values / port.scale) + port.zero_point, limits.min, limits.max)
        return np.ascontiguousarray(values[None], port.dtype)

    def _candidates(self, outputs: Sequence[NDArray[Any]], fit: Fit) -> heads.Candidates:
        reading = self._reading
        least = min(reading.score, reading.ball_score)
        arrays = [self._real(index, array) for index, array in enumerate(outputs)]
        rows = heads.cells(fit.size, reading.strides)
        first = arrays[0]
        match reading.decode:
            case "centre" if first.ndim == 4 and first.shape[1] in heads.FINER:
                return heads.centre(first[0], fit.size[0], least)
            case "yolox" if first.ndim == 3 and first.shape[1] == rows and first.shape[2] > 5:
                return heads.yolox(first[0], fit.size, reading.strides, least)
            case "ultralytics" if first.ndim == 3 and first.shape[1] > 4:
                return heads.ultralytics(first[0], least)
            case "nanodet" if all(array.ndim == 3 for array in arrays) and len(arrays) == 2 * len(reading.strides):
                half = len(reading.strides)
                classes = np.concatenate([array[0] for array in arrays[:half]])
                distances = np.concatenate([array[0] for array in arrays[half:]])
                if len(classes) == len(distances) == rows and distances.shape[1] % 4 == 0:
                    return heads.nanodet(classes, distances, fit.size, reading.strides, reading.offset, least)
            case _:
                pass
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ModelError(
            f"{self._name}: gives {shapes} for {fit.size[0]}×{fit.size[1]}, not what decode = "
            f"'{reading.decode}' reads; check 'decode' and 'strides'"
        )

    def _real(self, index: int, array: NDArray[Any]) -> NDArray[np.float32]:
        port = self._model.outputs[index]
        if port.scale:
            return (array.astype(np.float32) - port.zero_point) * np.float32(port.scale)
        return array.astype(np.float32, copy=False)


def _reading(table: Mapping[str, Any], where: str) -> Reading:
    """Check a table's keys and values. Raises `ModelError` that names the key."""
    known = set(Reading.__dataclass_fields__)
    for key in table:
        if key not in known:
            raise ModelError(f"{where}: unknown detector option '{key}'; known are {', '.join(sorted(known))}")
    kind = table.get("decode")
    if kind not in ("centre", "yolox", "nanodet", "ultralytics"):
        raise ModelError(f"{where}: decode is {kind!r}; choose centre, yolox, nanodet or ultralytics")
    colour = table.get("colour", {"centre": "planes", "ultralytics": "rgb"}.get(kind, "bgr"))
    if colour not in ("rgb", "bgr", "planes"):
        raise ModelError(f"{where}: colour is {colour!r}; choose rgb, bgr or planes")
    mean, std = {
        "ultralytics": ((0.0,), (255.0,)),
        "nanodet": ((103.53, 116.28, 123.675), (57.375, 57.12, 58.395)),
    }.get(kind, ((0.0,), (1.0,)))
    try:
        score = float(table.get("score", 0.3))
        return Reading(
            decode=kind,
            labels=_labels(table.get("labels", _COCO_PEOPLE)),
            colour=colour,
            mean=_numbers(table.get("mean", mean)),
            std=_numbers(table.get("std", std)),
            rim=int(table.get("rim", 114)),
            strides=tuple(int(stride) for stride in table.get("strides", (8, 16, 32))),
            offset=float(table.get("offset", 0.5)),
            score=score,
            ball_score=float(table.get("ball_score", score)),
            overlap=float(table.get("overlap", 0.6)),
            width=int(table.get("width", 960)),
            least_width=int(table.get("least_width", table.get("width", 960))),
            multiple=int(table.get("multiple", 32)),
        )
    except (TypeError, ValueError) as error:
        raise ModelError(f"{where}: a detector option has the wrong type ({error}); correct it") from error


def _labels(value: Mapping[int | str, str] | Sequence[str]) -> dict[int, str]:
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    labels = {int(index): str(label) for index, label in pairs}
    if not labels or min(labels) < 0:
        raise ValueError("'labels' must name classes from 0 on")
    return labels


def _numbers(value: float | Sequence[float]) -> tuple[float, ...]:
    numbers = (float(value),) if isinstance(value, int | float) else tuple(float(number) for number in value)
    if len(numbers) not in (1, 3):
        raise ValueError("'mean' and 'std' are one number or three")
    return numbers
