"""A user's detector that finds nobody and takes its time over bright pictures: overload that a test can switch."""

from __future__ import annotations

import time
from pathlib import Path

import av
import numpy as np
import onnx
import onnxruntime
from av.video.stream import VideoStream
from onnx import TensorProto, helper

WIDTH = 640


def write_slow_detector(path: Path, seconds: float) -> Path:
    """An .onnx file, with its .toml beside it, for pictures of any size.

    A picture brighter than the middle takes ``seconds`` on this machine at the full width of 640 px, as long as at
    the time of the call, and in proportion to its pixels when smaller. A dark one takes next to nothing.
    """
    trial = 4
    _write(path, trial)
    took = _time(path)
    _write(path, max(1, round(trial * seconds / took)))
    path.with_suffix(".toml").write_text(f'decode = "ultralytics"\nlabels = ["player"]\nwidth = {WIDTH}\n')
    return path


def _time(path: Path) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    picture = np.ones((1, 3, WIDTH * 9 // 16, WIDTH), np.float32)
    took: list[float] = []
    for _ in range(3):  # the quickest, for a machine may be busy with something else
        begun = time.perf_counter()
        session.run(None, {"images": picture})
        took.append(time.perf_counter() - begun)
    return min(took)


def _write(path: Path, rounds: int) -> None:
    """``rounds`` convolutions where the picture's mean is above one half, none where it is below."""
    weights = np.full((8, 3, 7, 7), 1e-3, np.float32)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["going"]),
            helper.make_node("Conv", ["images", "weights"], ["features"], pads=[3, 3, 3, 3]),
            helper.make_node("ReduceMean", ["features"], ["mean_feature"], keepdims=0),
            helper.make_node("Add", ["sum", "mean_feature"], ["next_sum"]),
        ],
        "round",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_sum", TensorProto.FLOAT, []),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["images"], ["brightness"], keepdims=0),
            helper.make_node("Greater", ["brightness", "half"], ["bright"]),
            helper.make_node("Cast", ["bright"], ["one_or_none"], to=TensorProto.INT64),
            helper.make_node("Mul", ["one_or_none", "rounds"], ["trips"]),
            helper.make_node("Loop", ["trips", "", "zero"], ["work"], body=body),
            helper.make_node("Mul", ["work", "zero"], ["nothing"]),
            helper.make_node("Add", ["nobody", "nothing"], ["output"]),
        ],
        "slow",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 5, 1])],
        [
            helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
            helper.make_tensor("rounds", TensorProto.INT64, [], [rounds]),
            helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel()),
            helper.make_tensor("nobody", TensorProto.FLOAT, [1, 5, 1], [0.0] * 5),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_flat(path: Path, luma: int, *, codec: str = "libx264", fps: int = 25, frames: int = 75) -> Path:
    """A clip of one grey, ``luma`` 16 (dark) to 235 (bright), 640×360, a key picture a second, no B-frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = 640, 360
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "bf": "0", "g": str(fps)}
        planes = np.full((540, 640), 128, np.uint8)
        planes[:360] = luma
        for _ in range(frames):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p").reformat(format=stream.pix_fmt))
            )
        container.mux(stream.encode(None))
    return path
