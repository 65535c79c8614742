"""What cannot be taken is told in one line, all of it, with its place."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.tiny.writer import SAME, Writer
from tests.tiny.zoo import ZOO, model
from touchline.tiny.graph import Conv2D, ConvAdd, Lookup, Pad
from touchline.tiny.import_tflite import read_tflite
from touchline.tiny.passes import run_passes
from touchline.types import ModelError


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_tflite(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.stem in message
    return message


def one_line_or_a_model(path: Path) -> bool:
    """Whether it was refused."""
    with contextlib.suppress(ModelError):
        read_tflite(path)
        return False
    refused(path)
    return True


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"not a model at all", bytes(100)])
def test_a_wrong_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.tflite"
    path.write_bytes(content)
    refused(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.tflite")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True))
@example(0.999)
def test_a_truncated_file_is_one_line(tmp_path: Path, part: float) -> None:
    content, _ = model(["conv", "softmax"], 1)
    path = tmp_path / "cut.tflite"
    path.write_bytes(content[: int(part * len(content))])
    # The last bytes may be some that nothing points at.
    assert one_line_or_a_model(path) or part > 0.9


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_a_model_or_one_line(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(model(["depthwise", "concat", "mean"], 2)[0])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.tflite"
    path.write_bytes(bytes(content))
    one_line_or_a_model(path)


def test_all_that_is_unsupported_is_told_at_once(tmp_path: Path) -> None:
    writer = Writer()
    image = writer.input((1, 4, 4, 2))
    middle, last = (writer.tensor((1, 4, 4, 2), scale=0.1, name=name) for name in ("middle", "last"))
    real = writer.tensor((1, 4, 4, 2), "float32", name="real")
    writer.op("SIGN", [image], [middle])
    writer.op("CUMSUM", [middle], [real])
    writer.op("FLOOR", [real], [last])
    message = refused(writer.save(tmp_path / "three.tflite", last))
    for place in ("operator 0 (SIGN)", "operator 1 (CUMSUM)", "operator 2 (FLOOR)"):
        assert place in message


def test_a_float_model_is_told(tmp_path: Path) -> None:
    writer = Writer()
    image = writer.input((1, 3), dtype="float32")
    output = writer.tensor((1, 3), "float32", name="answer")
    writer.op("SOFTMAX", [image], [output])
    message = refused(writer.save(tmp_path / "float.tflite", output))
    assert "float32" in message
    assert "answer" in message


def test_a_dynamic_shape_is_told(tmp_path: Path) -> None:
    writer = Writer()
    image = writer.input((1, 8, 8, 3))
    writer.graph.tensors[image].shapeSignature = np.array([1, -1, 8, 3], np.int32)
    output = writer.tensor((1, 8, 8, 3), scale=0.1)
    writer.op("RELU", [image], [output])
    assert "dynamic shape (1, -1, 8, 3)" in refused(writer.save(tmp_path / "dynamic.tflite", output))


def test_a_batch_left_open_is_that_of_the_file(tmp_path: Path) -> None:
    writer = Writer()
    image = writer.input((1, 8))
    writer.graph.tensors[image].shapeSignature = np.array([-1, 8], np.int32)
    output = writer.tensor((1, 8), scale=0.1)
    writer.op("RELU", [image], [output])
    assert read_tflite(writer.save(tmp_path / "batch.tflite", output)).tensors[image].shape == (1, 8)


def test_a_shape_that_lies_is_told(tmp_path: Path) -> None:
    writer = Writer()
    image = writer.input((1, 4, 4, 2))
    filter_ = writer.tensor((3, 3, 3, 2), scale=0.1, data=np.zeros((3, 3, 3, 2)))
    output = writer.tensor((1, 5, 4, 3), scale=0.1)
    options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    writer.op("CONV_2D", [image, filter_], [output], padding=SAME, **options)
    with pytest.raises(ModelError, match=r"operator 0 \(CONV_2D\) gives \(1, 5, 4, 3\).*not 4 along axis 1"):
        read_tflite(writer.save(tmp_path / "lies.tflite", output))


def test_a_pad_and_a_sum_are_folded_into_convolutions(tmp_path: Path) -> None:
    path = tmp_path / "residual.tflite"
    path.write_bytes(model(["residual"], 0)[0])
    graph = read_tflite(path)
    assert any(isinstance(op, Pad) for op in graph.ops)
    assert [type(op) for op in run_passes(graph).ops] == [Conv2D, Conv2D, ConvAdd]


def test_a_function_of_one_tensor_is_one_table(tmp_path: Path) -> None:
    path = tmp_path / "silu.tflite"
    path.write_bytes(model(["own_function"], 0)[0])
    graph = read_tflite(path)
    assert len(graph.ops) == 3
    assert [type(op) for op in run_passes(graph).ops] == [Lookup]


def test_an_operator_code_in_the_newer_field_alone_is_read(tmp_path: Path) -> None:
    writer = Writer()
    image = writer.input((1, 8))
    output = writer.tensor((1, 8), scale=0.2)
    writer.op("QUANTIZE", [image], [output], version=1)
    writer.model.operatorCodes[0].deprecatedBuiltinCode = 0
    (op,) = read_tflite(writer.save(tmp_path / "codes.tflite", output)).ops
    assert isinstance(op, Lookup)


def test_the_zoo_is_whole() -> None:
    assert len(ZOO) >= 50
