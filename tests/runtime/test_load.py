"""Back ends: what runs, and what is said of what does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from touchline.runtime.load import load
from touchline.types import ModelError


def onnx_file(path: Path) -> Path:
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [taken], [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def tflite_file(path: Path, *, quantised: bool = False, shape: tuple[int, ...] = (1, 2)) -> Path:
    """A .tflite file whose one operator hands its input on (RESHAPE to the same shape)."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    model.version = 3
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RESHAPE
    code.version = 1
    empty, target = schema.BufferT(), schema.BufferT()
    target.data = np.frombuffer(np.array(shape, np.int32).tobytes(), np.uint8)
    model.buffers = [empty, target]
    tensors = []
    for name in ("x", "y", "shape"):
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = [len(shape)] if name == "shape" else list(shape)
        tensor.buffer = 1 if name == "shape" else 0
        tensor.type = schema.TensorType.UINT8 if quantised else schema.TensorType.FLOAT32
        if name == "shape":
            tensor.type = schema.TensorType.INT32
        elif quantised:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [3]
        tensors.append(tensor)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 2], [1]
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator], [0], [1]
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return path


def test_onnx(tmp_path: Path) -> None:
    model = load(onnx_file(tmp_path / "m.onnx"), threads=1)
    assert [(p.name, p.shape, p.dtype) for p in model.inputs] == [("x", (None, 2), np.dtype("float32"))]
    assert model.run(np.ones((3, 2), np.float32))[0].tolist() == [[-1, -1]] * 3
    for wrong in (np.ones((3, 5), np.float32), np.ones((3, 2), np.float64)):
        with pytest.raises(ModelError, match=r"m\.onnx") as caught:
            model.run(wrong)
        assert "\n" not in str(caught.value)


def test_litert(tmp_path: Path) -> None:
    model = load(tflite_file(tmp_path / "m.tflite"))
    assert [(p.name, p.shape, p.dtype) for p in model.inputs] == [("x", (1, 2), np.dtype("float32"))]
    first = model.run(np.array([[1, 2]], np.float32))[0]
    second = model.run(np.array([[3, 4]], np.float32))[0]
    assert (first.tolist(), second.tolist()) == ([[1, 2]], [[3, 4]])
    with pytest.raises(ModelError, match=r"must be float32 \(1, 2\)"):
        model.run(np.ones((1, 3), np.float32))
    with pytest.raises(ModelError, match="must be float32"):
        model.run(np.ones((1, 2), np.float64))


def test_litert_says_how_it_is_quantised(tmp_path: Path) -> None:
    port = load(tflite_file(tmp_path / "m.tflite", quantised=True)).inputs[0]
    assert (port.dtype, port.scale, port.zero_point) == (np.dtype("uint8"), 0.5, 3)


@pytest.mark.parametrize("name", ["m.onnx", "m.tflite"])
@pytest.mark.parametrize("data", [b"", b"text", b"\0" * 1000])
def test_a_broken_file_is_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    if name.endswith("tflite"):
        pytest.importorskip("ai_edge_litert.interpreter")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelError, match=name) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_one_line(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match=r"m\.onnx"):
        load(path)


def test_what_is_missing_or_unknown_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load(tmp_path / "m.onnx")
    (tmp_path / "m.pt").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"'\.pt'"):
        load(tmp_path / "m.pt")
