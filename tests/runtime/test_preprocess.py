"""From picture to input: each way to get it wrong is noticed by verifying, and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import touchline
from touchline.runtime import golden, manifest
from touchline.runtime.golden import Sample
from touchline.runtime.preprocess import Preprocess, read
from touchline.runtime.verify import verify
from touchline.types import CheckFailed, ModelError, ShapeError

SIDE = 48
SHAPE = (1, 3, SIDE, SIDE)
WEIGHT = np.array([[1, 2, 3], [0, -1, 1], [4, 0.5, 0]], np.float32)


def picture(seed: int = 0, high: int = 60, wide: int = 120) -> np.ndarray:
    """Smooth, coloured, wider than high: what every way of preparing it changes."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 8, 3), np.uint8)
    coarse[..., 2] //= 3
    return np.asarray(cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC), np.uint8)


def as_trained(shown: np.ndarray) -> np.ndarray:
    """A training's own code, which knows nothing of ours: RGB, 0–1, in a grey rim, channels first."""
    small = cv2.resize(shown, (SIDE, 24), interpolation=cv2.INTER_LINEAR)
    canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
    canvas[12:36] = small
    return (canvas.astype(np.float32) / 255).transpose(2, 0, 1)[None].copy()


def artifact(
    folder: Path,
    preprocess: dict[str, Any],
    *,
    prepare: Callable[[np.ndarray], np.ndarray] = as_trained,
    high: int = 60,
    wide: int = 120,
) -> Path:
    """A colour transform whose manifest says ``preprocess``, and whose proof was made by ``prepare``."""
    folder.mkdir()
    inputs = [prepare(picture(seed, high, wide)) for seed in range(3)]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "weight"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE)],
        [numpy_helper.from_array(WEIGHT[:, :, None, None], "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    samples = [
        Sample((x,), (np.einsum("oc,nchw->nohw", WEIGHT, x).astype(np.float32),), picture(seed, high, wide))
        for seed, x in enumerate(inputs)
    ]
    golden.write(folder / golden.FILE, samples)
    ports = {"inputs": [{"name": "picture", "preprocess": preprocess}], "outputs": [{"name": "y"}]}
    manifest.write(folder, {"name": "t", "tolerance": 1e-3, **ports}, ["model.onnx", golden.FILE])
    return folder


RIGHT = {"layout": "NCHW", "colour": "rgb", "range": [0, 1], "fit": "letterbox", "align": "centre", "rim": 114}


def test_what_is_said_rightly_passes_and_a_picture_runs(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "a", RIGHT)
    verdict = verify(folder).require()
    assert verdict.prepared is not None
    assert 0 < verdict.prepared.relative_error < 0.05  # pictures are resized in another way, and that is all
    program = touchline.load(folder)
    y = program.run(picture(7))
    assert isinstance(y, np.ndarray)
    np.testing.assert_allclose(
        y[0], np.einsum("oc,chw->ohw", WEIGHT, as_trained(picture(7))[0]), atol=0.4, rtol=0.05
    )
    np.testing.assert_array_equal(program.run(program.prepare(picture(7))), y)


@pytest.mark.parametrize(
    ("trap", "change", "words"),
    [
        ("BGR for RGB", {"colour": "bgr"}, "it fits with colour = 'rgb'"),
        ("0–255 for 0–1", {"range": [0, 255]}, r"it fits with range = \[0.0, 1.0\]"),
        ("−1–1 for 0–1", {"range": [-1, 1]}, r"it fits with range = \[0.0, 1.0\]"),
        ("stretched", {"fit": "stretch"}, "it fits with fit = 'letterbox'"),
        ("in the corner", {"align": "top-left"}, "it fits with align = 'centre'"),
        ("mean and std that no training had", {"mean": [0.4], "std": [0.2]}, "it fits with no mean and std"),
        ("a white rim", {"rim": 255}, "correct it"),
    ],
)
def test_a_manifest_that_prepares_otherwise_is_refused(
    trap: str, change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    verdict = verify(artifact(tmp_path / "a", RIGHT | change))
    assert not verdict.passed
    with pytest.raises(CheckFailed, match=words) as caught:
        verdict.require()
    assert "\n" not in str(caught.value)


def test_rows_taken_for_columns_are_refused(tmp_path: Path) -> None:
    def turned(shown: np.ndarray) -> np.ndarray:
        return as_trained(shown).transpose(0, 1, 3, 2).copy()

    with pytest.raises(CheckFailed, match=r"preprocess makes another input .* correct it"):
        verify(artifact(tmp_path / "a", RIGHT, prepare=turned)).require()


def test_a_swap_of_colours_is_noticed_where_it_hardly_shows(tmp_path: Path) -> None:
    """Nearly grey pictures: the wrong order is off by less than resizing may be, and yet the other explains it."""

    def grey(shown: np.ndarray) -> np.ndarray:
        return as_trained(shown)[:, ::-1].copy()

    faint = picture(0)
    faint = np.asarray(0.96 * faint.mean(2, keepdims=True) + 0.04 * faint, np.uint8)
    folder = artifact(tmp_path / "a", RIGHT)
    said = dict(manifest.read(folder).manifest)
    x = grey(faint)
    sample = Sample((x,), (np.einsum("oc,nchw->nohw", WEIGHT, x).astype(np.float32),), faint)
    golden.write(folder / golden.FILE, [sample])
    manifest.write(folder, said, ["model.onnx", golden.FILE])
    verdict = verify(folder)
    assert verdict.prepared is not None
    assert verdict.prepared.relative_error < 0.1
    with pytest.raises(CheckFailed, match="it fits with colour = 'bgr'"):
        verdict.require()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layout": "NHWC"}, "an input of 1×3×48×48 is no rgb picture in NHWC"),
        ({"layout": "CHW"}, "choose NCHW or NHWC"),
        ({"colour": "grey"}, "no grey picture"),
        ({"color": "rgb"}, "unknown preprocess key 'color'"),
        ({"range": [1, 0]}, "two rising numbers"),
        ({"range": 1}, "two rising numbers"),
        ({"std": [1, 0, 1]}, "no std of 0"),
        ({"mean": [1, 2]}, "one number or three"),
        ({"mean": ["a"]}, "give numbers"),
        ({"mean": [float("nan")]}, "give numbers"),
        ({"rim": 300}, "a byte"),
    ],
)
def test_a_preprocess_that_cannot_be_is_named_by_its_key(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=words):
        touchline.load(artifact(tmp_path / "a", RIGHT | change))


def test_words_alone_are_no_preprocess(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "a", "as the camera gives them")  # type: ignore[arg-type]
    assert verify(folder).require().prepared is None
    with pytest.raises(ModelError, match="does not say how a picture becomes its input"):
        touchline.load(folder).prepare(picture())


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_what_is_no_picture_is_one_line(odd: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="a picture is uint8 height×width×3"):
        touchline.load(artifact(tmp_path / "a", RIGHT)).prepare(odd)


sizes = st.integers(1, 90)


@given(high=sizes, wide=sizes, rows=sizes, columns=sizes, data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_picture_fills_any_input(high: int, wide: int, rows: int, columns: int, data: st.DataObject) -> None:
    """Nothing is lost at the edges, and one colour stays that colour whatever is done."""
    how = Preprocess(
        layout=data.draw(st.sampled_from(["NCHW", "NHWC"])),
        fit=data.draw(st.sampled_from(["letterbox", "stretch"])),
        align=data.draw(st.sampled_from(["centre", "top-left"])),
        range=(0.0, 255.0),
        rim=7,
    )
    shape = (1, 3, rows, columns) if how.layout == "NCHW" else (1, rows, columns, 3)
    made = how.prepare(np.full((high, wide, 3), (10, 20, 30), np.uint8), shape, np.float32)
    assert made.shape == shape
    pixels = made[0].transpose(1, 2, 0) if how.layout == "NCHW" else made[0]
    inside = (pixels == (10, 20, 30)).all(2)
    assert (inside | (pixels == 7).all(2)).all()
    filled = inside.any(1).sum(), inside.any(0).sum()
    assert filled[0] == rows or filled[1] == columns
    if how.fit == "stretch":
        assert inside.all()
    swapped = replace(how, colour="bgr").prepare(np.full((high, wide, 3), (10, 20, 30), np.uint8), shape, np.uint8)
    assert swapped.dtype == np.uint8
    assert (swapped.max(), made.max()) == (30, 30)


def test_mean_and_std_go_by_the_order_of_channels() -> None:
    shown = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    how = Preprocess(colour="bgr", mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 0.5))
    made = how.prepare(shown, (1, 3, 2, 2), np.float32)[0, :, 0, 0]
    np.testing.assert_allclose(made, [-0.1, -0.1, 1.4], rtol=1e-6)
    grey = Preprocess(colour="grey").prepare(np.full((2, 2, 3), 51, np.uint8), (1, 1, 2, 2), np.float32)
    assert grey == pytest.approx(0.2)


def test_what_is_written_is_what_is_read() -> None:
    how = Preprocess(layout="NHWC", colour="bgr", range=(-1.0, 1.0), mean=(0.1,), align="top-left", rim=0)
    assert read(how.as_dict(), (1, 8, 8, 3), "t") == how
