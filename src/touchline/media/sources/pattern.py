"""``test:``: a moving pattern with a frame counter, encoded as H.264 like a camera's.

``test:?width=1280&height=720&fps=30&seed=0&frames=0``; ``frames`` ends it after so many, 0 never.

Each picture carries its number and its time of birth twice: as digits, and as two rows of 32 cells along
the top edge, which `read_barcode` and a page's canvas can read::

    row 0   frame number, mod 2³²
    row 1   Unix time in ms when the picture was made, mod 2³²

Most significant bit on the left, white 1, black 0. A cell is width/32 wide and height/30 high (40×24 px at
1280×720), so the code outlives scaling of the whole picture; read it by the mean of a cell's middle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from threading import Event
from urllib.parse import parse_qsl

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.media.encode import Encoder
from touchline.media.sources.location import Location
from touchline.media.sources.source import Traits
from touchline.media.timeline import Sample
from touchline.types import MEDIA_CLOCK, Frame, SourceError, StreamInfo

CELLS = 32
ROW_DIVISOR = 30
MIN_WIDTH, MIN_HEIGHT = 256, 240
"""Smaller, the cells would not survive encoding."""
_WHITE, _BLACK = 235, 16
_BALLS = 6


class PatternSource:
    """Makes pictures at their due time, or as fast as it goes where ``realtime`` is False.

    Raises `SourceError` for a parameter that is unknown or out of range.
    """

    def __init__(self, location: Location, *, realtime: bool, clock: Callable[[], float], stop: Event) -> None:
        given = _parameters(location)
        self._width, self._height = given["width"], given["height"]
        self._fps, self._seed, self._frames = given["fps"], given["seed"], given["frames"]
        self.traits = Traits(ends=self._frames > 0)
        self._realtime = realtime
        self._clock = clock
        self._stop = stop
        self._interrupted = Event()

    def interrupt(self) -> None:
        """End at the next picture."""
        self._interrupted.set()

    def read(self) -> Generator[StreamInfo | Sample]:
        """See `Source.read`."""
        painter = Painter(self._width, self._height, self._fps, self._seed)
        encoder = Encoder(self._width, self._height, self._fps, gop_seconds=1.0)
        start = self._clock()
        yield encoder.info
        number = 0
        while not self._frames or number < self._frames:
            if self._realtime:
                wait = start + number / self._fps - self._clock()
                if wait < -1.0:
                    # This machine is too slow or was stopped: leave out what is past, as a camera would.
                    number += int(-wait * self._fps)
                elif wait > 0 and self._interrupted.wait(wait):
                    return
            if self._stop.is_set() or self._interrupted.is_set():
                return
            frame = painter.paint(number, time.time_ns() // 1_000_000)
            for packet in encoder.encode(frame):
                yield Sample(packet.data, packet.pts, packet.pts, packet.is_key)
            number += 1


class Painter:
    """Draws picture after picture, ``width`` × ``height`` px."""

    def __init__(self, width: int, height: int, fps: int, seed: int) -> None:
        self._fps = fps
        rng = np.random.default_rng(seed)
        rows = np.linspace(60, 110, height)[:, None]
        columns = np.linspace(0, 20, width)[None, :]
        self._ground = (rows + columns + rng.integers(0, 6, (height, width))).astype(np.uint8)
        self._ground_u = np.full(((height + 1) // 2, (width + 1) // 2), 112, np.uint8)
        self._ground_v = np.full_like(self._ground_u, 108)
        self._start = rng.uniform(0, 2, (_BALLS, 2))
        self._speed = rng.uniform(0.1, 0.5, (_BALLS, 2))
        self._tints = rng.integers(40, 216, (_BALLS, 2)).tolist()
        self._radius = max(6, height // 18)

    def paint(self, number: int, unix_ms: int) -> Frame:
        """Picture ``number``, stamped ``unix_ms``; ``pts`` from its number and the rate."""
        y, u, v = self._ground.copy(), self._ground_u.copy(), self._ground_v.copy()
        height, width = y.shape
        top = 2 * (height // ROW_DIVISOR)
        # Each ball runs there and back between the edges: a triangle wave of its distance.
        place = 1 - np.abs((self._start + self._speed * number / self._fps) % 2 - 1)
        radius = self._radius
        spots = place * (width - 2 * radius, height - top - 2 * radius) + (radius, radius + top)
        for (x, line), tint in zip(spots.astype(int).tolist(), self._tints, strict=True):
            cv2.circle(y, (x, line), radius, (180,), -1)
            for plane, value in zip((u, v), tint, strict=True):
                cv2.circle(plane, (x // 2, line // 2), radius // 2, (value,), -1)
        size = height / 480
        where = (width // 32, height - height // 16)
        cv2.putText(y, f"{number:08d}", where, cv2.FONT_HERSHEY_SIMPLEX, size, (_WHITE,), 2, cv2.LINE_AA)
        _draw_row(y, u, v, 0, number)
        _draw_row(y, u, v, 1, unix_ms)
        return Frame(pts=number * MEDIA_CLOCK // self._fps, y=y, u=u, v=v)


def read_barcode(luma: NDArray[np.uint8]) -> tuple[int, int]:
    """The frame number and Unix time in ms (both mod 2³²) of a picture's luma, uint8 (H, W)."""
    return _read_row(luma, 0), _read_row(luma, 1)


def _cell(shape: tuple[int, ...], row: int, bit: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a cell, px."""
    height, width = shape
    return (
        row * height // ROW_DIVISOR,
        (row + 1) * height // ROW_DIVISOR,
        bit * width // CELLS,
        (bit + 1) * width // CELLS,
    )


def _draw_row(y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8], row: int, value: int) -> None:
    bottom = 0
    for bit in range(CELLS):
        top, bottom, left, right = _cell(y.shape, row, bit)
        y[top:bottom, left:right] = _WHITE if value >> CELLS - 1 - bit & 1 else _BLACK
    end = (bottom + 1) // 2
    u[:end] = v[:end] = 128


def _read_row(luma: NDArray[np.uint8], row: int) -> int:
    value = 0
    for bit in range(CELLS):
        top, bottom, left, right = _cell(luma.shape, row, bit)
        rim, side = (bottom - top) // 4, (right - left) // 4
        value = value << 1 | (luma[top + rim : bottom - rim, left + side : right - side].mean() > 125)
    return int(value)


_RANGES = {
    "width": (1280, MIN_WIDTH, 7680),
    "height": (720, MIN_HEIGHT, 4320),
    "fps": (30, 1, 240),
    "seed": (0, 0, 2**32),
    "frames": (0, 0, 2**32),
}


def _parameters(location: Location) -> dict[str, int]:
    query = location.address.partition(":")[2].removeprefix("?")
    values = {name: default for name, (default, _, _) in _RANGES.items()}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in _RANGES:
            known = ", ".join(_RANGES)
            raise SourceError(location.shown, f"has no parameter {name}", f"those it has: {known}", retry=False)
        _, low, high = _RANGES[name]
        if not text.isdecimal() or not low <= int(text) <= high:
            raise SourceError(
                location.shown,
                f"{name} is {text or 'empty'}",
                f"give a whole number from {low} to {high}",
                retry=False,
            )
        values[name] = int(text)
    return values
