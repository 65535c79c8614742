"""The athlete detector: people, their roles and the ball, from the planes a decoder gives."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

ROLES = ("goalkeeper", "player", "referee")
STRIDE = 4
"""Input pixels a cell of the output covers."""
ZERO_POINT, SCALE = 128, 1 / 64
"""The network sees (byte − ZERO_POINT) · SCALE, which a quantised graph does for nothing."""
FINER = 2
"""Cells of the output, across and down, that one place of the last layer answers for."""
COARSEST = 32
"""Input sizes are multiples of this."""
CHANNELS = 2 + len(ROLES) + 4 + 4
"""Of the output: person and ball logits, role logits, four distances of a person's box, four of a ball's."""


class _Conv(nn.Sequential):
    """A dense 3×3 convolution, normalised and rectified."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """relu(x + bn(conv(x)))."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.norm(self.conv(x)))


class AthleteNet(nn.Module):
    """A plain pyramid: strides 4 to 32 down, sums back up to 8, one head that answers for `FINER`² cells each.

    It takes luma as 2×2 blocks in four channels beside the two chroma planes of 4:2:0, all at half size:
    no colour conversion, no up-sampling of chroma, and the first layer works at a quarter of the pixels. What
    happens at stride 4 costs most, so that is narrow, and nothing comes back up to it: the head's channels
    are the cells of stride 4 (sub-pixel convolution: Shi et al. 2016, arXiv 1609.05158).

    ``widths``: channels at strides 4, 8, 16 and 32. ``depths``: residual blocks at strides 16 and 32. ``head``:
    channels before the last layer.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (16, 48, 80, 128),
        depths: tuple[int, int] = (1, 3),
        head: int = 48,
    ) -> None:
        super().__init__()
        c4, c8, c16, c32 = widths
        self.stem = nn.Sequential(_Conv(6, c4, 2), _Conv(c4, c4))
        self.down8 = nn.Sequential(_Conv(c4, c8, 2), _Conv(c8, c8))
        self.down16 = nn.Sequential(_Conv(c8, c16, 2), *(_Residual(c16) for _ in range(depths[0])))
        self.down32 = nn.Sequential(
            _Conv(c16, c32, 2), *(_Residual(c32, dilation=1 + i % 3) for i in range(depths[1]))
        )
        self.up32 = nn.Conv2d(c32, c16, 1)
        self.up16 = nn.Conv2d(c16, c8, 1)
        self.mix8 = _Conv(c8, head)
        self.out = nn.Conv2d(head, CHANNELS * FINER**2, 1)
        with torch.no_grad():
            bias = cast(Tensor, self.out.bias)
            bias.zero_()
            bias[: 2 * FINER**2] = -4.6  # a prior of 1 % keeps the first steps' focal loss small

    def forward(self, planes: Tensor) -> Tensor:
        """uint8-valued floats (N, 6, H/2, W/2) → (N, CHANNELS, H/4, W/4)."""
        return functional.pixel_shuffle(self.maps((planes - ZERO_POINT) * SCALE), FINER)

    def maps(self, x: Tensor) -> Tensor:
        """What an exported file holds behind its integer input: planes around 0 → (N, CHANNELS·FINER², H/8, W/8).

        Whoever reads it puts the cells in their places, which costs a graph a tenth of its time.
        """
        x8 = self.down8(self.stem(x))
        x16 = self.down16(x8)
        x16 = functional.relu(x16 + _double(self.up32(self.down32(x16))))
        x8 = functional.relu(x8 + _double(self.up16(x16)))
        return self.out(self.mix8(x8))


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
