"""Small networks for the model road's tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SimpleModel(nn.Module):
    """Ten numbers to one."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class SmallNet(nn.Module):
    """What a phone's classifier is made of, in small: strided, depthwise, normalised, pooled, two answers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU6(),
            nn.Conv2d(8, 8, 3, 1, 1, groups=8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 1),
            nn.ReLU(),
        )
        self.head = nn.Linear(16, 5)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(picture)
        return self.head(x.mean((2, 3))), x


def simple_model() -> tuple[nn.Module, Tensor]:
    """Trained for 100 epochs on random data, as the classic ten lines do."""
    torch.manual_seed(0)
    model = SimpleModel()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.randn(100, 10), torch.randn(100, 1)
    for _ in range(100):
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimiser.step()
    return model, torch.randn(1, 10)


def small_net() -> tuple[nn.Module, Tensor]:
    """With random weights."""
    torch.manual_seed(1)
    return SmallNet(), torch.rand(1, 3, 32, 32)


class OddNet(nn.Module):
    """Operators that hardly any device has, in two places."""

    def forward(self, x: Tensor) -> Tensor:
        sines = torch.special.bessel_j0(x)
        return torch.special.i1e(x) + sines


class Branching(nn.Module):
    """Its data decide what is computed."""

    def forward(self, x: Tensor) -> Tensor:
        return x if float(x.sum()) > 0 else -x
