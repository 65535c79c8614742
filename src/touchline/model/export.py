"""From a checkpoint to the artifact a device runs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static as quantise_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from touchline.model.data.pictures import Picture
from touchline.model.nets.athlete import (
    CHANNELS,
    COARSEST,
    FINER,
    ROLES,
    SCALE,
    STRIDE,
    ZERO_POINT,
    AthleteNet,
)
from touchline.model.recipe import read_head
from touchline.model.seal import prove
from touchline.model.tasks.detector_recipe import DetectorRecipe
from touchline.runtime.golden import Sample
from touchline.types.errors import ModelError
from touchline.types.frame import Frame
from touchline.vision.prepare import blocks, fit_free

LABELS = ("ball", *ROLES)
_INPUT, _REAL = "planes", "real_planes"
_TOLERANCE = 0.05
"""Twice what int8 costs the maps of football pictures: ‖y − r‖ / ‖r‖ was 0.020 to 0.025."""
_LEAST_SHARE = 0.64
"""Of the width to which the analysis width may fall: at half of it boxes of people close by are looser."""


def load_checkpoint(path: Path) -> AthleteNet:
    """The averaged weights of a run's checkpoint.pt, ready to infer. Raises `ModelError`."""
    if not path.is_file():
        raise ModelError(f"{path}: no such checkpoint; train first")
    state: Any = torch.load(path, weights_only=True)
    spec = DetectorRecipe(read_head(str(state["recipe"]), path)).net
    net = AthleteNet(spec.widths, spec.depths, spec.head)
    net.load_state_dict(state["averaged"])
    return net.eval()


def export_onnx(net: AthleteNet, path: Path, pictures: Sequence[Picture] = (), width: int = 960) -> None:
    """Write ``net`` as ONNX: uint8 (N, 6, H/2, W/2) → float32 (N, 52, H/8, W/8), sizes free.

    With ``pictures`` its convolutions run in int8: weights per channel, activations by the mean range they take on
    these pictures at analysis size ``width``. The last layer stays in float32, as its channels mean
    different things. Weights keep to 7 bits, since processors without VNNI add pairs of products in 16 bits.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (Path(folder) / name for name in ("plain.onnx", "ready.onnx", "int8.onnx"))
        size = torch.zeros(1, 6, 2 * COARSEST, 2 * COARSEST)
        axes = {0: "n", 2: "rows", 3: "columns"}
        torch.onnx.export(
            _Maps(net).eval(),
            (size,),
            str(plain),
            input_names=[_REAL],
            output_names=["maps"],
            dynamic_axes={_REAL: axes, "maps": {0: "n", 2: "map_rows", 3: "map_columns"}},
            opset_version=17,
            dynamo=False,
        )
        if not pictures:
            graph = onnx.load(plain)
        else:
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
            last = onnx.load(ready).graph.node[-1].name
            quantise_static(
                str(ready),
                str(small),
                _Calibration(pictures, width),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"CalibMovingAverage": True},
                nodes_to_exclude=[last],
            )
            graph = onnx.load(small)
    _take_bytes(graph)
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def write_artifact(
    folder: Path,
    net: AthleteNet,
    proof: Sequence[Frame],
    facts: dict[str, Any],
    *,
    width: int,
    score: float,
    ball_score: float,
    proof_width: int | None = None,
    proof_planes: Sequence[NDArray[np.uint8]] = (),
) -> None:
    """Complete ``folder``, which holds model.onnx, with its manifest.json, the proof that it is ``net``, and what
    it takes here.

    ``proof``: pictures whose planes, at analysis size ``proof_width`` (else ``width``), and ``net``'s answers go
    with the artifact, behind ``proof_planes``, (1, 6, H/2, W/2), taken as they are. ``facts``: its name, licence,
    measured accuracy and what it was trained on. Raises `CheckFailed` where model.onnx is another network.
    """
    inputs = [*proof_planes, *(seen_planes(frame, proof_width or width) for frame in proof)]
    samples = [_answered(net, planes) for planes in inputs]
    prove(folder, _described(facts, width, score, ball_score), "model.onnx", samples)


def _answered(net: AthleteNet, planes: NDArray[np.uint8]) -> Sample:
    with torch.inference_mode():
        real = (torch.from_numpy(planes).float() - ZERO_POINT) * SCALE
        return Sample((planes,), (net.maps(real).numpy(),))


def seen_planes(frame: Frame, width: int) -> NDArray[np.uint8]:
    """A picture as the network is given it at analysis size ``width``: (1, 6, H/2, W/2)."""
    fit = fit_free((frame.width, frame.height), width, COARSEST)
    planes = np.empty((1, 6, fit.size[1] // 2, fit.size[0] // 2), np.uint8)
    blocks(frame, fit, planes[0])
    return planes


def _described(facts: dict[str, Any], width: int, score: float, ball_score: float) -> dict[str, Any]:
    return {
        **facts,
        "target": "server",
        "tolerance": _TOLERANCE,
        "inputs": [
            {
                "name": _INPUT,
                "shape": [1, 6, "height / 2", "width / 2"],
                "dtype": "uint8",
                "layout": "NCHW",
                "preprocess": "YUV 4:2:0 planes in video range, resized, luma as 2×2 blocks row by row "
                f"in channels 0 to 3, u, v; at the top left of a rim of 128; sizes multiples of {COARSEST}",
            }
        ],
        "outputs": [
            {
                "name": "maps",
                "shape": [1, CHANNELS * FINER**2, *(f"{side} / {STRIDE * FINER}" for side in ("height", "width"))],
                "dtype": "float32",
                "layout": "NCHW",
            }
        ],
        "detect": {
            "decode": "centre",
            "labels": list(LABELS),
            "width": width,
            "least_width": round(width * _LEAST_SHARE),
            "multiple": COARSEST,
            "score": score,
            "ball_score": ball_score,
            "overlap": 0.6,
        },
    }


class _Maps(nn.Module):
    """The network without its first scaling."""

    def __init__(self, net: AthleteNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net.maps(x)


class _Calibration(CalibrationDataReader):
    """Pictures one by one, as the network sees them."""

    def __init__(self, pictures: Sequence[Picture], width: int) -> None:
        self._pictures = iter(pictures)
        self._width = width

    def get_next(self) -> dict[str, NDArray[np.float32]]:
        picture = next(self._pictures, None)
        if picture is None:
            return cast(dict[str, NDArray[np.float32]], None)  # how the base class says that was all
        planes = seen_planes(picture.frame, self._width).astype(np.float32)
        return {_REAL: (planes - ZERO_POINT) * np.float32(SCALE)}


def _take_bytes(model: onnx.ModelProto) -> None:
    """Let the graph take bytes: the scaling of the input is a dequantisation, and where a quantiser put one
    behind a quantisation of its own, in place of the two."""
    graph = model.graph
    for node in [node for node in graph.node if _REAL in node.input and node.op_type == "QuantizeLinear"]:
        follower = next(other for other in graph.node if node.output[0] in other.input)
        for user in graph.node:
            for index, name in enumerate(user.input):
                if name == follower.output[0]:
                    user.input[index] = _REAL
        graph.node.remove(node)
        graph.node.remove(follower)
        _rescale_bias(graph)
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(SCALE, np.float32), "planes_scale"),
            numpy_helper.from_array(np.array(ZERO_POINT, np.uint8), "planes_zero_point"),
        ]
    )
    graph.node.insert(
        0,
        helper.make_node(
            "DequantizeLinear", [_INPUT, "planes_scale", "planes_zero_point"], [_REAL], name="planes_to_real"
        ),
    )
    taken = graph.input[0]
    taken.name = _INPUT
    taken.type.tensor_type.elem_type = TensorProto.UINT8


def _rescale_bias(graph: onnx.GraphProto) -> None:
    """Give the first convolution's integer bias the scale of its new input times the weights'.

    Only so do its sums of products and its bias add up as integers; a runtime that checks runs it in float else.
    """
    makers = {output: node for node in graph.node for output in node.output}
    values = {each.name: each for each in graph.initializer}
    conv = next(node for node in graph.node if _REAL in node.input)
    weight, bias = makers[conv.input[1]], makers[conv.input[2]]
    scale = numpy_helper.to_array(values[weight.input[1]]) * np.float32(SCALE)
    real = numpy_helper.to_array(values[bias.input[0]]) * numpy_helper.to_array(values[bias.input[1]])
    for name, array in ((bias.input[0], np.round(real / scale).astype(np.int32)), (bias.input[1], scale)):
        values[name].CopyFrom(numpy_helper.from_array(array, name))
