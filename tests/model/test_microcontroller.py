"""A PyTorch module becomes an int8 .tflite that the small compiler takes as it is, and that is the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.needs import need
from tests.tiny.writer import litert_reference, micro_reference
from touchline.model.microcontroller import quantised
from touchline.tiny import reference
from touchline.tiny.artifact import compile_artifact, run_artifact
from touchline.tiny.import_tflite import read_tflite
from touchline.types import CheckFailed, ConfigError, ShapeError


class Net(nn.Module):
    """1×2×12×10 → convolution, depthwise with a residual, pool, scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6())
        self.wide = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Hardswish(), nn.Conv2d(8, 8, 1))
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = x + self.wide(x)
        return self.head(x.mean((2, 3))).softmax(-1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list]:
    torch.manual_seed(3)
    home = tmp_path_factory.mktemp("module")
    rng = np.random.default_rng(0)
    real = [(rng.normal(size=(1, 2, 12, 10)).astype(np.float32),) for _ in range(12)]
    module = Net()
    module.train()
    samples = quantised(module, (torch.zeros(1, 2, 12, 10),), real, home / "net.tflite", "net")
    assert module.training
    return home / "net.tflite", samples


def test_it_is_int8_from_end_to_end_and_both_interpreters_bits(made: tuple[Path, list]) -> None:
    file, _ = made
    graph = read_tflite(file)
    assert graph.reals == ()
    assert {graph.tensors[key].dtype for key in (*graph.inputs, *graph.outputs)} == {"int8"}
    rng = np.random.default_rng(1)
    for _ in range(5):
        x = rng.integers(-128, 128, (1, 2, 12, 10)).astype(np.int8)
        (ours,) = reference.run(graph, x)
        for theirs in (litert_reference, micro_reference):
            np.testing.assert_array_equal(ours, theirs(file.read_bytes(), x)[0])


def test_the_folder_answers_like_the_module(made: tuple[Path, list], tmp_path: Path) -> None:
    need("cc")
    file, samples = made
    compile_artifact(file, tmp_path / "net", samples=samples)
    (answer,) = run_artifact(tmp_path / "net", samples[0].inputs, "host").outputs
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, samples[0].outputs[0], atol=0.03)


def test_another_model_is_not_kept(made: tuple[Path, list], tmp_path: Path) -> None:
    file, samples = made
    with pytest.raises(CheckFailed, match="not the same model"):
        compile_artifact(file, tmp_path / "net", samples=samples, tolerance=1e-6)
    assert not (tmp_path / "net").exists()


def test_what_it_cannot_calibrate_on_is_told(tmp_path: Path) -> None:
    example = (torch.zeros(1, 2, 12, 10),)
    with pytest.raises(ConfigError, match="--calibration"):
        quantised(Net(), example, [], tmp_path / "net.tflite", "net")
    with pytest.raises(ShapeError, match="sample 0"):
        quantised(Net(), example, [np.zeros((1, 2, 3, 4), np.float32)], tmp_path / "net.tflite", "net")
