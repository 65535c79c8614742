"""Float32 in an int8 file: at its ends, and where a function has no int8 kernel.

At the ends the caller quantises. Between, what follows DEQUANTIZE up to QUANTIZE is a table, as long as it is a
function of one int8 tensor, element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import tflite
from numpy.typing import NDArray

from touchline.tiny import floating
from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import Lookup, Op
from touchline.tiny.translate.translation import Real, Translation, Unsupported

Reals = NDArray[np.float32]


def takes(t: Translation, op: RawOp) -> bool:
    """Whether ``op`` is one of those that `translate` knows what to do with."""
    match op.name:
        case "DEQUANTIZE":
            return t.raw.tensors[op.inputs[0]].dtype == "int8"
        case "QUANTIZE":
            source = op.inputs[0]
            return source in t.reals or (t.raw.tensors[source].dtype == "float32" and source in t.raw.inputs)
        case _:
            return (op.name in _FUNCTIONS or op.name in _TESTS) and any(key in t.reals for key in op.inputs)


def translate(t: Translation, op: RawOp) -> Iterator[Op]:
    match op.name:
        case "DEQUANTIZE":
            quant = t.quantised(op.inputs[0]).q
            values = np.float32(quant.scale) * np.arange(-128 - quant.zero_point, 128 - quant.zero_point)
            t.reals[op.outputs[0]] = Real(op.inputs[0], values.astype(np.float32), untouched=True)
        case "QUANTIZE" if op.inputs[0] in t.reals:
            real, target = t.reals[op.inputs[0]], t.quantised(op.outputs[0]).q
            table = tuple(floating.quantised(real.values, target.scale, target.zero_point).tolist())
            yield Lookup(inputs=(real.source,), output=op.outputs[0], place=t.place, function="float", table=table)
        case "QUANTIZE":
            t.quantised(op.outputs[0], "int8", "uint8")
            if op.inputs[0] in t.entries:
                raise Unsupported("quantises an input of the model a second time")
            t.entries[op.inputs[0]] = op.outputs[0]
        case _:
            sources = {t.reals[key].source for key in op.inputs if key in t.reals}
            if len(sources) > 1:
                raise Unsupported("computes in float32 with two tensors")
            values = [_values(t, key) for key in op.inputs]
            if op.name in _TESTS:
                t.use(op.outputs[0], "bool")
                held = np.broadcast_to(_TESTS[op.name](*values), (256,))
                table = tuple(int(value) for value in held)
                yield Lookup(
                    inputs=(sources.pop(),), output=op.outputs[0], place=t.place, function="float", table=table
                )
                return
            made = np.asarray(_FUNCTIONS[op.name](*values), np.float32)
            made = _fused(op, np.broadcast_to(made, (256,)))
            t.reals[op.outputs[0]] = Real(sources.pop(), made)


def _values(t: Translation, key: int) -> Reals:
    if key in t.reals:
        return t.reals[key].values
    data = t.raw.tensors[key].data
    if data is None or data.size != 1 or t.raw.tensors[key].dtype != "float32":
        raise Unsupported("computes in float32 with more than one tensor and numbers")
    return data.astype(np.float32).ravel()


def _fused(op: RawOp, values: Reals) -> Reals:
    activation = op.options.get("FusedActivationFunction", 0)
    if activation not in _BOUNDS:
        raise Unsupported("fuses another activation than a bound")
    low, high = _BOUNDS[activation]
    return np.clip(values, np.float32(low), np.float32(high))


_BOUNDS = {
    tflite.ActivationFunctionType.NONE: (-np.inf, np.inf),
    tflite.ActivationFunctionType.RELU: (0.0, np.inf),
    tflite.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    tflite.ActivationFunctionType.RELU6: (0.0, 6.0),
}


_TESTS: dict[str, Callable[..., NDArray[np.bool_]]] = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
}


_FUNCTIONS: dict[str, Callable[..., Reals]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "SQUARED_DIFFERENCE": lambda *x: np.square(np.subtract(*x)),
    "NEG": np.negative,
    "ABS": np.abs,
    "SQUARE": np.square,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "ROUND": np.rint,
    "SQRT": np.sqrt,
    "RSQRT": floating.inverse_root,
    "RELU": partial(np.clip, a_min=np.float32(0), a_max=np.float32(np.inf)),
    "RELU6": partial(np.clip, a_min=np.float32(0), a_max=np.float32(6)),
    "RELU_N1_TO_1": partial(np.clip, a_min=np.float32(-1), a_max=np.float32(1)),
    "EXP": floating.exp,
    "LOG": floating.log,
    "SIN": floating.sin,
    "COS": floating.cos,
    "TANH": floating.tanh,
    "ELU": floating.elu,
}
