"""How far an output may reach into the input that it is computed from, while that is still read.

Pure. Kernels that go over the image write their output pixel by pixel in rising order, and read what a pixel needs
before they write it (or, where one pixel's channels come in turns, while they write it). So an output that starts
far enough below its input never overwrites what is still to be read.
"""

from __future__ import annotations

import numpy as np

from touchline.tiny.graph import Padding, Pair


def distance(
    image: tuple[int, ...], made: tuple[int, ...], stride: Pair, padding: Padding, *, reads_while_writing: bool
) -> int:
    """The least number of bytes from the start of the output to the start of the input above it; may be negative.

    ``image`` and ``made``: their shapes, one image each.
    """
    _, height, width, depth = image
    _, rows, columns, channels = made
    # The first byte that each output pixel reads: the window's corner, held within the image.
    y = np.clip(np.arange(rows) * stride[0] - padding.top, 0, height - 1)
    x = np.clip(np.arange(columns) * stride[1] - padding.left, 0, width - 1)
    reads = ((y[:, None] * width + x[None, :]) * depth).ravel()
    lowest = np.minimum.accumulate(reads[::-1])[::-1]
    written = np.arange(1, rows * columns + 1) * channels
    if reads_while_writing:
        return int((written - lowest).max())
    return int((written[:-1] - lowest[1:]).max()) if len(written) > 1 else 1 - height * width * depth
