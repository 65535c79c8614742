"""One match on what a model is to run with."""

from __future__ import annotations

from pathlib import Path

from touchline.runtime.devices import AUTO, CPU, OPENVINO, check_device
from touchline.runtime.executorch import ExecuTorchModel
from touchline.runtime.litert import LiteRtModel
from touchline.runtime.onnx import OnnxModel
from touchline.runtime.openvino import OpenVinoModel
from touchline.runtime.tensors import Model
from touchline.types.errors import ModelError


def load(path: Path, *, threads: int = 1, device: str = AUTO) -> Model:
    """The network in a file, on this machine's ``device`` with so many threads.

    ``device``: ``auto`` takes the accelerator that ONNX Runtime finds, else the CPU; the others are in `DEVICES`.

    Raises `ModelError` where the file is missing, broken or of a kind no back end here runs, or where the device
    does not run it; `ConfigError` for an unknown device.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file; give the path of an .onnx, .tflite or .pte file")
    check_device(device)
    match path.suffix.lower():
        case ".onnx" if device.startswith(OPENVINO):
            return OpenVinoModel(
                path, threads, device.removeprefix(OPENVINO).removeprefix(":").upper() or CPU.upper()
            )
        case ".onnx":
            return OnnxModel(path, threads, device)
        case ".tflite" | ".pte" if device not in (AUTO, CPU):
            raise ModelError(f"{path}: runs on the CPU, not on {device}; leave the device out, or give an .onnx")
        case ".tflite":
            return LiteRtModel(path, threads)
        case ".pte":
            return ExecuTorchModel(path)
        case other:
            raise ModelError(f"{path}: no back end runs '{other}' files; give an .onnx, .tflite or .pte file")
