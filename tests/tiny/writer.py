"""Small .tflite files for tests, written with the schema's object API."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike, NDArray

DTYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9}
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)


@dataclass
class Writer:
    """Add tensors and operators, then `save`."""

    model: Any = field(default_factory=schema.ModelT)
    limits: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    def __post_init__(self) -> None:
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.version = 3
        self.model.subgraphs = [self.graph]
        self.model.operatorCodes, self.model.buffers = [], [schema.BufferT()]

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: str = "int8",
        scale: ArrayLike | None = None,
        zero_point: ArrayLike = 0,
        axis: int = 0,
        data: ArrayLike | None = None,
        name: str = "",
    ) -> int:
        tensor = schema.TensorT()
        tensor.shape = np.array(shape, np.int32)
        tensor.type = DTYPES[dtype]
        tensor.name = name or f"t{len(self.graph.tensors)}"
        tensor.buffer = 0
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            zeros = np.broadcast_to(np.asarray(zero_point, np.int64), tensor.quantization.scale.shape)
            tensor.quantization.zeroPoint = np.array(zeros)
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            raw = np.ascontiguousarray(np.asarray(data, dtype).reshape(shape))
            buffer.data = np.frombuffer(raw.tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, shape: tuple[int, ...], scale: float = 0.1, zero_point: int = 0, dtype: str = "int8") -> int:
        key = self.tensor(shape, dtype, scale, zero_point, name=f"input{len(self.graph.inputs)}")
        self.graph.inputs.append(key)
        return key

    def indices(self, shape: tuple[int, ...], low: int, high: int) -> int:
        """An input of int32 that is to be given ``low`` to ``high`` − 1."""
        key = self.tensor(shape, "int32", name=f"input{len(self.graph.inputs)}")
        self.graph.inputs.append(key)
        self.limits[key] = (low, high)
        return key

    def ints(self, values: ArrayLike) -> int:
        array = np.asarray(values, np.int32)
        return self.tensor(array.shape, "int32", data=array)

    def op(self, name: str, inputs: list[int], outputs: list[int], version: int = 2, **options: Any) -> None:
        """``options``: fields of the operator's options table, in the schema's camelCase."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        self.model.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = len(self.model.operatorCodes) - 1
        op.inputs, op.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        kind = _OPTIONS.get(name)
        if kind is not None:
            table = getattr(schema, kind + "T")()
            for key, value in options.items():
                if not hasattr(table, key):
                    raise AttributeError(f"{kind} has no {key}")
                setattr(table, key, value)
            op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            op.builtinOptions = table
        self.graph.operators.append(op)

    def bytes(self, *outputs: int) -> bytes:
        self.graph.outputs = np.array(outputs, np.int32)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def save(self, path: Path, *outputs: int) -> Path:
        path.write_bytes(self.bytes(*outputs))
        return path


_OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "CONCATENATION": "ConcatenationOptions",
    "SOFTMAX": "SoftmaxOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SLICE": "SliceOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "UNPACK": "UnpackOptions",
    "PACK": "PackOptions",
    "RESHAPE": "ReshapeOptions",
    "SQUEEZE": "SqueezeOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "TRANSPOSE": "TransposeOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "QUANTIZE": "QuantizeOptions",
    "GELU": "GeluOptions",
    "VAR_HANDLE": "VarHandleOptions",
    "READ_VARIABLE": "ReadVariableOptions",
    "ASSIGN_VARIABLE": "AssignVariableOptions",
    "CALL_ONCE": "CallOnceOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "GATHER": "GatherOptions",
    "MIRROR_PAD": "MirrorPadOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "LOG_SOFTMAX": "LogSoftmaxOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "DIV": "DivOptions",
    "SVDF": "SVDFOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    "TILE": "TileOptions",
    "SHAPE": "ShapeOptions",
    "REVERSE_V2": "ReverseV2Options",
    "HARD_SWISH": "HardSwishOptions",
    "EXPAND_DIMS": "ExpandDimsOptions",
}


def litert_reference(model: bytes, *inputs: NDArray[Any], kernels: str = "BUILTIN_REF") -> list[NDArray[Any]]:
    """What LiteRT's reference kernels give, or other ``kernels`` of its."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType[kernels],
        experimental_preserve_all_tensors=False,
    )
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def micro_reference(model: bytes, *inputs: NDArray[Any], arena: int = 1 << 20) -> list[NDArray[Any]]:
    """What TensorFlow Lite Micro's interpreter gives."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena)
    for index, array in enumerate(inputs):
        interpreter.set_input(array, index)
    interpreter.invoke()
    count = len(schema.ModelT.InitFromPackedBuf(model, 0).subgraphs[0].outputs)
    return [interpreter.get_output(index) for index in range(count)]
