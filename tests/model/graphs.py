"""Small ONNX networks, as another tool would have written them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_convolutions(
    path: Path, *, shape: tuple[int | str, ...] = (1, 3, 16, 16), wild: bool = False, seed: int = 0
) -> Path:
    """Three 3×3 convolutions, rectified between, then a mean over the picture: float32 in, (N, 4) out.

    ``wild``: the second's channels differ in size by up to ten thousand, and the third's weights undo that, which
    no one range of 8 bits can hold.
    """
    rng = np.random.default_rng(seed)
    spread = np.geomspace(1, 1e4, 8) if wild else np.ones(8)
    weights = {
        "w1": rng.normal(0, 0.3, (8, 3, 3, 3)),
        "w2": rng.normal(0, 0.2, (8, 8, 3, 3)) * spread[:, None, None, None],
        "w3": rng.normal(0, 0.2, (4, 8, 3, 3)) / spread[None, :, None, None],
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu1"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["d"], name="relu2"),
        helper.make_node("Conv", ["d", "w3"], ["e"], name="third", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["e"], ["f"], name="mean"),
        helper.make_node("Flatten", ["f"], ["y"], name="flat"),
    ]
    graph = helper.make_graph(
        nodes,
        "convolutions",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], 4])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def write_foreign(path: Path) -> Path:
    """Two operators of a domain that no runtime here knows, one of them twice."""
    nodes = [
        helper.make_node("Twist", ["x"], ["a"], name="one", domain="com.example"),
        helper.make_node("Twist", ["a"], ["b"], name="two", domain="com.example"),
        helper.make_node("Shout", ["b"], ["y"], name="three", domain="com.example"),
    ]
    taken, given = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    graph = helper.make_graph(nodes, "foreign", [taken], [given])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=9), path)
    return path
