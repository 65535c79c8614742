"""A bright square whose every place is known, in clips, and a user's detector that finds it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import onnx
from av.video.stream import VideoStream
from onnx import TensorProto, helper

from tests.scene import texture

WIDTH, HEIGHT, FPS = 320, 180, 25
SIDE, TOP = 48, 64
FLOOR = 0.5
"""Of the detector's confidence, to which a thousandth is added for every two px of the width it looked at."""


def write_square(
    path: Path,
    left: Callable[[int], int | None],
    *,
    frames: int,
    codec: str = "libx264",
    key_every: int = FPS,
    aspect: Fraction = Fraction(1),
) -> Path:
    """A grey clip, 320×180 px of SAR ``aspect`` at 25 Hz; ``left`` gives the square's left edge in picture k, None
    for no square."""
    ground, square = texture(WIDTH, HEIGHT, 0, 30, 110), texture(SIDE, SIDE, 1, 205, 235)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        if codec == "libx264":
            stream.options = {
                "preset": "veryfast",
                "bf": "0",
                "crf": "16",
                "g": str(key_every),
                "sc_threshold": "0",
            }
        for k in range(frames):
            planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            planes[:HEIGHT] = ground
            at = left(k)
            if at is not None:
                planes[TOP : TOP + SIDE, at : at + SIDE] = square
            picture = av.VideoFrame.from_ndarray(planes, "yuv420p")
            picture.pts, picture.time_base = k, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def write_square_detector(path: Path) -> Path:
    """An .onnx file, with its .toml beside it, for pictures of any size: one box around all that is bright.

    Its confidence tells the width of the picture it was given: `confidence`.
    """
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("ReduceMean", ["images"], ["grey"], axes=[1], keepdims=0),
            node("Greater", ["grey", "threshold"], ["is_bright"]),
            node("Cast", ["is_bright"], ["bright"], to=TensorProto.FLOAT),
            node("ReduceMax", ["bright"], ["columns"], axes=[1], keepdims=0),
            node("ReduceMax", ["bright"], ["rows"], axes=[2], keepdims=0),
            *(
                made
                for line in ("columns", "rows")
                for made in (
                    node("ArgMax", [line], [f"{line}_first"], axis=1, keepdims=1),
                    node("Cast", [f"{line}_first"], [f"{line}_begin"], to=TensorProto.FLOAT),
                    node("ReduceSum", [line, "axis"], [f"{line}_extent"], keepdims=1),
                    node("Mul", [f"{line}_extent", "half"], [f"{line}_half"]),
                    node("Add", [f"{line}_begin", f"{line}_half"], [f"{line}_middle"]),
                )
            ),
            node("ReduceMax", ["bright"], ["any"], axes=[1, 2], keepdims=1),
            node("Squeeze", ["any", "axis"], ["seen"]),
            node("Shape", ["images"], ["wide"], start=3, end=4),
            node("Cast", ["wide"], ["width"], to=TensorProto.FLOAT),
            node("Mul", ["width", "per_px"], ["share"]),
            node("Add", ["share", "half"], ["sure"]),
            node("Mul", ["seen", "sure"], ["score"]),
            node(
                "Concat",
                ["columns_middle", "rows_middle", "columns_extent", "rows_extent", "score"],
                ["flat"],
                axis=1,
            ),
            node("Reshape", ["flat", "shape"], ["output"]),
        ],
        "square",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 5, 1])],
        [
            helper.make_tensor("threshold", TensorProto.FLOAT, [], [0.65]),
            helper.make_tensor("half", TensorProto.FLOAT, [], [FLOOR]),
            helper.make_tensor("per_px", TensorProto.FLOAT, [], [0.0005]),
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("shape", TensorProto.INT64, [3], [1, 5, 1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    path.with_suffix(".toml").write_text(f'decode = "ultralytics"\nlabels = ["player"]\nwidth = {WIDTH}\n')
    return path


def confidence(width: int) -> float:
    """What the detector says of a square in a picture ``width`` px wide."""
    return round(FLOOR + 0.0005 * width, 3)
