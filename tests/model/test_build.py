"""The model road: a module goes in, an artifact comes out that is proved to be the same model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import touchline
from tests.model import nets
from touchline.model.samples import Pair
from touchline.runtime import manifest
from touchline.runtime.verify import verify
from touchline.types import CheckFailed, ConfigError, ModelError, ShapeError

TARGETS = ["server", "edge", "phone"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


def pictures(count: int, seed: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random((1, 3, 32, 32), np.float32) for _ in range(count)]


@pytest.mark.parametrize("target", TARGETS)
def test_the_classic_ten_lines_go_through_every_target(target: str, folder: Path) -> None:
    model, x = nets.simple_model()
    artifact = touchline.compile(model, x, target, out=folder / f"simple-{target}")
    program = touchline.load(folder / f"simple-{target}")
    y = program.run(x.numpy())
    assert isinstance(y, np.ndarray)
    np.testing.assert_allclose(y, model(x).detach().numpy(), rtol=1e-4, atol=1e-5)
    assert artifact.manifest["verified"]["passed"] is True
    assert [port["shape"] for port in artifact.manifest["inputs"]] == [[1, 10]]
    assert artifact.manifest["measured"]["latency"][0]["p50_ms"] > 0


@pytest.mark.parametrize("target", TARGETS)
def test_int8_is_smaller_and_still_the_same_model(target: str, folder: Path) -> None:
    model, x = nets.small_net()
    samples = pictures(16)
    artifact = touchline.compile(
        model, x, target, quantise="int8", calibration=samples, out=folder / f"small-{target}"
    )
    program = touchline.load(folder / f"small-{target}")
    fresh = pictures(1, seed=99)[0]
    answers = program.run(fresh)
    assert isinstance(answers, tuple)
    truth = model.eval()(torch.from_numpy(fresh))
    for answer, true in zip(answers, truth, strict=True):
        true = true.detach().numpy()
        assert 0 < np.linalg.norm(answer - true) < 0.1 * np.linalg.norm(true)  # int8 indeed, and close
    assert artifact.manifest["quantise"] == "int8"
    assert artifact.manifest["verified"]["samples"] == 8


def test_no_weights_lie_outside_the_flatbuffer(folder: Path) -> None:
    """The quantiser puts them behind it, where TFLM and others read garbage."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    torch.manual_seed(0)
    wide = torch.nn.Sequential(torch.nn.Linear(600, 600), torch.nn.ReLU(), torch.nn.Linear(600, 4))
    samples = [np.random.default_rng(n).normal(size=(1, 600)).astype(np.float32) for n in range(8)]
    artifact = touchline.compile(
        wide, torch.randn(1, 600), "edge", quantise="int8", calibration=samples, out=folder / "wide-edge"
    )
    data = artifact.file.read_bytes()
    assert data[4:8] == b"TFL3"
    model = schema.Model.GetRootAs(data, 0)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    assert all(buffer.Offset() <= 1 for buffer in buffers)
    assert max(buffer.DataLength() for buffer in buffers) == 360_000


@pytest.mark.parametrize(("target", "tolerance"), [("server", 0.003), ("edge", 0.004)])
def test_mixed_names_layers_as_the_module_does(target: str, tolerance: float, folder: Path) -> None:
    model, x = nets.small_net()
    out = folder / f"mixed-{target}"
    made = touchline.compile(
        model, x, target, quantise="mixed", calibration=pictures(4), out=out, tolerance=tolerance
    )
    losses = {each["layer"]: each["relative_error"] for each in made.manifest["sensitivity"]}
    # LiteRT's converter forgets what a network's last layer was called.
    assert {"body.0", "body.3", "body.5"} < set(losses)
    assert len(losses) == 4
    assert list(losses.values()) == sorted(losses.values(), reverse=True)
    left = made.manifest["float_layers"]
    assert left == list(losses)[: len(left)]
    assert 0 < len(left) < 4
    assert verify(out).passed


def test_mixed_is_not_for_phones_yet(folder: Path) -> None:
    model, x = nets.small_net()
    with pytest.raises(ConfigError, match="mixed goes to targets server and edge"):
        touchline.compile(model, x, "phone", quantise="mixed", calibration=pictures(4), out=folder / "never")


@pytest.mark.parametrize("target", ["server", "edge"])
def test_what_loses_more_than_its_tolerance_is_not_written(target: str, folder: Path) -> None:
    model, x = nets.small_net()
    out = folder / "strict"
    with pytest.raises(CheckFailed, match=r"not the same model: .* 1e-06 is allowed.*; most is lost in .*body\.5"):
        touchline.compile(model, x, target, quantise="int8", calibration=pictures(4), tolerance=1e-6, out=out)
    assert not out.exists()
    assert not list(folder.glob(".strict*"))


@pytest.mark.parametrize("target", TARGETS)
def test_all_unsupported_operators_are_named_with_their_lines(target: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        touchline.compile(nets.OddNet(), torch.rand(2, 2), target, out=tmp_path / "odd")
    message = str(caught.value)
    assert "bessel_j0" in message
    assert "i1e" in message
    assert message.count("nets.py:") == 2
    assert "\n" not in message


def test_a_preprocess_that_the_training_did_not_have_is_not_written(folder: Path) -> None:
    model, x = nets.small_net()
    shown = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    pairs = [Pair(shown, (shown / np.float32(255)).transpose(2, 0, 1)[None])]
    for how, fails in (({"colour": "bgr"}, True), ({"range": [0, 255]}, True), ({"colour": "rgb"}, False)):
        out = folder / "seen"
        if fails:
            with pytest.raises(CheckFailed, match="it fits with"):
                touchline.compile(model, x, "server", calibration=pairs, preprocess=how, out=out)
            assert not out.exists()
        else:
            touchline.compile(model, x, "server", calibration=pairs, preprocess=how, out=out)
            assert isinstance(touchline.load(out).run(shown), tuple)


def test_the_caller_s_module_stays_as_it_was(tmp_path: Path) -> None:
    """Its user may go on training it: all parts keep their modes, those that were frozen too."""
    model, x = nets.small_net()
    model.train()
    frozen = next(part for part in model.modules() if isinstance(part, torch.nn.BatchNorm2d))
    frozen.eval()
    with pytest.raises(CheckFailed):
        touchline.compile(
            model, x, "server", quantise="int8", calibration=pictures(2), tolerance=1e-9, out=tmp_path / "never"
        )
    assert [part.training for part in model.modules()] == [part is not frozen for part in model.modules()]


def test_a_module_that_answers_no_number_is_refused(tmp_path: Path) -> None:
    class Logarithm(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x, torch.log(-x)

    with pytest.raises(ModelError, match="itself answers a NaN"):
        touchline.compile(Logarithm(), torch.ones(1, 2), "server", out=tmp_path / "never")


def test_a_module_whose_data_decide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be traced"):
        touchline.compile(nets.Branching(), torch.rand(2, 2), "server", out=tmp_path / "branching")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"target": "toaster"}, ConfigError, "server, edge, phone"),
        ({"quantise": "int4"}, ConfigError, "none, int8 or mixed"),
        ({"quantise": "int8"}, ConfigError, "give calibration samples"),
        ({"calibration": [np.zeros((1, 3, 30, 30), np.float32)]}, ShapeError, "sample 0 is"),
        ({"calibration": [np.zeros((1, 3, 32, 32), np.float64)]}, ShapeError, "float64"),
        ({"calibration": [np.full((1, 3, 32, 32), np.nan, np.float32)]}, ShapeError, "NaN"),
        ({"out": "."}, ConfigError, "exists already"),
    ],
)
def test_wrong_input_is_one_clear_line(
    change: dict[str, Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    model, x = nets.small_net()
    with pytest.raises(error, match=words):
        touchline.compile(model, x, **({"target": "server", "out": tmp_path / "never"} | change))
    assert not (tmp_path / "never").exists()


def test_a_device_without_torch_gives_the_same_answer(folder: Path) -> None:
    """The whole way back in a process where torch cannot be imported."""
    model, x = nets.simple_model()
    out = folder / "light"
    touchline.compile(model, x, "server", out=out)
    np.save(folder / "x.npy", x.numpy())
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from touchline.app.cli import main\n"
        f"sys.argv = ['touchline', 'model', 'run', {str(out)!r}, '--input', {str(folder / 'x.npy')!r}, "
        f"'--out', {str(folder / 'y.npy')!r}]\n"
        "main()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    np.testing.assert_allclose(np.load(folder / "y.npy"), model(x).detach().numpy(), rtol=1e-4, atol=1e-5)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "touchline", "model", *words],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def test_the_commands_compile_verify_gate_and_refuse(tmp_path: Path) -> None:
    calibration = tmp_path / "samples"
    calibration.mkdir()
    for number, picture in enumerate(pictures(8)):
        np.save(calibration / f"{number}.npy", picture)
    out = tmp_path / "net-server"
    made = command(
        *("compile", f"{nets.__file__}:small_net", "--target", "server", "--quantise", "int8"),
        *("--calibration", str(calibration), "--out", str(out), "--json"),
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr == "", "libraries keep to themselves"
    assert json.loads(made.stdout)["verified"]["passed"] is True
    assert command("verify", str(out)).returncode == 0

    said = dict(manifest.read(out).manifest)
    files = list(said["files"])
    manifest.write(out, said | {"tolerance": 1e-6}, files)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04garbage")
    garbage = command("run", str(out), "--input", str(tmp_path / "bad.npz"))
    assert garbage.returncode == 2
    assert "cannot be read as .npy or .npz" in garbage.stderr
    refused = command("verify", str(out))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "not the same model" in refused.stderr
    gated = command("gate", str(out), "--against", str(out))
    assert gated.returncode == 1
    assert "same model as its float reference" in gated.stderr
