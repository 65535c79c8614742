"""ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures  # pyright: ignore[reportAttributeAccessIssue]

from touchline.runtime.tensors import Port
from touchline.types.errors import ModelError

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}
FAILURES = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
)
"""What ONNX Runtime raises; it has no root of its own."""


class OnnxModel:
    """An .onnx file, ready to run."""

    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A pool that spins while it waits takes the core from the decoder beside it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except FAILURES as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path}: not a model ONNX Runtime can run ({reason}); check the file") from error
        self._path = path
        self.inputs = tuple(_port(node) for node in self._session.get_inputs())
        self.outputs = tuple(_port(node) for node in self._session.get_outputs())

    def run(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per input, in the order of ``inputs`` → one per output."""
        feeds = {port.name: array for port, array in zip(self.inputs, arrays, strict=True)}
        try:
            return cast(list[NDArray[Any]], self._session.run(None, feeds))
        except FAILURES as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{self._path}: cannot run on this input ({reason}); check its shape") from error


def _port(node: Any) -> Port:
    if node.type not in _DTYPES:
        raise ModelError(f"{node.name}: is a {node.type}, which cannot be given as an array; use another type")
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in node.shape)
    return Port(node.name, shape, np.dtype(_DTYPES[node.type]))
