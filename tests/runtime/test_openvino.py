"""OpenVINO: the same files, the same answers, the same errors as ONNX Runtime's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.model.graphs import write_convolutions
from tests.runtime.test_load import onnx_file
from touchline.runtime import shelf
from touchline.runtime.load import load
from touchline.runtime.verify import verify
from touchline.types import ModelError


def test_without_it_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r"\[openvino\]"):
        load(onnx_file(tmp_path / "m.onnx"), device="openvino")


@pytest.fixture
def openvino() -> None:
    pytest.importorskip("openvino")


@pytest.mark.usefixtures("openvino")
def test_it_answers_as_onnx_runtime_does(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "m.onnx", shape=("n", 3, "rows", "columns"))
    ours, theirs = load(file, device="openvino"), load(file, device="cpu")
    assert ours.device == "openvino"
    assert ours.inputs == theirs.inputs
    assert ours.outputs == theirs.outputs
    for side in (16, 24, 16):
        x = np.random.default_rng(side).random((2, 3, side, side), np.float32)
        np.testing.assert_allclose(ours.run(x)[0], theirs.run(x)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("openvino")
def test_its_answers_are_the_caller_s(tmp_path: Path) -> None:
    model = load(onnx_file(tmp_path / "m.onnx"), device="openvino")
    first = model.run(np.ones((1, 2), np.float32))[0]
    model.run(np.zeros((1, 2), np.float32))
    assert first.tolist() == [[-1, -1]]


@pytest.mark.usefixtures("openvino")
def test_the_shipped_detector_is_proved_on_it() -> None:
    assert verify(shelf.SHIPPED / "athlete", device="openvino").require().passed


@pytest.mark.usefixtures("openvino")
def test_what_does_not_fit_or_is_broken_is_one_line(tmp_path: Path) -> None:
    model = load(onnx_file(tmp_path / "m.onnx"), device="openvino")
    for wrong in (np.ones((3, 5), np.float32), np.ones((3, 2), np.float64)):
        with pytest.raises(ModelError, match=r"m\.onnx") as caught:
            model.run(wrong)
        assert "\n" not in str(caught.value)
    for number, data in enumerate((b"", b"text", b"\0" * 1000)):
        file = tmp_path / f"{number}.onnx"
        file.write_bytes(data)
        with pytest.raises(ModelError, match=f"{number}") as caught:
            load(file, device="openvino")
        assert "\n" not in str(caught.value)
