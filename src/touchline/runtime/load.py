"""One match on what a model is to run with."""

from __future__ import annotations

from pathlib import Path

from touchline.runtime.executorch import ExecuTorchModel
from touchline.runtime.litert import LiteRtModel
from touchline.runtime.onnx import OnnxModel
from touchline.runtime.tensors import Model
from touchline.types.errors import ModelError


def load(path: Path, *, threads: int = 1) -> Model:
    """The network in a file, on this device with so many threads.

    Raises `ModelError` where the file is missing, broken or of a kind no back end here runs.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file; give the path of an .onnx, .tflite or .pte file")
    match path.suffix.lower():
        case ".onnx":
            return OnnxModel(path, threads)
        case ".tflite":
            return LiteRtModel(path, threads)
        case ".pte":
            return ExecuTorchModel(path)
        case other:
            raise ModelError(f"{path}: no back end runs '{other}' files; give an .onnx, .tflite or .pte file")
