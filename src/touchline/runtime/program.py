"""An artifact on this device: loaded, checked, run. What `touchline.load` gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from touchline.runtime import manifest, shelf
from touchline.runtime.devices import AUTO
from touchline.runtime.load import load as load_file
from touchline.runtime.preprocess import Preprocess
from touchline.runtime.preprocess import read as read_preprocess
from touchline.runtime.tensors import Model, Port
from touchline.types.errors import ModelError, ShapeError

Array = NDArray[Any]


def load(model: str | Path, *, threads: int = 1, device: str = AUTO) -> Program:
    """The model of this name, an artifact's folder, or a bare model file, ready to run on ``threads``.

    ``device``: by default the accelerator that is found here, else the CPU; see `DEVICES`. Every byte of an
    artifact is checked against its manifest first. Raises `ModelError`: missing, corrupt, changed after it was
    made, or of a kind that nothing installed here runs, or not on that device.
    """
    path = shelf.find(model)
    if path.is_file():
        return Program(load_file(path, threads=threads, device=device), {}, str(path))
    artifact = manifest.read(path)
    return Program(load_file(artifact.file, threads=threads, device=device), artifact.manifest, str(path))


class Program:
    """A model with what its manifest says of it. Not safe to run from two threads at once.

    ``manifest``: see docs/artifacts.md; empty for a bare file. ``inputs``, ``outputs``: the manifest's names, in
    the order of `run`. ``preprocess``: how a picture becomes the one input, where the manifest says it.
    """

    def __init__(self, model: Model, said: Mapping[str, Any], name: str) -> None:
        self._model = model
        self._name = name
        self.manifest = said
        self.inputs = _named(model.inputs, said.get("inputs"))
        self.outputs = _named(model.outputs, said.get("outputs"))
        self.preprocess = _preprocess(self.inputs, said.get("inputs"), f"{name}/manifest.json")

    @property
    def device(self) -> str:
        """What it runs on: the accelerator that was found, or ``cpu``."""
        return self._model.device

    def run(self, *arrays: Array) -> Array | tuple[Array, ...]:
        """One array per input → the output, or a tuple of them if there are several. The arrays given back are
        the caller's. A picture, uint8 (H, W, 3) RGB, is prepared first where ``preprocess`` says how.

        Raises `ShapeError` where an array is not what the model takes or holds a NaN or an infinity.
        """
        outputs = self.outputs_of(*arrays)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def outputs_of(self, *arrays: Array) -> list[Array]:
        """`run`, always a list."""
        if len(arrays) != len(self.inputs):
            names = ", ".join(port.name for port in self.inputs)
            raise ShapeError(f"{self._name}: takes {len(self.inputs)} arrays ({names}), was given {len(arrays)}")
        if self.preprocess is not None and arrays[0].dtype == np.uint8 and arrays[0].ndim == 3:
            arrays = (self.prepare(arrays[0]),)
        for array, port in zip(arrays, self.inputs, strict=True):
            self._check(array, port)
        return self._model.run(*arrays)

    def prepare(self, picture: Array) -> Array:
        """A picture, uint8 (H, W, 3) RGB of any size → the input. Raises `ShapeError` where it is none,
        `ModelError` where the manifest does not say how."""
        if self.preprocess is None:
            raise ModelError(f"{self._name}: does not say how a picture becomes its input; give that input itself")
        (port,) = self.inputs
        return self.preprocess.prepare(picture, port.shape, port.dtype)

    def _check(self, array: Array, port: Port) -> None:
        if array.dtype != port.dtype:
            raise ShapeError(
                f"{self._name}: input {port.name} is {array.dtype}, must be {port.dtype}; convert it: "
                f".astype('{port.dtype}')"
            )
        fits = array.ndim == len(port.shape) and all(
            want is None or have == want for have, want in zip(array.shape, port.shape, strict=True)
        )
        if not fits:
            wanted = "×".join("any" if size is None else str(size) for size in port.shape)
            given = "×".join(str(size) for size in array.shape)
            raise ShapeError(f"{self._name}: input {port.name} has shape {given}, must have {wanted}; reshape it")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ShapeError(f"{self._name}: input {port.name} holds a NaN or an infinity; clean it first")


def _preprocess(ports: tuple[Port, ...], said: Any, where: str) -> Preprocess | None:
    entries: list[Any] = said if isinstance(said, list) else []
    if len(ports) != 1 or len(entries) != 1 or not isinstance(entries[0], dict):
        return None
    return read_preprocess(cast(dict[str, Any], entries[0]).get("preprocess"), ports[0].shape, where)


def _named(ports: tuple[Port, ...], said: Any) -> tuple[Port, ...]:
    """Ports under their manifest's names: back ends rename or number them."""
    if not isinstance(said, list) or len(said) != len(ports):  # pyright: ignore[reportUnknownArgumentType]
        return ports
    names: list[Any] = [entry.get("name") if isinstance(entry, dict) else None for entry in said]  # pyright: ignore
    if not all(isinstance(name, str) for name in names):
        raise ModelError("manifest.json: every input and output has a name; fetch the artifact again")
    return tuple(
        Port(name, port.shape, port.dtype, port.scale, port.zero_point)
        for name, port in zip(names, ports, strict=True)
    )
