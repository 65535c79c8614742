"""Where the picture's motion carries boxes from one frame to the next, between detections."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.types.arrays import require
from touchline.types.errors import ShapeError
from touchline.types.frame import Frame
from touchline.vision.prepare import shrink

Floats = NDArray[np.float32]

_BLOCK = 16
_WHOLE_BLOCK = _BLOCK << 16 | _BLOCK
_UNKNOWN = np.iinfo(np.int32).min
_LAST = np.iinfo(np.int16).max
"""Sorts behind all vectors."""

_KNOWN_SHARE = 0.25
"""Of a box's samples, or of a picture's blocks, that must have a vector for the others to be judged by them."""
_MOVING_PX = 1.5
"""From here on a vector differs from the camera's by more than its own grain of a quarter px."""
_MOVING_SHARE = 0.5
"""Of a box's samples: fewer are limbs, or noise, and do not stand for the body."""
_GAP = 1.5
"""Frame intervals: a longer step has lost a frame, and the vectors tell of the frame that was lost."""

_FLOW_WIDTH = 960
_FLOW_WINDOW = (15, 15)
_FLOW_LEVELS = 2
_FLOW_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)


def _grid(across: int, down: int, left: float, top: float, right: float, bottom: float) -> Floats:
    x = left + (right - left) * (np.arange(across) + 0.5) / across
    y = top + (bottom - top) * (np.arange(down) + 0.5) / down
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


# Where in a box its picture is looked at: the body rather than what lies around it.
_VECTOR_POINTS = _grid(5, 8, 0.1, 0.05, 0.9, 0.95)
_FLOW_POINTS = _grid(5, 5, 0.15, 0.15, 0.85, 0.85)


class Propagator:
    """Carries boxes along with what is seen inside them.

    Takes the codec's own motion vectors where the frame has them; else, at key frames, after a lost frame and for
    codecs that tell nothing, sparse Lucas-Kanade optical flow (Bouguet 2001) at 960 px. Boxes keep their size.
    Holds on to one frame, the last.
    """

    def __init__(self) -> None:
        self._former: Frame | None = None
        self._former_grey: NDArray[np.uint8] | None = None
        self._interval = 0
        self._field = _VectorField()

    def start(self, frame: Frame) -> None:
        """Take note of a frame whose boxes come from elsewhere: the detector ran."""
        self._advance(frame, None)

    def follow(self, frame: Frame, boxes: Floats) -> Floats:
        """Where ``boxes`` lie in ``frame``.

        ``boxes``: float32 (N, 4), left, top, right, bottom in px, as they lay in the frame of the call before
        (of `follow` or `start`). Gives float32 (N, 4): each box moved, or a row of NaN where the picture cannot
        tell: no frame before or one of another size, its middle outside, nothing in it that was seen before.
        Raises `ShapeError` on another shape or dtype.
        """
        if boxes.ndim != 2:
            raise ShapeError(f"follow(boxes) must be (N, 4), is {boxes.shape}")
        require("follow", "boxes", boxes, (len(boxes), 4), np.float32)
        former = self._former
        result = np.full_like(boxes, np.nan)
        grey: NDArray[np.uint8] | None = None
        inside = _inside(boxes, frame)
        if former is not None and former.y.shape == frame.y.shape and inside.any():
            seen = boxes[inside]
            motion = None if self._lost_one(former, frame) else frame.motion
            if motion is not None and self._field.read(motion, frame.width, frame.height):
                shifts = self._field.shifts(seen)
            else:
                if self._former_grey is None:
                    self._former_grey = _grey(former)
                grey = _grey(frame)
                shifts = _flow(self._former_grey, grey, seen, frame.width / grey.shape[1])
            result[inside] = seen + np.tile(shifts, 2)
        self._advance(frame, grey)
        return result

    def _lost_one(self, former: Frame, frame: Frame) -> bool:
        return 0 < _GAP * self._interval < frame.pts - former.pts

    def _advance(self, frame: Frame, grey: NDArray[np.uint8] | None) -> None:
        if self._former is not None:
            step = frame.pts - self._former.pts
            if step > 0:
                # The shortest step seen, forgotten slowly: cameras turn their rate down in the dark.
                self._interval = min(step, self._interval + self._interval // 8 + 1) if self._interval else step
        self._former, self._former_grey = frame, grey


def _inside(boxes: Floats, frame: Frame) -> NDArray[np.bool_]:
    """Boxes (N, 4) that are proper, larger than a point, and have their middle in the picture: bool (N,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        middle, size = boxes[:, :2] / 2 + boxes[:, 2:] / 2, boxes[:, 2:] - boxes[:, :2]
        limits = np.array([frame.width, frame.height], np.float32)
        # A box many pictures large has no use for our samples, and its numbers no place in an integer.
        ok = (middle >= 0) & (middle < limits) & (size >= 1) & (size <= 4 * limits)
        return ok[:, 0] & ok[:, 1]


class _VectorField:
    """A frame's motion vectors, laid out so that the one at a point is found at once.

    Two maps of px/4 vectors, dx and dy packed into an int32: whole macroblocks, and what of them is divided.
    """

    def __init__(self) -> None:
        self._size = (0, 0)
        self._whole = np.zeros((0, 0), np.int32)
        self._parts = np.zeros((0, 0), np.int32)

    def read(self, motion: NDArray[np.int16], width: int, height: int) -> bool:
        """Take a frame's `Frame.motion`. False where too little of the picture has any."""
        columns, rows = -(-width // _BLOCK), -(-height // _BLOCK)
        if self._size != (width, height):
            self._size = (width, height)
            self._whole = np.empty((rows, columns), np.int32)
            self._parts = np.empty((2 * rows, 2 * columns), np.int32)
        self._whole.fill(_UNKNOWN)
        self._parts.fill(_UNKNOWN)
        if not len(motion):
            return False
        x, y = motion[:, 0], motion[:, 1]
        if x.min() < 0 or y.min() < 0 or x.max() >= columns * _BLOCK or y.max() >= rows * _BLOCK:
            motion = motion[_within(motion[:, :2], columns * _BLOCK, rows * _BLOCK)]
            x, y = motion[:, 0], motion[:, 1]
        packed = np.ascontiguousarray(motion).view(np.int32)  # centre, vector, size
        # Divided blocks write here too; what their samples read is overlaid below.
        self._whole[y >> 4, x >> 4] = packed[:, 1]
        divided = np.flatnonzero(packed[:, 2] != _WHOLE_BLOCK)
        x, y, vector = x[divided], y[divided], packed[divided, 1]
        # A part that is a whole block long covers two cells, one on either side of its centre.
        reach_x, reach_y = ((motion[divided, side] == _BLOCK) * np.int16(_BLOCK // 4) for side in (4, 5))
        self._parts[y - reach_y >> 3, x - reach_x >> 3] = vector
        self._parts[y + reach_y >> 3, x + reach_x >> 3] = vector
        return len(motion) >= _KNOWN_SHARE * self._whole.size

    def shifts(self, boxes: Floats) -> Floats:
        """How boxes (N, 4) moved, px, float32 (N, 2); NaN where too few of their samples have a vector.

        The median of the samples that move against the camera, where there are enough of them to be the body;
        else the median of all, for then the athlete stands or moves as the camera does.
        """
        points = boxes[:, None, :2] + (boxes[:, 2:] - boxes[:, :2])[:, None] * _VECTOR_POINTS
        dx, dy, known = self._at(points)
        camera = self._camera(boxes)
        limit = 4 * _MOVING_PX
        moving = known & ((np.abs(dx - camera[0]) >= limit) | (np.abs(dy - camera[1]) >= limit))
        amount = known.sum(axis=1)
        enough = moving.sum(axis=1) >= np.maximum(2, _MOVING_SHARE * amount)
        used = np.where(enough[:, None], moving, known)
        shifts = np.stack([_median(dx, used), _median(dy, used)], axis=1) / np.float32(4)
        shifts[amount < _KNOWN_SHARE * len(_VECTOR_POINTS)] = np.nan
        return shifts

    def _at(self, points: NDArray[np.floating]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
        """dx, dy (px/4) at points (…, 2), and whether they are known."""
        at = points.astype(np.int32) >> 3
        rows, columns = self._parts.shape
        here = _within(at, columns, rows)
        x, y = np.where(here, at[..., 0], 0), np.where(here, at[..., 1], 0)
        part = self._parts[y, x]
        packed = np.where(part == _UNKNOWN, self._whole[y >> 1, x >> 1], part)
        return (*_unpack(packed), here & (packed != _UNKNOWN))

    def _camera(self, boxes: Floats) -> tuple[float, float]:
        """How the camera moved, px/4: the median of the blocks outside all boxes."""
        rows, columns = self._whole.shape
        outside = self._whole != _UNKNOWN
        outer = np.clip(boxes, 0, 16 * max(rows, columns)).astype(np.int32) // _BLOCK
        for left, top, right, bottom in outer.tolist():
            outside[top : bottom + 1, left : right + 1] = False
        packed = self._whole[outside][::4]
        if not len(packed):
            packed = self._whole[self._whole != _UNKNOWN]
        if not len(packed):
            return 0.0, 0.0
        dx, dy = (np.sort(values) for values in _unpack(packed))
        return float(dx[len(dx) // 2]), float(dy[len(dy) // 2])


def _within(at: NDArray[np.signedinteger], columns: int, rows: int) -> NDArray[np.bool_]:
    x, y = at[..., 0], at[..., 1]
    return (x >= 0) & (y >= 0) & (x < columns) & (y < rows)


def _unpack(packed: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """dx in the lower half, dy in the upper one: as int16 pairs lie on a little-endian machine."""
    return (packed << 16) >> 16, packed >> 16


def _median(values: NDArray[np.int32], used: NDArray[np.bool_]) -> Floats:
    """Per row of (N, M), the median of the ``used`` values; of none, nonsense."""
    ordered = np.sort(np.where(used, values, _LAST), axis=1)
    count = used.sum(axis=1)
    rows = np.arange(len(values))
    low, high = ordered[rows, np.maximum(count - 1, 0) // 2], ordered[rows, count // 2 % values.shape[1]]
    return ((low + high) / 2).astype(np.float32)


def _grey(frame: Frame) -> NDArray[np.uint8]:
    """Luma, halved until it is at most 960 px wide."""
    width, height = frame.width, frame.height
    while width > _FLOW_WIDTH:
        width, height = width // 2, max(1, height // 2)
    # A copy even where nothing was shrunk: flow wants its rows without gaps.
    return np.ascontiguousarray(shrink(frame.y, (width, height)))


def _flow(former: NDArray[np.uint8], grey: NDArray[np.uint8], boxes: Floats, scale: float) -> Floats:
    """How boxes (N, 4) moved, px, float32 (N, 2), by the median flow of their points; NaN where few are found."""
    points = (boxes[:, None, :2] + (boxes[:, 2:] - boxes[:, :2])[:, None] * _FLOW_POINTS) / np.float32(scale)
    starts = points.reshape(-1, 1, 2)
    ends, found, _ = cv2.calcOpticalFlowPyrLK(
        former,
        grey,
        starts,
        starts.copy(),
        winSize=_FLOW_WINDOW,
        maxLevel=_FLOW_LEVELS,
        criteria=_FLOW_STOP,
    )
    moved = (ends.reshape(points.shape) - points) * scale
    moved[found.reshape(points.shape[:2]) == 0] = np.nan
    lost = np.isnan(moved[..., 0]).mean(axis=1) > 1 - _KNOWN_SHARE
    moved[lost] = 0
    shifts = np.nanmedian(moved, axis=1).astype(np.float32)
    shifts[lost] = np.nan
    return shifts
