"""Detectors: ours, other people's, and broken ones."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.runtime.test_load import tflite_file
from touchline.runtime import manifest, shelf
from touchline.runtime.load import load
from touchline.types import Detections, Frame, ModelError
from touchline.vision import boxes as heads
from touchline.vision.detect import load_detector


def frame(width: int, height: int, seed: int = 0) -> Frame:
    rng = np.random.default_rng(seed)
    half = ((height + 1) // 2, (width + 1) // 2)
    return Frame(
        0,
        rng.integers(16, 235, (height, width), np.uint8),
        rng.integers(100, 156, half, np.uint8),
        rng.integers(100, 156, half, np.uint8),
    )


def constant_model(path: Path, outputs: list[NDArray[np.float32]], size: int = 64) -> Path:
    """An ONNX file that gives these arrays whatever (1, 3, size, size) picture it gets."""
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, size, size])
    nodes, given, values = [], [], []
    for index, array in enumerate(outputs):
        values.append(numpy_helper.from_array(array.astype(np.float32), f"value{index}"))
        nodes.append(helper.make_node("Identity", [f"value{index}"], [f"out{index}"]))
        given.append(helper.make_tensor_value_info(f"out{index}", TensorProto.FLOAT, array.shape))
    graph = helper.make_graph(nodes, "constant", [taken], given, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def only(found: Detections) -> tuple[list[float], float, str]:
    assert len(found) == 1
    return found.boxes[0].tolist(), float(found.scores[0]), found.labels[found.classes[0]]


def test_yolox_grid(tmp_path: Path) -> None:
    output = np.zeros((1, 64 + 16 + 4, 5 + 80), np.float32)
    cell = 64 + 2 * 4 + 1  # stride 16, row 2, column 1
    output[0, cell, :4] = [0.5, 0.25, np.log(1.5), np.log(2.0)]  # middle (24, 36), 24 × 32 px
    output[0, cell, 4], output[0, cell, 5] = 0.9, 0.8
    model = constant_model(tmp_path / "m.onnx", [output])
    detector = load_detector(model, options={"decode": "yolox"})
    assert detector.labels == ("player", "ball")
    box, score, label = only(detector.detect(frame(128, 96)))  # twice the input's size
    assert box == pytest.approx([24, 40, 72, 104], abs=1e-3)
    assert score == pytest.approx(0.72)
    assert label == "player"


def test_a_fixed_input_sees_square_pixels_of_every_frame_s_own_shape(tmp_path: Path) -> None:
    """One detector, one size of frames, and another SAR from the second on: the content is fitted anew."""
    output = np.zeros((1, 6, 84), np.float32)
    output[0, :, 7] = [32, 16, 16, 16, 0.6, 0.1]
    (tmp_path / "m.toml").write_text('decode = "ultralytics"\nlabels = ["player", "ball"]\n')
    detector = load_detector(constant_model(tmp_path / "m.onnx", [output]))
    for aspect, scale in ((1.0, (1, 1)), (2.0, (0.5, 1)), (0.5, (1, 0.5)), (1.0, (1, 1))):
        wide, high = round(64 * scale[0]), round(64 * scale[1])
        squeezed = replace(frame(wide, high), sample_aspect=aspect)
        assert squeezed.width * aspect == squeezed.height
        box, _, _ = only(detector.detect(squeezed))
        assert box == pytest.approx([24 * scale[0], 8 * scale[1], 40 * scale[0], 24 * scale[1]]), aspect
    same = frame(32, 64)
    boxes = [only(detector.detect(replace(same, sample_aspect=aspect)))[0] for aspect in (2.0, 1.0, 2.0)]
    assert boxes[0] == boxes[2] == pytest.approx([12, 8, 20, 24])
    assert boxes[1] == pytest.approx([24, 8, 40, 24])


def test_a_class_that_is_not_kept_is_not_a_person(tmp_path: Path) -> None:
    output = np.zeros((1, 84, 85), np.float32)
    output[0, 0, 4], output[0, 0, 5 + 16], output[0, 0, 5] = 1, 0.9, 0.8  # a dog, says the best class
    detector = load_detector(constant_model(tmp_path / "m.onnx", [output]), options={"decode": "yolox"})
    assert len(detector.detect(frame(64, 64))) == 0


def test_ultralytics(tmp_path: Path) -> None:
    output = np.zeros((1, 6, 84), np.float32)
    output[0, :, 7] = [32, 24, 10, 20, 0.1, 0.6]
    (tmp_path / "m.toml").write_text('decode = "ultralytics"\nlabels = ["player", "ball"]\n')
    detector = load_detector(constant_model(tmp_path / "m.onnx", [output]))
    box, score, label = only(detector.detect(frame(64, 64)))
    assert box == pytest.approx([27, 14, 37, 34])
    assert (round(score, 3), label) == (0.6, "ball")


def test_nanodet(tmp_path: Path) -> None:
    classes = [np.zeros((1, n, 80), np.float32) for n in (64, 16, 4)]
    distances = [np.zeros((1, n, 32), np.float32) for n in (64, 16, 4)]
    classes[1][0, 6, 0] = 0.7  # stride 16, row 1, column 2: middle (40, 24)
    for side, bin_ in enumerate((1, 1, 2, 0)):
        distances[1][0, 6, side * 8 + bin_] = 50
    model = constant_model(tmp_path / "m.onnx", classes + distances)
    box, score, _ = only(load_detector(model, options={"decode": "nanodet"}).detect(frame(64, 64)))
    assert box == pytest.approx([24, 8, 72, 24], abs=1e-3)
    assert score == pytest.approx(0.7)


@pytest.mark.parametrize("kind", ["yolox", "ultralytics", "nanodet"])
def test_nothing_seen_is_no_boxes(tmp_path: Path, kind: str) -> None:
    outputs = {
        "yolox": [np.zeros((1, 84, 85))],
        "ultralytics": [np.zeros((1, 84, 84))],
        "nanodet": [np.zeros((1, n, c)) for c in (80, 32) for n in (64, 16, 4)],
    }[kind]
    detector = load_detector(constant_model(tmp_path / "m.onnx", outputs), options={"decode": kind})
    assert len(detector.detect(frame(64, 64))) == 0


def test_centre_head() -> None:
    maps = np.full((13, 8, 8), -9.0, np.float32)
    maps[0, 2, 3] = 2.0  # a person at (14, 10)
    maps[0, 2, 4] = 1.0  # its slope, no peak
    maps[2:5, 2, 3] = [0, 1, 3]
    maps[5:9, 2, 3] = np.log([1, 2, 1.5, 3])
    maps[1, 6, 1] = 0.0  # a ball at (6, 26)
    maps[9:13, 6, 1] = np.log(0.5)
    boxes, scores, classes = heads.centre(maps, 32, 0.1)
    assert boxes.tolist() == [pytest.approx([10, 2, 20, 22]), pytest.approx([4, 24, 8, 28])]
    assert scores.tolist() == pytest.approx([1 / (1 + np.exp(-2)), 0.5])
    assert classes.tolist() == [3, 0]


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9))
def test_a_place_that_answers_for_four_cells_says_what_the_four_would(seed: int, high: int, wide: int) -> None:
    maps = np.random.default_rng(seed).normal(0, 1, (13, 2 * high, 2 * wide)).astype(np.float32)
    packed = np.empty((13, 2, 2, high, wide), np.float32)
    for down in (0, 1):
        for across in (0, 1):
            packed[:, down, across] = maps[:, down::2, across::2]
    for one, other in zip(
        heads.centre(maps, 8 * wide, 0.3), heads.centre(packed.reshape(52, high, wide), 8 * wide, 0.3), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@given(st.integers(0, 10**6), st.floats(60, 200), st.floats(60, 200), st.floats(0, 0.15))
@settings(max_examples=40)
def test_the_box_of_someone_close_is_what_the_cells_around_the_peak_agree_on(
    seed: int, wide: float, high: float, noise: float
) -> None:
    cells, x, y = 60, 122.0, 118.0
    axis = np.arange(cells) * 4.0 + 2
    away = np.ones((4, cells, cells), np.float32)
    for side, distance in enumerate(
        (axis - x + wide / 2, (axis - y + high / 2)[:, None], x + wide / 2 - axis, (y + high / 2 - axis)[:, None])
    ):
        away[side] = np.log(np.maximum(distance, 1) / 4)
    maps = np.full((13, cells, cells), -9.0, np.float32)
    maps[0] = 3 - (((axis - x) / wide) ** 2 + ((axis - y)[:, None] / high) ** 2) * 20
    maps[5:9] = away + np.random.default_rng(seed).normal(0, noise, away.shape)
    boxes, scores, _ = heads.centre(maps, 4 * cells, 0.5)
    assert len(boxes) == 1
    assert scores[0] == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-3)
    true = np.array([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2])
    # A single cell errs by noise · half the side, four times that now and then; the mean of many by far less.
    assert np.abs(boxes[0] - true).max() <= 0.1 + 0.6 * noise * max(wide, high)


def test_suppression_spares_other_groups_and_distant_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10], [30, 0, 40, 10]], np.float32)
    scores = np.array([0.5, 0.9, 0.3, 0.2], np.float32)
    assert heads.suppress(boxes, scores, np.array([0, 0, 1, 0]), 0.6).tolist() == [1, 2, 3]


@given(st.integers(0, 60), st.integers(0, 10**6), st.floats(0.1, 0.9))
@settings(max_examples=50)
def test_no_two_boxes_kept_overlap(count: int, seed: int, overlap: float) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 50, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 40, (count, 2))], 1).astype(np.float32)
    scores = rng.uniform(0, 1, count).astype(np.float32)
    kept = boxes[heads.suppress(boxes, scores, np.zeros(count), overlap)]
    low, high = np.maximum(kept[:, None, :2], kept[:, :2]), np.minimum(kept[:, None, 2:], kept[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), 2)
    area = np.prod(kept[:, 2:] - kept[:, :2], 1)
    iou = shared / (area[:, None] + area - shared) - np.eye(len(kept))
    assert (iou <= overlap + 1e-4).all()
    assert (count == 0) == (len(kept) == 0)


def test_only_a_network_that_says_so_may_be_looked_through_small(tmp_path: Path) -> None:
    ours = load_detector("athlete")
    assert (ours.width, ours.least_width) == (1088, 696)
    assert load_detector("athlete", width=480).least_width == 480
    assert load_detector("athlete", options={"least_width": 320}).least_width == 320
    fixed = load_detector(
        constant_model(tmp_path / "m.onnx", [np.zeros((1, 84, 84))]),
        options={"decode": "ultralytics", "least_width": 32},
    )
    assert (fixed.width, fixed.least_width) == (64, 64)
    fixed.set_width(480)
    assert fixed.width == 64


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (321, 181), (16, 16), (640, 64)])
def test_athlete_takes_any_shape(width: int, height: int) -> None:
    detector = load_detector("athlete", width=256)
    assert detector.labels == ("ball", "goalkeeper", "player", "referee")
    found = detector.detect(frame(width, height))
    assert np.isfinite(found.boxes).all()


def test_the_analysis_size_can_change_between_frames() -> None:
    detector = load_detector("athlete", width=256)
    picture = frame(640, 360)
    first = detector.detect(picture)
    detector.set_width(512)
    assert detector.width == 512
    detector.detect(picture)
    detector.set_width(256)
    again = detector.detect(picture)
    assert np.array_equal(first.boxes, again.boxes)
    with pytest.raises(ModelError, match="64 to 4096"):
        detector.set_width(0)


def test_a_person_is_found_where_they_are() -> None:
    """A drawn footballer on a green field: a figure of shirt, shorts and legs, twice, far from each other."""
    y, u, v = (
        np.full((360, 640), 110, np.uint8),
        np.full((180, 320), 100, np.uint8),
        np.full((180, 320), 105, np.uint8),
    )
    for left, top in ((100, 100), (420, 220)):
        y[top : top + 6, left + 5 : left + 10] = 150
        y[top + 6 : top + 22, left + 2 : left + 13] = 200
        y[top + 22 : top + 30, left + 3 : left + 12] = 40
        for leg in (left + 3, left + 9):
            y[top + 30 : top + 42, leg : leg + 3] = 140
        u[(top + 6) // 2 : (top + 22) // 2, (left + 2) // 2 : (left + 13) // 2] = 90
        v[(top + 6) // 2 : (top + 22) // 2, (left + 2) // 2 : (left + 13) // 2] = 200
    detector = load_detector("athlete", width=960, options={"score": 0.3, "ball_score": 0.99})
    found = detector.detect(Frame(0, y, u, v))
    middles = {(round(float(b[0] + b[2]) / 2 / 20), round(float(b[1] + b[3]) / 2 / 20)) for b in found.boxes}
    assert middles == {(5, 6), (21, 12)}
    # A camera that halves its pictures' width: the same is seen, and the boxes are in its own px.
    squeezed = [np.ascontiguousarray(plane[:, ::2]) for plane in (y, u, v)]
    again = detector.detect(Frame(0, *squeezed, sample_aspect=2.0))
    assert len(again) == len(found)
    order, other = np.argsort(found.boxes[:, 0]), np.argsort(again.boxes[:, 0])
    assert np.abs(again.boxes[other] * [2, 1, 2, 1] - found.boxes[order]).max() < 4


def artifact(folder: Path) -> Path:
    return Path(shutil.copytree(shelf.SHIPPED / "athlete", folder / "athlete"))


def refused(what: Any, **more: Any) -> str:
    with pytest.raises(ModelError) as caught:
        load_detector(what, **more)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    data = bytearray((folder / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.onnx").write_bytes(data)
    assert "model.onnx: is corrupt" in refused(folder)


def test_a_changed_manifest_is_refused(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    path = folder / "manifest.json"
    value = json.loads(path.read_text())
    value["detect"]["score"] = 0.01
    path.write_text(json.dumps(value))
    assert "was changed" in refused(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 99}', '{"format": 1}'])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    folder = artifact(tmp_path)
    (folder / "manifest.json").write_text(text)
    assert "manifest.json" in refused(folder)


def test_a_manifest_may_not_reach_out_of_its_folder(tmp_path: Path) -> None:
    folder = artifact(tmp_path)
    value = json.loads((folder / "manifest.json").read_text())
    (tmp_path / "other.onnx").write_bytes((folder / "model.onnx").read_bytes())
    value["files"] = {"../other.onnx": value["files"]["model.onnx"]}
    value["content"] = manifest.content_hash(value)
    (folder / "manifest.json").write_text(json.dumps(value))
    assert "is missing" in refused(folder)


def test_what_is_not_a_model_is_refused(tmp_path: Path) -> None:
    assert "there are: athlete" in refused("athlet")
    (tmp_path / "empty").mkdir()
    assert "no manifest.json" in refused(tmp_path / "empty")
    (tmp_path / "m.onnx").write_bytes(b"not a model")
    assert "not a model" in refused(tmp_path / "m.onnx", options={"decode": "yolox"})
    assert "m.toml" in refused(tmp_path / "m.onnx")
    (tmp_path / "m.bin").write_bytes(b"")
    assert ".bin" in refused(tmp_path / "m.bin", options={"decode": "yolox"})


def test_a_wrong_description_is_refused(tmp_path: Path) -> None:
    model = constant_model(tmp_path / "m.onnx", [np.zeros((1, 84, 85))])
    assert "'wdith'" in refused(model, options={"decode": "yolox", "wdith": 3})
    assert "choose centre" in refused(model, options={"decode": "yolo"})
    assert "channels" in refused(model, options={"decode": "centre"})
    assert "wrong type" in refused(model, options={"decode": "yolox", "score": "high"})
    (tmp_path / "m.toml").write_text("decode = ")
    assert "m.toml" in refused(model)
    detector = load_detector(model, options={"decode": "nanodet"})
    with pytest.raises(ModelError, match="not what decode = 'nanodet' reads"):
        detector.detect(frame(64, 64))


def test_a_quantised_litert_detector_is_fed_and_read_in_real_values(tmp_path: Path) -> None:
    """Channels last, bytes in and out: the file hands its input on, so what comes out is what went in."""
    path = tflite_file(tmp_path / "m.tflite", quantised=True, shape=(1, 32, 32, 3))
    model = load(path)
    detector = load_detector(path, options={"decode": "ultralytics", "mean": 0, "std": 4, "colour": "rgb"})
    assert detector.width == 32
    with pytest.raises(ModelError, match=r"gives \(1, 32, 32, 3\) for 32×32"):
        detector.detect(frame(32, 32))
    port = model.inputs[0]
    white = np.full((1, 32, 32, 3), round(255 / 4 / port.scale) + port.zero_point, np.uint8)
    assert (model.run(white)[0] == 131).all()
