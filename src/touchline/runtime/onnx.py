"""ONNX Runtime."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures  # pyright: ignore[reportAttributeAccessIssue]

from touchline.runtime.devices import ACCELERATORS, AUTO, CPU
from touchline.runtime.tensors import Port
from touchline.types.errors import ModelError

_log = logging.getLogger(__name__)

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
    failures.DeviceReset,
    failures.EPFail,
    failures.EngineError,
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
    """An .onnx file, ready to run.

    ``device``: ``cpu``, a key of `ACCELERATORS`, or ``auto``: the first accelerator that this build of ONNX
    Runtime has and that takes the model, else the CPU. An accelerator that was chosen so and fails at its first
    answer is given up for the CPU, which is logged in one line. ``alone``: leave nothing of it to the CPU.
    """

    def __init__(self, path: Path, threads: int, device: str = AUTO, *, alone: bool = False) -> None:
        self._path = path
        self._threads = threads
        self._alone = alone
        self.device, self._session = self._choose() if device == AUTO else (device, self._open(device))
        self._doubted = device == AUTO and self.device != CPU
        self.inputs = tuple(_port(node) for node in self._session.get_inputs())
        self.outputs = tuple(_port(node) for node in self._session.get_outputs())

    def run(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per input, in the order of ``inputs`` → one per output."""
        feeds = {port.name: array for port, array in zip(self.inputs, arrays, strict=True)}
        try:
            answer = cast(list[NDArray[Any]], self._session.run(None, feeds))
        except FAILURES as error:
            reason = str(error).splitlines()[0]
            if self._doubted:
                self._give_up(reason)
                return self.run(*arrays)
            raise ModelError(f"{self._path}: cannot run on this input ({reason}); check its shape") from error
        self._doubted = False
        return answer

    def _choose(self) -> tuple[str, onnxruntime.InferenceSession]:
        present = onnxruntime.get_available_providers()
        for device, accelerator in ACCELERATORS.items():
            if accelerator.by_itself and accelerator.provider in present:
                try:
                    return device, self._open(device)
                except ModelError as error:
                    _log.warning("%s; it runs on the CPU", error)
        return CPU, self._open(CPU)

    def _give_up(self, reason: str) -> None:
        _log.warning("%s: fails on %s (%s); it runs on the CPU", self._path, self.device, reason)
        self.device, self._session, self._doubted = CPU, self._open(CPU), False

    def _open(self, device: str) -> onnxruntime.InferenceSession:
        """Raises `ModelError` where the file is no model or the device does not take it."""
        accelerator = ACCELERATORS.get(device)
        providers = ["CPUExecutionProvider"]
        if accelerator:
            if accelerator.provider not in onnxruntime.get_available_providers():
                raise ModelError(
                    f"{self._path}: this build of ONNX Runtime has no {device}; install {accelerator.package} in "
                    "place of onnxruntime, or see touchline doctor"
                )
            providers.insert(0, accelerator.provider)
        elif device != CPU:
            raise ModelError(f"{self._path}: ONNX Runtime does not run on {device}; see touchline doctor")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # A pool that spins while it waits takes the core from the decoder beside it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if self._alone and accelerator:
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(str(self._path), options, providers=providers)
        except FAILURES as error:
            reason = str(error).splitlines()[0]
            raise ModelError(
                f"{self._path}: not a model ONNX Runtime can run ({reason}); check the file"
            ) from error
        if session.get_providers()[0] != providers[0]:
            # ONNX Runtime goes on without a provider whose library cannot be loaded.
            raise ModelError(f"{self._path}: {device} cannot be started; check its driver with touchline doctor")
        return session


def _port(node: Any) -> Port:
    if node.type not in _DTYPES:
        raise ModelError(f"{node.name}: is a {node.type}, which cannot be given as an array; use another type")
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in node.shape)
    return Port(node.name, shape, np.dtype(_DTYPES[node.type]))
