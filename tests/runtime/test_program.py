"""Artifacts on a device: what runs, what is refused, and the traps that turn one model into another unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import touchline
from touchline.runtime import golden, manifest, shelf
from touchline.runtime.gate import Limits, decide, gate, limits_of
from touchline.runtime.golden import Sample
from touchline.runtime.measure import Latency, Measurement, measure
from touchline.runtime.verify import Deviation, Verdict, compare, verify
from touchline.types import CheckFailed, ModelError, ShapeError

WEIGHT = np.array([[1, 2, 3], [0, -1, 1], [4, 0.5, 0]], np.float32)
RNG = np.random.default_rng(5)
PICTURES = [RNG.uniform(0, 255, (1, 3, 4, 6)).astype(np.float32) for _ in range(4)]


def reference(picture: np.ndarray) -> np.ndarray:
    """A colour transform of 0–255 pictures, NCHW: the model that the traps below are sprung on."""
    return np.einsum("oc,nchw->nohw", WEIGHT, picture / np.float32(255)).astype(np.float32)


def artifact(folder: Path, *, weight: np.ndarray = WEIGHT, scale: float = 255, **said: Any) -> Path:
    """An artifact whose file holds ``weight`` and ``scale``, and whose golden samples are the reference's."""
    folder.mkdir()
    nodes = [
        helper.make_node("Div", ["x", "scale"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "weight"], ["y"]),
    ]
    shape = [1, 3, 4, 6]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(np.array(scale, np.float32), "scale"),
            numpy_helper.from_array(weight[:, :, None, None].astype(np.float32), "weight"),
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "model.onnx"
    )
    golden.write(folder / golden.FILE, [Sample((picture,), (reference(picture),)) for picture in PICTURES])
    ports = {"inputs": [{"name": "picture", "shape": shape}], "outputs": [{"name": "colours", "shape": shape}]}
    manifest.write(folder, {"name": "t", "tolerance": 1e-3, **ports, **said}, ["model.onnx", golden.FILE])
    return folder


def test_it_runs_and_is_verified(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "a")
    program = touchline.load(folder)
    assert [port.name for port in program.inputs] == ["picture"]
    np.testing.assert_allclose(program.run(PICTURES[0]), reference(PICTURES[0]), rtol=1e-5, atol=1e-5)
    assert verify(folder).require().passed


@pytest.mark.parametrize(
    ("trap", "change"),
    [
        ("BGR for RGB", {"weight": WEIGHT[:, ::-1]}),
        ("0–1 for 0–255", {"scale": 1}),
        ("axes of the weights swapped", {"weight": WEIGHT.T}),
        ("weights are garbage", {"weight": np.zeros_like(WEIGHT)}),
        ("weights are not numbers", {"weight": np.full_like(WEIGHT, np.nan)}),
    ],
)
def test_another_model_under_its_name_is_refused(trap: str, change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="not the same model"):
        verify(artifact(tmp_path / "a", **change)).require()


def test_silent_saturation_is_told(tmp_path: Path) -> None:
    """A file that says 0 wherever the reference goes on to 50 is cut off in all its values."""
    zeros = touchline.load(artifact(tmp_path / "a", weight=np.zeros_like(WEIGHT)))
    beyond = [Sample((picture,), (np.full_like(picture, 50),)) for picture in PICTURES]
    found = compare(zeros, beyond, 1e-3, "t")
    assert found.worst.pinned == 1.0
    with pytest.raises(CheckFailed, match="100% of its values saturated"):
        found.require()


def test_swapped_axes_of_an_output_are_named(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "a")
    said = dict(manifest.read(folder).manifest)
    samples = [Sample(s.inputs, (s.outputs[0].transpose(0, 2, 3, 1),)) for s in golden.read(folder / golden.FILE)]
    golden.write(folder / golden.FILE, samples)
    manifest.write(folder, said, ["model.onnx", golden.FILE])
    with pytest.raises(ModelError, match="axes were swapped"):
        verify(folder)


ODD = {
    "a NaN": lambda right: (np.full_like(right, np.nan),),
    "an infinity": lambda right: (np.full_like(right, np.inf),),
    "words": lambda right: (right.astype(str),),
    "another shape": lambda right: (right[:, :2],),
    "one output more": lambda right: (right, right),
    "none": lambda right: (),
}


@pytest.mark.parametrize("odd", ODD)
def test_golden_samples_that_no_such_model_gave_are_refused(odd: str, tmp_path: Path) -> None:
    """In whichever sample they stand: the first is right."""
    program = touchline.load(artifact(tmp_path / "a"))
    right = reference(PICTURES[0])
    samples = [Sample((PICTURES[0],), (right,)), Sample((PICTURES[0],), ODD[odd](right))]
    with pytest.raises(ModelError, match=r"golden sample 1|reference's had"):
        compare(program, samples, 1e-3, "t")


@pytest.mark.parametrize("folder", [path.parent for path in shelf.SHIPPED.glob("*/manifest.json")])
def test_every_shipped_model_is_proved_here(folder: Path) -> None:
    assert verify(folder).require().samples >= 2


def test_an_output_after_the_worst_counts_too() -> None:
    nan = float("nan")
    outputs = (Deviation("a", 0.0, 0.0, 0.0), Deviation("b", nan, nan, 0.0))
    assert not Verdict("t", 1, 1e-3, outputs).passed


@pytest.mark.parametrize("tolerance", [float("nan"), float("inf"), -1, 0, True, "1", None])
def test_a_tolerance_is_a_number_above_0(tolerance: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no 'tolerance' above 0"):
        verify(artifact(tmp_path / "a", tolerance=tolerance))


def test_a_model_cannot_excuse_itself_with_a_wide_tolerance(tmp_path: Path) -> None:
    old = artifact(tmp_path / "old")
    new = artifact(tmp_path / "new", weight=WEIGHT * 1.5, tolerance=5.0)
    assert verify(new).passed, "by its own word"
    decision = gate(new, old)
    assert not decision.passed
    assert decision.checks[0].found.startswith("off by 0.5, 0.1 allowed")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((1, 3, 4, 6)), "is float64, must be float32"),
        (np.zeros((1, 4, 6, 3), np.float32), "shape 1×4×6×3, must have 1×3×4×6"),
        (np.zeros((3, 4, 6), np.float32), "must have 1×3×4×6"),
        (np.full((1, 3, 4, 6), np.nan, np.float32), "NaN or an infinity"),
        (np.full((1, 3, 4, 6), np.inf, np.float32), "NaN or an infinity"),
    ],
)
def test_a_wrong_array_is_one_clear_line(array: np.ndarray, words: str, tmp_path: Path) -> None:
    program = touchline.load(artifact(tmp_path / "a"))
    with pytest.raises(ShapeError, match=words) as caught:
        program.run(array)
    assert "\n" not in str(caught.value)
    with pytest.raises(ShapeError, match="takes 1 arrays"):
        program.run()


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), file=st.sampled_from(["model.onnx", golden.FILE]))
@settings(max_examples=40, deadline=None)
def test_any_flipped_bit_is_noticed(
    place: int, bit: int, file: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = artifact(tmp_path_factory.mktemp("flip") / "a")
    data = bytearray((folder / file).read_bytes())
    data[place % len(data)] ^= 1 << bit
    (folder / file).write_bytes(bytes(data))
    with pytest.raises(ModelError, match="corrupt or was changed"):
        touchline.load(folder)


def test_measuring_interleaves_and_tells_all(tmp_path: Path) -> None:
    folders = [artifact(tmp_path / "a"), artifact(tmp_path / "b")]
    found = measure(folders, threads=[1], rounds=3)
    assert [each.name for each in found] == [str(folder) for folder in folders]
    (twice, again) = measure(folders[:1] * 2, threads=[1], rounds=1)
    assert len(twice.latency) == len(again.latency) == 1
    for each in found:
        assert each.latency[0].p95_ms >= each.latency[0].p50_ms > 0
        assert each.cold_start_ms > 0
        assert 10 < each.peak_memory_mb < 4000
        assert each.size_bytes == (folders[0] / "model.onnx").stat().st_size


def verdict(error: float = 1e-5) -> Verdict:
    return Verdict("t", 4, 1e-3, (Deviation("y", error, error, 0.0),))


def costs(ms: float = 1, memory: float = 100, size: int = 1000) -> Measurement:
    return Measurement("t", "cpu", (Latency(1, ms, ms),), 10, memory, size, "m")


positive = st.floats(0.01, 1e6)


@given(mine=positive, theirs=positive)
def test_the_gate_opens_just_within_each_limit(mine: float, theirs: float) -> None:
    limits = Limits()
    old = costs(theirs, theirs, max(1, round(theirs)))
    new = costs(mine, mine, max(1, round(mine)))
    passed = {check.what: check.passed for check in decide(limits, verdict(), [new, old], {})}
    assert passed["latency, 1 thread"] == (mine / theirs <= limits.latency)
    assert passed["memory"] == (mine / theirs <= limits.memory)
    assert passed["size"] == (new.size_bytes / old.size_bytes <= limits.size)


@given(change=st.floats(-0.1, 0.1), spread=st.floats(0, 0.1))
def test_accuracy_counts_with_the_whole_of_its_interval(change: float, spread: float) -> None:
    gap = (change, change - spread, change + spread)
    (check,) = [each for each in decide(Limits(), verdict(), [costs(), costs()], {"ap": gap}) if each.what == "ap"]
    assert check.passed == (change - spread >= -0.005)


def test_a_model_that_lost_too_much_cannot_pass() -> None:
    first = decide(Limits(latency=9, memory=9, size=9), verdict(0.5), [costs(), costs()], {"ap": (0.3, 0.2, 0.4)})[
        0
    ]
    assert first.what == "same model as its float reference"
    assert not first.passed


def test_a_new_model_can_only_tighten_the_limits() -> None:
    assert limits_of({"limits": {"latency": 5}}, {}) == Limits()
    assert limits_of({"limits": {"latency": 1.0}}, {"limits": {"latency": 2}}) == Limits(latency=1.0)
    assert limits_of({}, {"limits": {"size": 3}}) == Limits(size=3)
    with pytest.raises(ModelError, match="unknown limit 'speed'"):
        limits_of({"limits": {"speed": 1}}, {})
    with pytest.raises(ModelError, match="must be a number"):
        limits_of({}, {"limits": {"size": "big"}})


def test_models_of_another_kind_are_not_compared(tmp_path: Path) -> None:
    new = artifact(tmp_path / "a")
    old = artifact(tmp_path / "b", task="detect")
    with pytest.raises(ModelError, match="compare models of one kind"):
        gate(new, old)


def test_a_few_values_cut_off_are_refused_however_small_the_error(tmp_path: Path) -> None:
    """A clipped peak is what a detector lives on; the whole output is off by far less than is allowed."""
    artifact(tmp_path / "a")
    peak = max(float(reference(picture).max()) for picture in PICTURES)
    clipped = tmp_path / "b"
    artifact(clipped)
    model = onnx.load(clipped / "model.onnx")
    model.graph.node[-1].output[0] = "all"
    model.graph.node.append(helper.make_node("Min", ["all", "limit"], ["y"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array(peak * 0.7, np.float32), "limit"))
    onnx.save(model, clipped / "model.onnx")
    golden.write(clipped / golden.FILE, [Sample((x,), (reference(x),)) for x in PICTURES])
    said = dict(manifest.read(tmp_path / "a").manifest)
    manifest.write(clipped, said | {"tolerance": 0.1}, ["model.onnx", golden.FILE])
    verdict = verify(clipped)
    assert verdict.worst.relative_error < 0.1
    with pytest.raises(CheckFailed, match="of its values saturated"):
        verdict.require()
