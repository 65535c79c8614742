"""OpenVINO (the `openvino` extra): the same .onnx files, faster on many Intel processors."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.runtime.tensors import Port
from touchline.types.errors import ModelError


class OpenVinoModel:
    """An .onnx file, ready to run. ``part``: OpenVINO's own name of what it runs on: CPU, GPU or NPU."""

    def __init__(self, path: Path, threads: int, part: str = "CPU") -> None:
        try:
            # By name, so that a device without the extra still imports this package.
            openvino: Any = importlib.import_module("openvino")
        except ImportError as error:
            raise ModelError(
                f"{path}: device openvino needs OpenVINO, which is not installed; in a clone: "
                ".venv/bin/pip install -e '.[openvino]'"
            ) from error
        self._path = path
        self.device = "openvino" if part == "CPU" else f"openvino:{part.lower()}"
        # Else it computes float networks in bfloat16 or float16 where it can: 1e-2 off, where 1e-3 is allowed.
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if part == "CPU":
            # A thread tied to one core waits for whatever else runs there: 6 ms, measured on a busy box.
            settings |= {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
        try:
            compiled: Any = openvino.Core().compile_model(str(path), part, settings)
        except RuntimeError as error:
            reason = _reason(error)
            raise ModelError(
                f"{path}: not a model OpenVINO can run on {part} ({reason}); check the file, or touchline doctor"
            ) from error
        self._request: Any = compiled.create_infer_request()
        self.inputs = tuple(_port(port) for port in compiled.inputs)
        self.outputs = tuple(_port(port) for port in compiled.outputs)

    def run(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per input, in the order of ``inputs`` → one per output."""
        for port, array in zip(self.inputs, arrays, strict=True):
            # OpenVINO would convert another type without a word.
            if array.dtype != port.dtype:
                raise ModelError(f"{self._path}: input {port.name} must be {port.dtype}, is {array.dtype}")
        try:
            answer = self._request.infer(list(arrays), share_inputs=True)
        except RuntimeError as error:
            reason = _reason(error)
            raise ModelError(f"{self._path}: cannot run on this input ({reason}); check its shape") from error
        return [np.array(answer[index]) for index in range(len(self.outputs))]  # its own memory is used again


def _port(port: Any) -> Port:
    shape = tuple(size.get_length() if size.is_static else None for size in port.get_partial_shape())
    return Port(str(port.get_any_name()), shape, np.dtype(port.get_element_type().to_dtype()))


def _reason(error: RuntimeError) -> str:
    """Its errors span lines, and the first tell of its own source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in reversed(lines) if not line.startswith(("Exception", "Check"))), lines[0])[:200]
