"""A depthwise separable network (DS-CNN, arXiv 1711.07128) over windows of features, for microcontrollers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class NetSpec:
    """``stem``: channels of the first convolution; ``kernel`` and ``stride``: its own, over rows and values.
    ``widths``: channels of each block after it; ``strides``: a pair for each."""

    stem: int = 16
    kernel: Pair = (5, 5)
    stride: Pair = (2, 2)
    widths: tuple[int, ...] = (32, 48, 64, 64)
    strides: tuple[Pair, ...] = ((2, 2), (1, 1), (2, 2), (1, 1))


class WindowNet(nn.Module):
    """(N, 1, rows, values) → scores before softmax (N, classes).

    ``spec``'s pairs and lists must be as many as `NetSpec` says; see `check`.
    """

    def __init__(self, spec: NetSpec, classes: int) -> None:
        super().__init__()
        self.stem = _conv(1, spec.stem, spec.kernel, spec.stride)
        wide = spec.stem
        blocks: list[nn.Module] = []
        for width, stride in zip(spec.widths, spec.strides, strict=True):
            blocks += [_conv(wide, wide, (3, 3), stride, groups=wide), _conv(wide, width, (1, 1), (1, 1))]
            wide = width
        self.blocks = nn.Sequential(*blocks)
        self.scores = nn.Linear(wide, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(cast(Tensor, self.blocks(self.stem(x))).mean((2, 3)))


class Shares(nn.Module):
    """A net's scores after softmax: what a device says."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.net(x)).softmax(-1)


def _conv(taken: int, given: int, kernel: Pair, stride: Pair, groups: int = 1) -> nn.Sequential:
    pad = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(taken, given, kernel, stride, pad, groups=groups, bias=False), nn.BatchNorm2d(given), nn.ReLU()
    )
