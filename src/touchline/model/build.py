"""THE MODEL ROAD's second half: an nn.Module → traced → lowered → verified → measured → an artifact.

What `touchline.compile` is. The first half, training, is train.py; between the two lies a module with its weights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from touchline.model import trace
from touchline.model.lower import executorch, litert, onnx
from touchline.model.lower.precision import reduce
from touchline.model.options import TARGETS, TOLERANCE, Target, known_quantise, known_target
from touchline.model.samples import Real, check_samples, prove_by
from touchline.model.seal import drafting, seal
from touchline.runtime import golden, manifest
from touchline.runtime.golden import Array, Sample
from touchline.runtime.preprocess import read as read_preprocess
from touchline.types.errors import ConfigError, ModelError


def compile(
    module: nn.Module,
    example: Tensor | Sequence[Tensor],
    target: str = "edge",
    *,
    out: str | Path | None = None,
    quantise: str = "none",
    calibration: Iterable[Any] | None = None,
    tolerance: float | None = None,
    name: str | None = None,
    preprocess: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> manifest.Artifact:
    """Compile ``module`` for a device and prove that it is still the same model.

    ``example``: its input, or one per argument; their shapes and dtypes are the artifact's. ``target``: ``server``
    (ONNX), ``edge`` (LiteRT) or ``phone`` (ExecuTorch). ``quantise``: ``int8`` needs ``calibration``: real
    inputs, each an array or tensor, or a tuple of them where the module takes several. ``tolerance``: greatest
    relative error ‖y − r‖₂ / ‖r‖₂ of any output against the float module, on up to eight of the calibration
    inputs (else the example); by default 0.001 in float and 0.1 in int8. ``out``: the artifact's folder, by
    default NAME-TARGET here; it must not exist yet. ``preprocess``: keys of `Preprocess`: how a
    picture becomes the module's one input; calibration inputs may then be pictures, uint8 (H, W, 3) RGB, or
    `Pair`, which proves that it is so. ``facts``: more keys for its manifest (task, licence, what
    it was trained on, limits …).

    Raises `CheckFailed` where the compiled model is another one than the module, so that nothing is written;
    `ModelError`: cannot be traced, or holds operators that the target does not have (all are named);
    `ConfigError`: an unknown target and the like; `ShapeError`: calibration inputs unlike the example.
    """
    known, kind = known_target(target), known_quantise(quantise)
    name = name or type(module).__name__
    if kind == "mixed" and known == "phone":
        raise ConfigError(
            f"{name}: mixed goes to targets server and edge; for phone quantise to int8, or leave it in float"
        )
    folder = Path(out) if out is not None else Path(f"{name}-{target}")
    example = (example,) if isinstance(example, Tensor) else tuple(example)
    with drafting(folder) as draft, _inferring(module):
        wanted = [(tuple(tensor.shape), str(tensor.numpy().dtype)) for tensor in example]
        how = read_preprocess(preprocess, wanted[0][0], name)
        real = check_samples(calibration or (), wanted, name, how)
        if kind != "none" and not real:
            raise ConfigError(f"{name}: {kind} must see real inputs; give calibration samples")
        program = trace.trace(module, example, name)
        _require_operators(program, known, name)
        samples = _reference(module, real or [Real(tuple(tensor.numpy() for tensor in example))], name)
        seen = [each.inputs for each in real]
        file = _lower(module, program, example, known, draft, seen if kind == "int8" else None)
        allowed = TOLERANCE[kind] if tolerance is None else tolerance
        # ExecuTorch's quantiser is part of its way down.
        reduced = reduce(kind, draft / file, seen, samples, allowed, name) if known != "phone" else {}
        said: dict[str, Any] = {
            "name": name,
            "target": target,
            "quantise": kind,
            **_ports(program, samples[0]),
            "tolerance": allowed,
            **reduced,
            "proof": "calibration" if real else "example",
            **(facts or {}),
        }
        if how is not None:
            said["inputs"][0] |= {"layout": how.layout, "preprocess": how.as_dict()}
        return seal(draft, folder, said, file, samples)


@contextlib.contextmanager
def _inferring(module: nn.Module) -> Generator[None]:
    """Evaluation mode inside; after it every part is as the caller had it, who may go on training."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


def _lower(
    module: nn.Module,
    program: ExportedProgram,
    example: Sequence[Tensor],
    target: Target,
    folder: Path,
    calibration: golden.Inputs | None,
) -> str:
    match target:
        case "server":
            return onnx.lower(program, folder)
        case "edge":
            return litert.lower(module, example, folder)
        case "phone":
            return executorch.lower(program, folder, calibration)


def _supports(target: Target) -> trace.Supports:
    match target:
        case "server":
            return onnx.supports()
        case "edge":
            return litert.supports()
        case "phone":
            return executorch.supports()


def _require_operators(program: ExportedProgram, target: Target, name: str) -> None:
    plain = trace.decompose(program)
    missing = trace.unsupported(plain, _supports(target))
    if missing:
        others = [other for other in TARGETS if other != target and not trace.unsupported(plain, _supports(other))]
        raise trace.refuse(name, target, missing, others)


def _reference(module: nn.Module, inputs: Sequence[Real], name: str) -> list[Sample]:
    """What the float module itself answers to the first of ``inputs``."""

    def answer(arrays: tuple[Array, ...]) -> list[Array]:
        with torch.no_grad():
            given = module(*(torch.from_numpy(array.copy()) for array in arrays))
        return [tensor.numpy() for tensor in _tensors(given)]

    return prove_by(inputs, answer, name)


def _tensors(answer: Any) -> list[Tensor]:
    if isinstance(answer, Tensor):
        return [answer]
    if isinstance(answer, list | tuple):
        return [tensor for each in cast(Sequence[Any], answer) for tensor in _tensors(each)]
    raise ModelError(f"the module answers {type(answer).__name__}; let it return a tensor or a tuple of tensors")


def _ports(program: ExportedProgram, sample: Sample) -> dict[str, list[dict[str, Any]]]:
    """``inputs`` and ``outputs`` of a manifest; inputs are named as the module's arguments."""
    names = list(program.graph_signature.user_inputs)
    outputs = (
        [f"output_{index}" for index in range(len(sample.outputs))] if len(sample.outputs) > 1 else ["output"]
    )
    return {
        key: [
            {"name": str(name), "shape": list(array.shape), "dtype": str(array.dtype)}
            for name, array in zip(group, arrays, strict=True)
        ]
        for key, group, arrays in (("inputs", names, sample.inputs), ("outputs", outputs, sample.outputs))
    }
