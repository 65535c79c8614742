"""A decoded picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchline.types.errors import ShapeError


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, YUV 4:2:0 in three planes that may be views of the decoder's own memory.

    Read-only by agreement; holding a frame holds its memory, so keep few.

    ``pts``: media time, 1/90,000 s. ``y``: uint8 (H, W). ``u``, ``v``: uint8 (⌈H/2⌉, ⌈W/2⌉).
    ``full_range``: luma is 0–255 rather than 16–235. ``bt709``: matrix BT.709 rather than BT.601.
    ``motion``: int16 (N, 6), one row per block of this picture that the codec predicted from the picture
    shown before it, or None where the codec does not say: centre x, centre y (px, in this picture), the
    movement since the former picture dx, dy (quarter px), block width, block height (px).
    ``is_key``: an intra picture.
    ``native``: the decoder's own object, for an encoder that can take it without a copy.
    ``sample_aspect``: how wide a pixel is to be shown, by its height (SAR).
    ``number``: which picture of its stream it is, from 1, those counted that damage took; 0 where nobody counts.
    """

    pts: int
    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    is_key: bool = False
    full_range: bool = False
    bt709: bool = True
    motion: NDArray[np.int16] | None = None
    native: object | None = None
    number: int = 0
    sample_aspect: float = 1.0

    def __post_init__(self) -> None:
        if self.y.ndim != 2:
            raise ShapeError(f"Frame.y must be (height, width), is {self.y.shape}")
        height, width = self.y.shape
        chroma = ((height + 1) // 2, (width + 1) // 2)
        if self.u.shape != chroma or self.v.shape != chroma:
            raise ShapeError(f"Frame.u and .v must be {chroma}, are {self.u.shape} and {self.v.shape}")
        for name, plane in (("y", self.y), ("u", self.u), ("v", self.v)):
            if plane.dtype != np.uint8:
                raise ShapeError(f"Frame.{name} must be uint8, is {plane.dtype}")

    @property
    def width(self) -> int:
        """Width in px."""
        return self.y.shape[1]

    @property
    def height(self) -> int:
        """Height in px."""
        return self.y.shape[0]
