"""From an artifact back to a network that can be trained: the weights its ONNX file holds, dequantised."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from touchline.model.nets.athlete import SCALE, ZERO_POINT, AthleteNet
from touchline.runtime import golden, manifest
from touchline.runtime.verify import tolerance_of
from touchline.types.errors import ModelError

Array = NDArray[Any]
_FOREIGN = "is not a network of ours (AthleteNet); train one with touchline model train, or specialise athlete"


def restore(folder: Path) -> AthleteNet:
    """The detector in an artifact's ``folder``, in float: what its file computes, but without int8's rounding.

    Normalisation was folded into the convolutions; `unfold` puts it back. Raises `ModelError` where the artifact
    is of another architecture, or where what was read does not answer as its proof says.
    """
    artifact = manifest.read(folder)
    if artifact.file.suffix != ".onnx":
        raise ModelError(f"{folder}: {_FOREIGN}")
    convolutions = _convolutions(onnx.load(artifact.file).graph)
    net = _built(convolutions, folder)
    modules = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    norms = _norms(net)
    with torch.no_grad():
        for module, (weight, bias, _) in zip(modules, convolutions, strict=True):
            if module.weight.shape != weight.shape:
                raise ModelError(f"{folder}: {_FOREIGN}")
            module.weight.copy_(torch.tensor(weight))
            target = module.bias if module.bias is not None else norms[module].bias
            target.copy_(torch.tensor(bias))
    for norm in norms.values():
        norm.running_var = torch.full_like(cast(Tensor, norm.running_var), 1 - norm.eps)
    net.eval()
    _prove(net, folder, tolerance_of(artifact.manifest, folder))
    return net


def unfold(net: AthleteNet, planes: Tensor) -> None:
    """Give every normalisation of ``net`` the statistics of what comes through on ``planes``, uint8-valued floats
    (N, 6, H/2, W/2), and a scale and shift that undo them: it computes what it did, and can be trained on."""

    def settle(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        norm = cast(nn.BatchNorm2d, norm)
        x = given[0]
        was_mean, was_var = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
        gain = norm.weight / (was_var + norm.eps).sqrt()
        lift = norm.bias - was_mean * gain
        var, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        norm.weight.copy_(gain * (var + norm.eps).sqrt())
        norm.bias.copy_(lift + mean * gain)
        was_mean.copy_(mean)
        was_var.copy_(var)

    net.eval()
    hooks = [m.register_forward_pre_hook(settle) for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        net(planes)
    for hook in hooks:
        hook.remove()


def _convolutions(graph: onnx.GraphProto) -> list[tuple[Array, Array, int]]:
    """Weights, biases and stride of each convolution, in order."""
    values = {each.name: each for each in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}

    def value(name: str) -> Array:
        if name in values:
            return numpy_helper.to_array(values[name])
        node = makers.get(name)
        if node is None or node.op_type != "DequantizeLinear":
            raise ModelError(f"model.onnx: {name} is no constant; it {_FOREIGN}")
        whole, scale, zero = (value(each) for each in node.input)
        shape = (-1,) + (1,) * (whole.ndim - 1) if scale.ndim else ()
        return (whole.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)

    return [
        (value(node.input[1]), value(node.input[2]), _stride(node))
        for node in graph.node
        if node.op_type == "Conv" and len(node.input) == 3
    ]


def _stride(node: onnx.NodeProto) -> int:
    return next((attribute.ints[0] for attribute in node.attribute if attribute.name == "strides"), 1)


def _built(convolutions: list[tuple[Array, Array, int]], folder: Path) -> AthleteNet:
    """A network of the shape that the convolutions have."""
    down = [index for index, (_, _, stride) in enumerate(convolutions) if stride == 2]
    wide = [len(weight) for weight, _, _ in convolutions]
    if len(down) != 4 or len(wide) < down[3] + 5 or down[:3] != [0, 2, 4]:
        raise ModelError(f"{folder}: {_FOREIGN}")
    widths = (wide[down[0]], wide[down[1]], wide[down[2]], wide[down[3]])
    depths = (down[3] - down[2] - 1, len(wide) - down[3] - 5)
    return AthleteNet(widths, depths, wide[-2])


def _norms(net: AthleteNet) -> Mapping[nn.Module, nn.BatchNorm2d]:
    """By convolution, the normalisation behind it: the next module in order."""
    layers = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    return {
        one: two for one, two in pairwise(layers) if isinstance(one, nn.Conv2d) and isinstance(two, nn.BatchNorm2d)
    }


def _prove(net: AthleteNet, folder: Path, tolerance: float) -> None:
    for sample in golden.read(folder / golden.FILE):
        planes = torch.from_numpy(sample.inputs[0]).float()
        with torch.inference_mode():
            answer = net.maps((planes - ZERO_POINT) * SCALE).numpy()
        wanted = sample.outputs[0]
        error = (
            float(np.linalg.norm(answer - wanted) / np.linalg.norm(wanted)) if answer.shape == wanted.shape else 1
        )
        if not error <= tolerance:
            raise ModelError(f"{folder}: its weights, read back, answer otherwise than its proof; it {_FOREIGN}")
