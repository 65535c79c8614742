"""ExecuTorch (the `phone` extra): what a phone runs, run here to prove it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.runtime.devices import CPU
from touchline.runtime.quiet import quiet
from touchline.runtime.tensors import Port
from touchline.types.errors import ModelError

_DTYPES = {
    0: "uint8",
    1: "int8",
    2: "int16",
    3: "int32",
    4: "int64",
    5: "float16",
    6: "float32",
    7: "float64",
    11: "bool",
}
"""Torch's numbers for its scalar types (c10/core/ScalarType.h)."""


class ExecuTorchModel:
    """A .pte file, ready to run. Its threads are ExecuTorch's own affair: it takes one per core."""

    def __init__(self, path: Path) -> None:
        try:
            # By name: a device without the extra still imports this package.
            with quiet():
                self._torch: Any = importlib.import_module("torch")
                runtime: Any = importlib.import_module("executorch.runtime")
        except ImportError as error:
            raise ModelError(
                f"{path}: needs ExecuTorch, which is not installed; "
                "in a clone: .venv/bin/pip install -e '.[phone]'"
            ) from error
        self._path = path
        self.device = CPU
        try:
            # The program is kept: the method points into it.
            with quiet():
                self._program: Any = runtime.Runtime.get().load_program(path.read_bytes())
                self._method: Any = self._program.load_method("forward")
            about: Any = self._method.metadata
            self.inputs = tuple(
                _port(f"input_{index}", about.input_tensor_meta(index)) for index in range(about.num_inputs())
            )
            self.outputs = tuple(
                _port(f"output_{index}", about.output_tensor_meta(index)) for index in range(about.num_outputs())
            )
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path}: not a model ExecuTorch can run ({reason}); check the file") from error

    def run(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per input, in the order of ``inputs`` → one per output."""
        try:
            outputs = self._method.execute([self._torch.from_numpy(np.ascontiguousarray(each)) for each in arrays])
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{self._path}: cannot run on this input ({reason}); check its shape") from error
        return [output.numpy().copy() for output in outputs]  # the method's own memory is used again


def _port(name: str, meta: Any) -> Port:
    return Port(
        name, tuple(int(size) for size in meta.sizes()), np.dtype(_DTYPES.get(int(meta.dtype()), "object"))
    )
