"""A .tflite file → plain values, by the schema of the `tflite` package.

The schema library reads where the file's offsets point and checks nothing; so every read of the file is in this
module, and whatever leads out of the file becomes one `ModelError`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from flatbuffers.number_types import Int32Flags

from touchline.tiny.arrays import Array
from touchline.types.errors import ModelError

IDENTIFIER = b"TFL3"
DTYPES: dict[int, str] = {
    value: name.lower()
    for name, value in vars(tflite.TensorType).items()
    if isinstance(value, int) and not name.startswith("_")
}
OPERATORS: dict[int, str] = {
    value: name
    for name, value in vars(tflite.BuiltinOperator).items()
    if isinstance(value, int) and not name.startswith("_")
}
_WIDTHS = {
    "int8": 1,
    "uint8": 1,
    "bool": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
}
_MOST = 100_000
"""Of tensors, operators, sizes: what a model for a microcontroller never has, but a broken length has."""


@dataclass(frozen=True, slots=True, eq=False)
class RawTensor:
    """``signature``: the shape with −1 where it is dynamic. ``data``: of dtype and shape, if it is a constant."""

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    variable: bool
    data: Array | None


@dataclass(frozen=True, slots=True)
class RawOp:
    """``inputs``: −1 where an optional one is left out."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawModel:
    """``starts_at_zero``: whether what its other subgraphs, which initialise it, hold is zero."""

    tensors: tuple[RawTensor, ...]
    ops: tuple[RawOp, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    starts_at_zero: bool


def read_flatbuffer(path: Path) -> RawModel:
    """The first subgraph of the model in ``path``.

    Raises `ModelError` where the file is missing, no .tflite file, or broken.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise ModelError(
            f"{path}: is no .tflite file (it does not start with {IDENTIFIER.decode()}); check the path"
        )
    try:
        return _model(data)
    # What Python raises for reads outside of the file, and for what cannot be a length, a name, a shape.
    except (struct.error, IndexError, ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        raise ModelError(f"{path}: is truncated or corrupt ({error}); fetch or export it again") from error


def _model(data: bytes) -> RawModel:
    model = tflite.Model.GetRootAs(data, 0)
    if model.Version() != 3:
        raise ValueError(f"schema version {model.Version()}, not 3")
    if model.SubgraphsLength() < 1:
        raise ValueError("no subgraph")
    graph: Any = model.Subgraphs(0)
    tensors = tuple(_tensor(data, model, graph.Tensors(i)) for i in _count(graph.TensorsLength()))
    ops = tuple(_op(model, graph.Operators(i), len(tensors)) for i in _count(graph.OperatorsLength()))
    inputs, outputs = _indices(graph.InputsAsNumpy()), _indices(graph.OutputsAsNumpy())
    for index in (*inputs, *outputs):
        if not 0 <= index < len(tensors):
            raise ValueError(f"tensor {index} of {len(tensors)}")
    return RawModel(tensors, ops, inputs, outputs, _starts_at_zero(data, model))


def _starts_at_zero(data: bytes, model: Any) -> bool:
    for number in _count(model.SubgraphsLength())[1:]:
        graph: Any = model.Subgraphs(number)
        for i in _count(graph.TensorsLength()):
            tensor = _tensor(data, model, graph.Tensors(i))
            zero = tensor.zero_points[0] if tensor.zero_points else 0
            if tensor.data is not None and np.any(tensor.data != zero):
                return False
    return True


def _count(length: int) -> range:
    if not 0 <= length <= _MOST:
        raise ValueError(f"a list of {length} entries")
    return range(length)


def _indices(values: Any) -> tuple[int, ...]:
    # An empty vector comes back as the number 0.
    return (
        tuple(int(value) for value in values[: len(_count(len(values)))]) if isinstance(values, np.ndarray) else ()
    )


def _tensor(data: bytes, model: Any, tensor: Any) -> RawTensor:
    quant = tensor.Quantization()
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis = 0
    if quant is not None:
        scales = tuple(quant.Scale(i) for i in _count(quant.ScaleLength()))
        zero_points = tuple(quant.ZeroPoint(i) for i in _count(quant.ZeroPointLength()))
        axis = quant.QuantizedDimension()
    shape = _indices(tensor.ShapeAsNumpy())
    dtype = DTYPES[tensor.Type()]
    return RawTensor(
        name=(tensor.Name() or b"").decode("utf-8", "replace"),
        shape=shape,
        signature=_indices(tensor.ShapeSignatureAsNumpy()) or shape,
        dtype=dtype,
        scales=scales,
        zero_points=zero_points,
        axis=axis,
        variable=bool(tensor.IsVariable()),
        data=_constant(data, model, tensor.Buffer(), shape, dtype),
    )


def _constant(data: bytes, model: Any, index: int, shape: tuple[int, ...], dtype: str) -> Array | None:
    if not 0 <= index < model.BuffersLength():
        raise ValueError(f"buffer {index} of {model.BuffersLength()}")
    buffer = model.Buffers(index)
    if buffer.Offset() > 1:  # kept behind the flatbuffer, as large models have it
        start, size = buffer.Offset(), buffer.Size()
        raw = data[start : start + size]
        if len(raw) != size:
            raise ValueError(f"buffer {index} lies outside of the file")
    elif buffer.DataLength():
        if buffer.DataLength() > len(data):
            raise ValueError(f"buffer {index} lies outside of the file")
        raw = buffer.DataAsNumpy().tobytes()
    else:
        return None
    if dtype not in _WIDTHS:
        return np.frombuffer(raw, np.uint8)
    elements = 1
    for size in shape:
        elements *= size
    if elements * _WIDTHS[dtype] != len(raw):
        raise ValueError(f"buffer {index} holds {len(raw)} bytes for {dtype} {shape}")
    return np.frombuffer(raw, np.dtype(dtype)).reshape(shape)


def _op(model: Any, op: Any, tensors: int) -> RawOp:
    code = model.OperatorCodes(op.OpcodeIndex())
    if not 0 <= op.OpcodeIndex() < model.OperatorCodesLength():
        raise ValueError(f"operator code {op.OpcodeIndex()} of {model.OperatorCodesLength()}")
    number = max(_builtin_code(code), code.DeprecatedBuiltinCode())
    name = OPERATORS[number]
    if name == "CUSTOM":
        name = f"CUSTOM {(code.CustomCode() or b'').decode('utf-8', 'replace')}"
    inputs, outputs = _indices(op.InputsAsNumpy()), _indices(op.OutputsAsNumpy())
    if any(not -1 <= index < tensors for index in inputs) or any(not 0 <= index < tensors for index in outputs):
        raise ValueError(f"{name} speaks of tensors that are not there")
    return RawOp(name, inputs, outputs, dict(_options(name, op)))


def _builtin_code(code: Any) -> int:
    """The field as it is. The library's own getter takes the older, one-byte field for numbers below 127, which
    some writers leave at 0."""
    at = code._tab.Offset(10)
    return code._tab.Get(Int32Flags, at + code._tab.Pos) if at else 0


def _options(name: str, op: Any) -> Iterator[tuple[str, Any]]:
    if name not in _OPTIONS:
        return
    kind, getters = _OPTIONS[name]
    options = kind()
    table = op.BuiltinOptions()
    if table is not None:
        options.Init(table.Bytes, table.Pos)
    for getter in getters:
        # What the file leaves out has the schema's default, which the getters need a table for.
        yield getter, getattr(options, getter)() if table is not None else _DEFAULTS.get(getter, 0)


_CONV = ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "FusedActivationFunction")
_POOL = ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth", "FusedActivationFunction")
_SLICE = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset")
_DEFAULTS: dict[str, Any] = {"DilationHFactor": 1, "DilationWFactor": 1, "Beta": 0.0, "Alpha": 0.0}
_OPTIONS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "CONV_2D": (tflite.Conv2DOptions, _CONV),
    "DEPTHWISE_CONV_2D": (tflite.DepthwiseConv2DOptions, _CONV),
    "TRANSPOSE_CONV": (tflite.TransposeConvOptions, ("Padding", "StrideH", "StrideW", "FusedActivationFunction")),
    "FULLY_CONNECTED": (tflite.FullyConnectedOptions, ("FusedActivationFunction", "WeightsFormat")),
    "BATCH_MATMUL": (tflite.BatchMatMulOptions, ("AdjX", "AdjY")),
    "AVERAGE_POOL_2D": (tflite.Pool2DOptions, _POOL),
    "MAX_POOL_2D": (tflite.Pool2DOptions, _POOL),
    "ADD": (tflite.AddOptions, ("FusedActivationFunction",)),
    "SUB": (tflite.SubOptions, ("FusedActivationFunction",)),
    "MUL": (tflite.MulOptions, ("FusedActivationFunction",)),
    "CONCATENATION": (tflite.ConcatenationOptions, ("Axis", "FusedActivationFunction")),
    "SOFTMAX": (tflite.SoftmaxOptions, ("Beta",)),
    "MEAN": (tflite.ReducerOptions, ("KeepDims",)),
    "SUM": (tflite.ReducerOptions, ("KeepDims",)),
    "REDUCE_MAX": (tflite.ReducerOptions, ("KeepDims",)),
    "RESIZE_NEAREST_NEIGHBOR": (tflite.ResizeNearestNeighborOptions, ("AlignCorners", "HalfPixelCenters")),
    "RESIZE_BILINEAR": (tflite.ResizeBilinearOptions, ("AlignCorners", "HalfPixelCenters")),
    "STRIDED_SLICE": (tflite.StridedSliceOptions, _SLICE),
    "LEAKY_RELU": (tflite.LeakyReluOptions, ("Alpha",)),
    "SPLIT": (tflite.SplitOptions, ("NumSplits",)),
    "UNPACK": (tflite.UnpackOptions, ("Num", "Axis")),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        tflite.UnidirectionalSequenceLSTMOptions,
        ("FusedActivationFunction", "CellClip", "ProjClip", "TimeMajor"),
    ),
    "SVDF": (tflite.SVDFOptions, ("Rank",)),
    "VAR_HANDLE": (tflite.VarHandleOptions, ("Container", "SharedName")),
    "GELU": (tflite.GeluOptions, ("Approximate",)),
    "GATHER": (tflite.GatherOptions, ("Axis", "BatchDims")),
    "MIRROR_PAD": (tflite.MirrorPadOptions, ("Mode",)),
    "DEPTH_TO_SPACE": (tflite.DepthToSpaceOptions, ("BlockSize",)),
    "SPACE_TO_DEPTH": (tflite.SpaceToDepthOptions, ("BlockSize",)),
    "REDUCE_MIN": (tflite.ReducerOptions, ("KeepDims",)),
    "REDUCE_PROD": (tflite.ReducerOptions, ("KeepDims",)),
    "DIV": (tflite.DivOptions, ("FusedActivationFunction",)),
    "L2_NORMALIZATION": (tflite.L2NormOptions, ("FusedActivationFunction",)),
    "PACK": (tflite.PackOptions, ("ValuesCount", "Axis")),
}
