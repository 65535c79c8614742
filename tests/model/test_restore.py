"""A shipped artifact, read back as a net that can be trained on. Needs the `train` extra."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from touchline.runtime import golden, manifest, shelf
from touchline.types import ModelError

torch = pytest.importorskip("torch")


def error(net: object, sample: golden.Sample) -> float:
    planes = torch.from_numpy(sample.inputs[0]).float()
    with torch.no_grad():
        answer = net.maps((planes - 128) / 64).numpy()  # type: ignore[attr-defined]
    return float(np.linalg.norm(answer - sample.outputs[0]) / np.linalg.norm(sample.outputs[0]))


def test_the_shipped_detector_comes_back_nearer_to_its_float_self_than_int8_is() -> None:
    from touchline.model.restore import restore

    folder = shelf.find("athlete")
    said = manifest.read(folder).manifest
    net = restore(folder)
    assert sum(each.numel() for each in net.parameters()) == said["parameters"]
    int8 = said["verified"]["outputs"][0]["relative_error"]
    assert max(error(net, sample) for sample in golden.read(folder / golden.FILE)) < int8


def test_its_normalisations_take_up_what_comes_through_and_change_nothing() -> None:
    from touchline.model.restore import restore, unfold

    net = restore(shelf.find("athlete"))
    planes = torch.from_numpy(
        np.concatenate([s.inputs[0] for s in golden.read(shelf.find("athlete") / golden.FILE)])
    )
    with torch.no_grad():
        before = net(planes.float())
        unfold(net, planes.float())
        assert torch.allclose(net(planes.float()), before, atol=1e-3)
        # In training mode, too, which normalises by the batch.
        assert torch.allclose(net.train()(planes.float()), before, atol=1e-2)
    first = net.stem[0][1]
    assert float((first.running_var - 1).abs().max()) > 0.1


@pytest.mark.parametrize("part", ["weight", "shape", "kind"])
def test_what_is_no_net_of_ours_is_refused(part: str, tmp_path: Path) -> None:
    from touchline.model.restore import restore

    folder = tmp_path / "other"
    shutil.copytree(shelf.find("athlete"), folder)
    model = onnx.load(folder / "model.onnx")
    if part == "weight":
        for each in model.graph.initializer:
            if each.name == "net.out.weight":
                values = onnx.numpy_helper.to_array(each)
                each.CopyFrom(onnx.numpy_helper.from_array(values[::-1].copy(), each.name))
    elif part == "shape":
        convolution = next(node for node in model.graph.node if node.op_type == "Conv")
        model.graph.node.remove(convolution)
    else:
        del model.graph.node[:]
    onnx.save(model, folder / "model.onnx")
    said = dict(manifest.parse(folder / "manifest.json"))
    manifest.write(folder, said, ["model.onnx", golden.FILE])
    with pytest.raises(ModelError, match=r"other: .*(not a network of ours)"):
        restore(folder)
