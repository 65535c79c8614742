"""An .onnx file from elsewhere becomes an artifact that is proved to be the same model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

import touchline
from tests.bright_square import write_square_detector
from tests.e2e.box import command
from tests.model.graphs import write_convolutions, write_foreign
from touchline.model.adopt import adopt
from touchline.types import CheckFailed, ConfigError, Frame, ModelError, ShapeError
from touchline.vision.detect import load_detector


def pictures(count: int, side: int = 16) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.random((1, 3, side, side), np.float32) for _ in range(count)]


def by_hand(file: Path, x: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def test_a_float_file_runs_as_it_did(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx")
    said = adopt(file, tmp_path / "out").manifest
    x = pictures(1)[0]
    np.testing.assert_allclose(touchline.load(tmp_path / "out").run(x), by_hand(file, x), rtol=1e-4, atol=1e-6)
    assert said["verified"]["passed"]
    assert (said["proof"], said["quantise"], said["name"]) == ("noise", "none", "net")
    assert said["inputs"] == [{"name": "x", "shape": [1, 3, 16, 16], "dtype": "float32"}]


def test_int8_is_smaller_close_and_proved_against_the_float_file(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx")
    artifact = adopt(file, tmp_path / "out", quantise="int8", calibration=pictures(8))
    x = np.random.default_rng(9).random((1, 3, 16, 16), np.float32)
    mine, true = touchline.load(tmp_path / "out").run(x), by_hand(file, x)
    assert isinstance(mine, np.ndarray)
    assert 0 < np.linalg.norm(mine - true) < 0.1 * np.linalg.norm(true)
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(artifact.file).graph.node)
    assert artifact.manifest["proof"] == "calibration"


def test_free_sizes_stay_free(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx", shape=("n", 3, "rows", "columns"))
    with pytest.raises(ConfigError, match=r"any×3×any×any; give calibration"):
        adopt(file, tmp_path / "out")
    said = adopt(file, tmp_path / "out", quantise="int8", calibration=pictures(4)).manifest
    assert said["inputs"][0]["shape"] == ["n", 3, "rows", "columns"]
    x = pictures(1, side=24)[0]
    np.testing.assert_allclose(touchline.load(tmp_path / "out").run(x), by_hand(file, x), rtol=0.1, atol=0.01)


def test_what_loses_more_than_its_tolerance_is_not_written_and_the_layers_to_blame_are_named(
    tmp_path: Path,
) -> None:
    file = write_convolutions(tmp_path / "net.onnx", wild=True)
    with pytest.raises(
        CheckFailed, match=r"not the same model.*most is lost in (second|third) .*(second|third)"
    ) as caught:
        adopt(file, tmp_path / "out", quantise="int8", calibration=pictures(4))
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx"]


def int8_layers(file: Path) -> set[str]:
    """Convolutions whose weights are integers."""
    graph = onnx.load(file).graph
    makers = {output: node.op_type for node in graph.node for output in node.output}
    return {
        node.name
        for node in graph.node
        if node.op_type == "Conv" and makers.get(node.input[1]) == "DequantizeLinear"
    }


def test_mixed_keeps_the_layers_float_that_int8_cannot_hold(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx", wild=True)
    artifact = adopt(file, tmp_path / "out", quantise="mixed", calibration=pictures(4))
    said = artifact.manifest
    assert said["verified"]["passed"]
    assert said["quantise"] == "mixed"
    assert {each["layer"] for each in said["sensitivity"]} == {"first", "second", "third"}
    errors = [each["relative_error"] for each in said["sensitivity"]]
    assert errors == sorted(errors, reverse=True)
    assert said["sensitivity"][-1]["layer"] == "first"
    assert said["float_layers"] == [each["layer"] for each in said["sensitivity"][:2]]
    assert int8_layers(artifact.file) == {"first"}


def test_mixed_keeps_nothing_float_that_it_need_not(tmp_path: Path) -> None:
    artifact = adopt(
        write_convolutions(tmp_path / "net.onnx"), tmp_path / "out", quantise="mixed", calibration=pictures(4)
    )
    assert artifact.manifest["float_layers"] == []
    assert int8_layers(artifact.file) == {"first", "second", "third"}


def test_where_no_layer_can_be_int8_mixed_says_so(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx")
    with pytest.raises(CheckFailed, match="no layer can be int8 within 1e-07"):
        adopt(file, tmp_path / "out", quantise="mixed", calibration=pictures(4), tolerance=1e-7)
    assert not (tmp_path / "out").exists()


def test_all_operators_that_nobody_has_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        adopt(write_foreign(tmp_path / "net.onnx"), tmp_path / "out")
    assert "com.example.Twist (node one, two); com.example.Shout (node three)" in str(caught.value)


def test_a_quantised_file_is_refused_for_nothing_proves_it(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx")
    small = adopt(file, tmp_path / "out", quantise="int8", calibration=pictures(4)).file
    with pytest.raises(ModelError, match="is quantised already"):
        adopt(small, tmp_path / "again")


def test_a_detector_stays_one(tmp_path: Path) -> None:
    """What its TOML file said goes into the manifest: venue.toml can name its folder."""
    file = write_square_detector(tmp_path / "square.onnx")
    sample = np.zeros((1, 3, 192, 320), np.float32)
    adopt(file, tmp_path / "out", calibration=[sample, sample + 0.9])
    y = np.full((180, 320), 60, np.uint8)
    y[60:120, 100:180] = 230
    frame = Frame(0, y, np.full((90, 160), 128, np.uint8), np.full((90, 160), 128, np.uint8))
    found = [load_detector(path).detect(frame).boxes.tolist() for path in (file, tmp_path / "out")]
    assert found[0] == found[1]
    assert len(found[0]) == 1


def shown(seed: int) -> np.ndarray:
    """A smooth picture, BGR as OpenCV reads it."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (40, 20)), np.uint8)


def test_pictures_calibrate_prove_and_run(tmp_path: Path) -> None:
    """Each beside what the training's own code makes of it: a manifest that says otherwise is not written."""
    file = write_convolutions(tmp_path / "net.onnx")
    (tmp_path / "real").mkdir()
    for seed in range(6):
        cv2.imwrite(str(tmp_path / "real" / f"{seed}.png"), shown(seed))
        canvas = np.full((16, 16, 3), 114, np.uint8)
        canvas[4:12] = cv2.resize(shown(seed), (16, 8), interpolation=cv2.INTER_AREA)
        np.save(tmp_path / "real" / f"{seed}.npy", (canvas[..., ::-1] / np.float32(255)).transpose(2, 0, 1)[None])
    (tmp_path / "right.toml").write_text('colour = "rgb"\n')
    (tmp_path / "wrong.toml").write_text('colour = "bgr"\n')
    words = ("model", "compile", str(file), "--target", "server", "--quantise", "int8")
    words += ("--calibration", str(tmp_path / "real"), "--out", str(tmp_path / "out"), "--preprocess")
    wrong = command(*words, str(tmp_path / "wrong.toml"))
    assert wrong.returncode == 1
    assert "it fits with colour = 'rgb'" in wrong.stderr
    assert not (tmp_path / "out").exists()
    assert command(*words, str(tmp_path / "right.toml")).returncode == 0
    ran = command("model", "run", str(tmp_path / "out"), "--input", str(tmp_path / "real" / "3.png"), "--json")
    assert ran.returncode == 0, ran.stderr
    y = np.array(json.loads(ran.stdout)["outputs"][0], np.float32)
    np.testing.assert_allclose(y, by_hand(file, np.load(tmp_path / "real" / "3.npy")), rtol=0.1, atol=0.02)


def test_a_detector_of_fixed_size_says_how_it_is_fed(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx")
    (tmp_path / "net.toml").write_text('decode = "yolox"\nmean = [1, 2, 3]\n')
    said = adopt(file, tmp_path / "out", calibration=[shown(1)]).manifest["inputs"][0]
    assert said["layout"] == "NCHW"
    assert said["preprocess"]["colour"] == "bgr"
    assert said["preprocess"]["mean"] == [1, 2, 3]
    assert said["preprocess"]["align"] == "top-left"


@pytest.mark.parametrize("data", [b"", b"text", b"\0" * 1000], ids=["empty", "text", "zeros"])
def test_a_broken_file_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"net\.onnx: not a sound ONNX model") as caught:
        adopt(tmp_path / "net.onnx", tmp_path / "out")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (np.zeros((1, 3, 9, 16), np.float32), "float32 1×3×9×16, the model takes float32 1×3×16×16"),
        (np.zeros((1, 3, 16, 16)), "float64"),
        (np.full((1, 3, 16, 16), np.nan, np.float32), "NaN"),
    ],
)
def test_odd_calibration_is_one_line(tmp_path: Path, sample: np.ndarray, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        adopt(write_convolutions(tmp_path / "net.onnx"), tmp_path / "out", calibration=[sample])


@pytest.mark.parametrize("target", ["edge", "phone", "mcu"])
def test_other_targets_are_told_what_to_give(tmp_path: Path, target: str) -> None:
    file = write_convolutions(tmp_path / "net.onnx")
    done = command("model", "compile", str(file), "--target", target, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "int8 .tflite" in done.stderr if target == "mcu" else "FILE.py:FUNCTION" in done.stderr


def test_the_command_compiles_it_without_torch(tmp_path: Path) -> None:
    file = write_convolutions(tmp_path / "net.onnx")
    (tmp_path / "real").mkdir()
    for number, picture in enumerate(pictures(4)):
        np.save(tmp_path / "real" / f"{number}.npy", picture)
    words = ["touchline", "model", "compile", str(file), "--target", "server", "--quantise", "int8", "--json"]
    words += ["--calibration", str(tmp_path / "real"), "--out", str(tmp_path / "out")]
    code = (
        f"import sys; sys.modules['torch'] = None; sys.argv = {words}\nfrom touchline.app.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verified"]["samples"] == 4
