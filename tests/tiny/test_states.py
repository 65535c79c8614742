"""A causal convolution that keeps its last frames in a variable: a state that goes in and comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.needs import need
from tests.tiny.writer import VALID, Writer
from touchline.tiny import reference
from touchline.tiny.artifact import compile_artifact, run_artifact
from touchline.tiny.import_tflite import read_tflite
from touchline.types import ModelError

RESOURCE = 13


def streaming(writer: Writer, slots: int, depth: int) -> int:
    """CALL_ONCE, VAR_HANDLE, READ_VARIABLE, CONCATENATION, CONV_2D, STRIDED_SLICE, ASSIGN_VARIABLE; the output."""
    rng = np.random.default_rng(4)
    frame = writer.input((1, 1, depth), 0.05, 7)
    handle = writer.tensor((), "int32", name="ring")
    writer.graph.tensors[handle].type = RESOURCE
    past = writer.tensor((1, slots, depth), scale=0.05, zero_point=7, name="past")
    all_ = writer.tensor((1, slots + 1, depth), scale=0.05, zero_point=7)
    image = writer.tensor((1, slots + 1, 1, depth), scale=0.05, zero_point=7)
    kept = writer.tensor((1, slots, depth), scale=0.05, zero_point=7)
    weights = rng.integers(-127, 128, (3, slots + 1, 1, depth))
    filter_ = writer.tensor(weights.shape, scale=0.01, data=weights)
    bias = writer.tensor((3,), "int32", 0.0005, data=[100, -5, 0])
    made = writer.tensor((1, 1, 1, 3), scale=0.2, zero_point=-3)
    writer.op("CALL_ONCE", [], [], version=1, initSubgraphIndex=1)
    writer.op("VAR_HANDLE", [], [handle], version=1, container="", sharedName="ring")
    writer.op("READ_VARIABLE", [handle], [past], version=1)
    writer.op("CONCATENATION", [past, frame], [all_], axis=1)
    writer.op("RESHAPE", [all_, writer.ints([1, slots + 1, 1, depth])], [image], version=1)
    options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    writer.op("CONV_2D", [image, filter_, bias], [made], padding=VALID, **options)
    begin, size = writer.ints([0, 1, 0]), writer.ints([1, slots, depth])
    writer.op("SLICE", [all_, begin, size], [kept])
    writer.op("ASSIGN_VARIABLE", [handle, kept], [], version=1)
    return made


def initial(writer: Writer, slots: int, depth: int, value: int) -> None:
    """The subgraph that CALL_ONCE names."""
    main, writer.graph = writer.graph, schema.SubGraphT()
    writer.graph.tensors, writer.graph.operators, writer.graph.inputs = [], [], []
    handle = writer.tensor((), "int32", name="ring")
    writer.graph.tensors[handle].type = RESOURCE
    data = np.full((1, slots, depth), value)
    first = writer.tensor(data.shape, scale=0.05, zero_point=7, data=data)
    writer.op("VAR_HANDLE", [], [handle], version=1, container="", sharedName="ring")
    writer.op("ASSIGN_VARIABLE", [handle, first], [], version=1)
    writer.graph.outputs = np.array([], np.int32)
    writer.model.subgraphs.append(writer.graph)
    writer.graph = main


def saved(path: Path, value: int = 7) -> Path:
    writer = Writer()
    output = streaming(writer, 2, 5)
    initial(writer, 2, 5, value)
    return writer.save(path, output)


def test_a_stream_gives_the_interpreter_s_bits_frame_by_frame(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    need("cc")
    path = saved(tmp_path / "stream.tflite")
    graph = read_tflite(path)
    assert len(graph.states) == 1
    compile_artifact(path, tmp_path / "stream")
    theirs = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    theirs.allocate_tensors()
    rng = np.random.default_rng(0)
    state = np.full((1, 2, 5), 7, np.int8)
    for number in range(6):
        frame = rng.integers(-128, 128, (1, 1, 5)).astype(np.int8)
        theirs.set_tensor(theirs.get_input_details()[0]["index"], frame)
        theirs.invoke()
        wanted = theirs.get_tensor(theirs.get_output_details()[0]["index"])
        made, following = reference.run(graph, frame, state)
        np.testing.assert_array_equal(made, wanted)
        if number in (0, 5):
            answer = run_artifact(tmp_path / "stream", [frame, state], "host")
            np.testing.assert_array_equal(answer.outputs[0], wanted)
            np.testing.assert_array_equal(answer.outputs[1], following)
        state = following.astype(np.int8)
    header = (tmp_path / "stream" / "model.h").read_text()
    assert "INPUT_1 is a state: its zero point all over at first, then what OUTPUT_1 was." in header


def test_a_state_that_begins_elsewhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"operator 0 \(CALL_ONCE\) initialises its state"):
        read_tflite(saved(tmp_path / "stream.tflite", 9))


def svdf(writer: Writer, dtype: str, seed: int) -> tuple[int, int]:
    """An SVDF of rank 2; its input and its output. Some features leave the state's bounds."""
    rng = np.random.default_rng(seed)
    inputs, units, memory = int(rng.integers(1, 20)), int(rng.integers(1, 9)), int(rng.integers(1, 9))
    filters, zero = 2 * units, 0 if dtype == "int16" else int(rng.integers(-128, 128))
    scales = [float(np.float32(scale)) for scale in (0.05, 0.01, 0.02 if dtype == "int8" else 1e-4, 0.004)]
    frame = writer.input((1, inputs), scales[0], int(rng.integers(-128, 128)))
    features = writer.tensor((filters, inputs), scale=scales[1], data=rng.integers(-127, 128, (filters, inputs)))
    times = writer.tensor((filters, memory), dtype, scales[3], data=rng.integers(-127, 128, (filters, memory)))
    bias = writer.tensor((units,), "int32", scales[2] * scales[3], data=rng.integers(-3000, 3000, units))
    state = writer.tensor((1, filters * memory), dtype, scales[2], zero, name="state")
    writer.graph.tensors[state].isVariable = True
    output = writer.tensor((1, units), scale=0.05, zero_point=int(rng.integers(-128, 128)))
    writer.op("SVDF", [frame, features, times, bias, state], [output], version=3, rank=2)
    return frame, output


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_an_svdf_s_state_is_handed_on(tmp_path: Path, dtype: str) -> None:
    from tflite_micro.python.tflite_micro import runtime

    for seed in range(8):
        writer = Writer()
        frame, output = svdf(writer, dtype, seed)
        path = writer.save(tmp_path / f"svdf{seed}.tflite", output)
        graph = read_tflite(path)
        ((before, _),) = graph.states
        quant = graph.tensors[before].q
        state = np.full(graph.tensors[before].shape, quant.zero_point, dtype)
        interpreter = runtime.Interpreter.from_bytes(path.read_bytes(), arena_size=1 << 16)
        rng = np.random.default_rng(seed)
        for _ in range(12):
            x = rng.integers(-128, 128, graph.tensors[frame].shape).astype(np.int8)
            interpreter.set_input(x, 0)
            interpreter.invoke()
            made, state = reference.run(graph, x, state)
            np.testing.assert_array_equal(made, interpreter.get_output(0))
    need("cc", "arm-none-eabi-gcc", "qemu-system-arm")
    compile_artifact(path, tmp_path / "svdf")  # whose C it verifies, there and on both boards, from any state
