"""A float .onnx file from wherever → the same proven artifact that a module becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native  # pyright: ignore[reportAttributeAccessIssue]

from touchline.model.lower.precision import reduce
from touchline.model.options import TOLERANCE, known_quantise
from touchline.model.samples import Real, check_samples, prove_by
from touchline.model.seal import drafting, seal
from touchline.runtime import manifest
from touchline.runtime.golden import Array, Sample
from touchline.runtime.onnx import FAILURES, OnnxModel
from touchline.runtime.preprocess import read as read_preprocess
from touchline.runtime.tensors import Port
from touchline.types.errors import ConfigError, ModelError
from touchline.vision.detect import load_detector

_FILE = "model.onnx"
_QUANTISED = (
    "QuantizeLinear",
    "DynamicQuantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
)
_NOISE = 4


def adopt(
    file: Path,
    out: str | Path | None = None,
    *,
    quantise: str = "none",
    calibration: Iterable[Any] | None = None,
    tolerance: float | None = None,
    name: str | None = None,
    preprocess: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> manifest.Artifact:
    """Compile a float .onnx ``file`` for target ``server``, and prove that it is still the same model.

    The other arguments are those of `touchline.compile`. The reference is the file itself, run by ONNX Runtime
    with all of its optimisations off. Without ``calibration`` that is done on noise (standard normal, integers 0
    and 1, bytes of any value), which says less: the manifest's ``proof`` tells. Free sizes stay free. A detector's
    TOML file beside it goes into the manifest.

    Raises `ModelError`: no ONNX, quantised already, or with operators that ONNX Runtime does not have (all are
    named); `ConfigError`, `ShapeError` and `CheckFailed` as `touchline.compile` does.
    """
    kind = known_quantise(quantise)
    name = name or file.stem
    folder = Path(out) if out is not None else Path(f"{name}-server")
    with drafting(folder) as draft:
        model = _read(file)
        onnx.save(model, draft / _FILE)
        ports = OnnxModel(draft / _FILE, 1).inputs
        wanted = [(port.shape, str(port.dtype)) for port in ports]
        how = read_preprocess(preprocess or _seeing(file, ports), ports[0].shape, name)
        real = check_samples(calibration or (), wanted, name, how)
        if kind != "none" and not real:
            raise ConfigError(f"{name}: {kind} must see real inputs; give calibration samples")
        samples = _reference(draft / _FILE, real or _noise(ports, name), name)
        allowed = TOLERANCE[kind] if tolerance is None else tolerance
        reduced = reduce(kind, draft / _FILE, [each.inputs for each in real], samples, allowed, name)
        said: dict[str, Any] = {
            "name": name,
            "target": "server",
            "quantise": kind,
            **_ports(model, samples[0]),
            "tolerance": allowed,
            **reduced,
            "proof": "calibration" if real else "noise",
            "source": {"file": file.name, "sha256": manifest.sha256(file)},
            **_detecting(file),
            **(facts or {}),
        }
        if how is not None:
            said["inputs"][0] |= {"layout": how.layout, "preprocess": how.as_dict()}
        return seal(draft, folder, said, _FILE, samples)


def _read(file: Path) -> onnx.ModelProto:
    """The file's network, whole and checked. Raises `ModelError`."""
    if not file.is_file():
        raise ModelError(f"{file}: no such file; give a float .onnx")
    try:
        model = onnx.load(file)
        foreign = _foreign(model)
        if not foreign:
            onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        # protobuf, the checker and shape inference raise a dozen kinds, and some are bare Exceptions.
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(f"{file}: not a sound ONNX model ({reason}); export it again") from error
    if foreign:
        raise ModelError(f"{file}: ONNX Runtime has no {'; '.join(foreign)}; export it without them")
    if any(node.op_type in _QUANTISED for node in model.graph.node):
        raise ModelError(
            f"{file}: is quantised already, so that nothing proves it; give the float .onnx it was made from"
        )
    return model


def _detecting(file: Path) -> dict[str, Any]:
    """What the TOML file beside a detector says of it, where there is one. Raises `ModelError` where it does not
    suit the network."""
    if not file.with_suffix(".toml").is_file():
        return {}
    load_detector(file)
    return {"task": "detect", "detect": dict(manifest.describe(file))}


def _seeing(file: Path, ports: Sequence[Port]) -> dict[str, Any] | None:
    """A detector's ``preprocess``, which its TOML file says in its own words, where its input has one size."""
    if not file.with_suffix(".toml").is_file() or len(ports) != 1 or None in ports[0].shape[1:]:
        return None
    reading = load_detector(file).reading
    return {
        "layout": "NHWC" if ports[0].shape[-1] == 3 else "NCHW",
        "colour": reading.colour,
        "range": [0, 255],
        "mean": list(reading.mean),
        "std": list(reading.std),
        "align": "top-left",
        "rim": reading.rim,
    }


def _foreign(model: onnx.ModelProto) -> list[str]:
    """Every operator that ONNX Runtime does not know, with its nodes. (Loading a file stops at the first.)"""
    known = {(each.domain, each.name) for each in native.get_all_operator_schema()}
    known |= {(function.domain, function.name) for function in model.functions}
    places: dict[str, list[str]] = {}
    for number, node in enumerate(model.graph.node):
        domain = "" if node.domain == "ai.onnx" else node.domain
        if (domain, node.op_type) not in known:
            operator = f"{domain}.{node.op_type}" if domain else node.op_type
            places.setdefault(operator, []).append(node.name or f"number {number}")
    return [f"{operator} (node {', '.join(nodes[:3])})" for operator, nodes in places.items()]


def _reference(file: Path, inputs: Sequence[Real], name: str) -> list[Sample]:
    """What the float file answers to the first of ``inputs``, computed node by node as it stands there."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]

    def answer(arrays: tuple[Array, ...]) -> list[Array]:
        try:
            given: Any = session.run(None, dict(zip(names, arrays, strict=True)))
        except FAILURES as error:
            what = f"cannot run on a sample ({str(error).splitlines()[0][:200]})"
            raise ModelError(f"{name}: {what}; give other inputs") from error
        return [np.asarray(each) for each in given]

    return prove_by(inputs, answer, name)


def _noise(ports: Sequence[Port], name: str) -> list[Real]:
    """Inputs of no meaning. Raises `ConfigError` where a size is free: none is better than another."""
    rng = np.random.default_rng(0)
    for port in ports:
        if None in port.shape:
            shape = "×".join("any" if size is None else str(size) for size in port.shape)
            raise ConfigError(
                f"{name}: input {port.name} is {shape}; give calibration samples of the size that it will get"
            )
    return [Real(tuple(_random(port, rng) for port in ports)) for _ in range(_NOISE)]


def _random(port: Port, rng: np.random.Generator) -> Array:
    shape = tuple(size or 1 for size in port.shape)
    if port.dtype.kind == "f":
        return rng.standard_normal(shape).astype(port.dtype)
    # Wider integers are mostly indices, of which 0 and 1 are hardly ever out of range.
    high = 256 if port.dtype == np.uint8 else 2
    return rng.integers(0, high, shape).astype(port.dtype)


def _ports(model: onnx.ModelProto, sample: Sample) -> dict[str, list[dict[str, Any]]]:
    """``inputs`` and ``outputs`` of a manifest. A free size has the name that the file gives it."""
    constants = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in constants]
    return {
        key: [
            {"name": each.name, "shape": _shape(each), "dtype": str(array.dtype)}
            for each, array in zip(group, arrays, strict=True)
        ]
        for key, group, arrays in (
            ("inputs", inputs, sample.inputs),
            ("outputs", model.graph.output, sample.outputs),
        )
    }


def _shape(value: Any) -> list[int | str]:
    sizes = value.type.tensor_type.shape.dim
    return [size.dim_value if size.HasField("dim_value") else size.dim_param or "any" for size in sizes]
