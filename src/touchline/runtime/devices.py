"""What a model may run on, by the word a user says for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from touchline.types.errors import ConfigError

AUTO, CPU, OPENVINO = "auto", "cpu", "openvino"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One that ONNX Runtime reaches by an execution provider.

    ``package``: the build of ONNX Runtime that has it. ``node``: a file that is there where the hardware is.
    ``by_itself``: whether it is taken without being asked for.
    """

    provider: str
    what: str
    package: str
    node: str = ""
    by_itself: bool = True


ACCELERATORS: Mapping[str, Accelerator] = {
    "cuda": Accelerator("CUDAExecutionProvider", "NVIDIA GPU", "onnxruntime-gpu", "/dev/nvidiactl"),
    # It builds an engine for minutes before its first answer: only for those who ask.
    "tensorrt": Accelerator(
        "TensorrtExecutionProvider", "NVIDIA GPU", "onnxruntime-gpu", "/dev/nvidiactl", by_itself=False
    ),
    "migraphx": Accelerator("MIGraphXExecutionProvider", "AMD GPU", "onnxruntime-migraphx", "/dev/kfd"),
    "coreml": Accelerator("CoreMLExecutionProvider", "Apple GPU and neural engine", "onnxruntime"),
    "directml": Accelerator("DmlExecutionProvider", "GPU under Windows", "onnxruntime-directml"),
    "qnn": Accelerator("QNNExecutionProvider", "Qualcomm NPU", "onnxruntime-qnn", "/dev/fastrpc-cdsp"),
    "vitisai": Accelerator("VitisAIExecutionProvider", "AMD NPU", "onnxruntime-vitisai", "/dev/accel/accel0"),
}
"""In the order in which one is chosen."""

DEVICES = (AUTO, CPU, *ACCELERATORS, OPENVINO, f"{OPENVINO}:gpu", f"{OPENVINO}:npu")


def check_device(device: str) -> str:
    """Itself. Raises `ConfigError` where it is no device's word."""
    if device not in DEVICES:
        raise ConfigError(f"device is {device!r}; choose {', '.join(DEVICES)}")
    return device
