"""LiteRT (the `litert` extra)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.runtime.devices import CPU
from touchline.runtime.tensors import Port
from touchline.types.errors import ModelError


class LiteRtModel:
    """A .tflite file, ready to run."""

    def __init__(self, path: Path, threads: int) -> None:
        try:
            # By name, so that a device without the extra still imports this package.
            interpreter: Any = importlib.import_module("ai_edge_litert.interpreter")
        except ImportError as error:
            raise ModelError(
                f"{path}: needs LiteRT, which is not installed; in a clone: .venv/bin/pip install -e '.[litert]'"
            ) from error
        try:
            self._interpreter: Any = interpreter.Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path}: not a model LiteRT can run ({reason}); check the file") from error
        self._path = path
        self.device = CPU
        self._in = [int(detail["index"]) for detail in self._interpreter.get_input_details()]
        self._out = [int(detail["index"]) for detail in self._interpreter.get_output_details()]
        self.inputs = tuple(_port(detail) for detail in self._interpreter.get_input_details())
        self.outputs = tuple(_port(detail) for detail in self._interpreter.get_output_details())

    def run(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per input, in the order of ``inputs`` → one per output."""
        for index, port, array in zip(self._in, self.inputs, arrays, strict=True):
            if tuple(array.shape) != port.shape or array.dtype != port.dtype:
                raise ModelError(
                    f"{self._path}: input {port.name} must be {port.dtype} {port.shape}, "
                    f"is {array.dtype} {array.shape}"
                )
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._out]


def _port(detail: Any) -> Port:
    scale, zero_point = detail["quantization"]
    return Port(
        str(detail["name"]),
        tuple(int(size) for size in detail["shape"]),
        np.dtype(detail["dtype"]),
        float(scale),
        int(zero_point),
    )
