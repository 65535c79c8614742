"""One small model per operator, of sizes and scales drawn from a generator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.tiny import draw, zoo_choices, zoo_matrices, zoo_moves
from tests.tiny.draw import Make, Rng
from tests.tiny.writer import DTYPES, NONE, RELU, RELU6, RELU_N1_TO_1, SAME, TANH, VALID, Writer


def _weights(rng: Rng, *shape: int) -> np.ndarray:
    low = -128 if rng.random() < 0.1 else -127
    return rng.integers(low, 128, shape).astype(np.int8)


def _weighted(writer: Writer, rng: Rng, image: int, weights: np.ndarray, axis: int) -> tuple[int, int, float]:
    """Filter, bias and a sensible output scale."""
    channels = weights.shape[axis]
    per_channel = rng.random() < 0.7
    scales = rng.uniform(0.001, 0.02, channels if per_channel else 1).astype(np.float32)
    filter_ = writer.tensor(weights.shape, scale=scales, axis=axis, data=weights)
    source = float(writer.graph.tensors[image].quantization.scale[0])
    taps = weights.size // channels
    bias = writer.tensor(
        (channels,),
        "int32",
        source * scales,
        data=rng.integers(-20 * taps**0.5 * 60, 20 * taps**0.5 * 60 + 1, channels),
    )
    spread = source * float(scales.max()) * 75 * 75 * taps**0.5
    return filter_, bias, float(np.float32(spread / rng.uniform(20, 200)))


def _windowed(size: int, window: int, stride: int, padding: int, dilation: int = 1) -> int:
    if padding == SAME:
        return -(-size // stride)
    return (size - (window - 1) * dilation - 1) // stride + 1


def conv(writer: Writer, rng: Rng, *, without_bias: bool = False) -> list[int]:
    image = draw.image(writer, rng, draw.pick(rng, 1, 2, 3, 4, 5, 8, 13, 16))
    _, h, w, c = draw.shape(writer, image)
    kernel = (draw.pick(rng, 1, 2, 3), draw.pick(rng, 1, 2, 3, 4))
    stride = (draw.pick(rng, 1, 2, 3), draw.pick(rng, 1, 2))
    dilation = (draw.pick(rng, 1, 2), draw.pick(rng, 1, 2)) if stride == (1, 1) else (1, 1)
    padding = SAME
    if (kernel[0] - 1) * dilation[0] < h and (kernel[1] - 1) * dilation[1] < w:
        padding = draw.pick(rng, SAME, VALID)
    weights = _weights(rng, int(rng.integers(1, 20)), *kernel, c)
    filter_, bias, scale = _weighted(writer, rng, image, weights, 0)
    made = (
        1,
        *(_windowed(s, k, t, padding, d) for s, k, t, d in zip((h, w), kernel, stride, dilation, strict=False)),
        len(weights),
    )
    output = writer.tensor(made, scale=scale, zero_point=draw.zero(rng))
    writer.op(
        "CONV_2D", [image, filter_] if without_bias else [image, filter_, bias], [output],
        padding=padding, strideH=stride[0], strideW=stride[1], dilationHFactor=dilation[0],
        dilationWFactor=dilation[1], fusedActivationFunction=draw.pick(rng, NONE, RELU, RELU6, RELU_N1_TO_1),
    )  # fmt: skip
    return [output]


def pointwise(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    _, h, w, c = draw.shape(writer, image)
    weights = _weights(rng, int(rng.integers(1, 66)), 1, 1, c)
    filter_, bias, scale = _weighted(writer, rng, image, weights, 0)
    output = writer.tensor((1, h, w, len(weights)), scale=scale, zero_point=draw.zero(rng))
    writer.op(
        "CONV_2D", [image, filter_, bias], [output],
        padding=SAME, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1,
    )  # fmt: skip
    return [output]


def grouped(writer: Writer, rng: Rng) -> list[int]:
    groups, depth, filters = draw.pick(rng, 2, 3), draw.pick(rng, 1, 2, 5), draw.pick(rng, 1, 2, 4)
    image = draw.image(writer, rng, groups * depth)
    _, h, w, _ = draw.shape(writer, image)
    weights = _weights(rng, groups * filters, 3, 2, depth)
    filter_, bias, scale = _weighted(writer, rng, image, weights, 0)
    output = writer.tensor((1, h, w, len(weights)), scale=scale, zero_point=draw.zero(rng))
    writer.op(
        "CONV_2D", [image, filter_, bias], [output], version=6, padding=SAME,
        strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1,
        fusedActivationFunction=draw.pick(rng, NONE, RELU),
    )  # fmt: skip
    return [output]


def float_island(writer: Writer, rng: Rng) -> list[int]:
    """DEQUANTIZE, functions of one tensor and a number in float32, QUANTIZE."""
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    reals = [writer.tensor(shape, "float32") for _ in range(4)]
    number = writer.tensor((1,), "float32", data=np.array([rng.normal()], np.float32))
    output = writer.tensor(shape, scale=draw.scale(rng), zero_point=draw.zero(rng))
    writer.op("DEQUANTIZE", [image], reals[:1])
    writer.op(
        ["NEG", "ABS", "SIN", "COS", "FLOOR", "CEIL"][draw.pick(rng, 0, 1, 2, 3, 4, 5)],
        reals[:1],
        reals[1:2],
        version=1,
    )
    writer.op(["ADD", "MUL", "SUB"][draw.pick(rng, 0, 1, 2)], [reals[1], number], reals[2:3], version=1)
    writer.op("MUL", [reals[2], reals[1]], reals[3:], version=1)
    writer.op("QUANTIZE", reals[3:], [output], version=1)
    return [output]


def own_function(writer: Writer, rng: Rng) -> list[int]:
    """x · σ(x), and a number more: what converters make of SiLU."""
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    gate = writer.tensor(shape, scale=1 / 256, zero_point=-128)
    product, output = (writer.tensor(shape, scale=draw.scale(rng), zero_point=draw.zero(rng)) for _ in range(2))
    number = writer.tensor((), scale=draw.scale(rng), zero_point=draw.zero(rng), data=rng.integers(-128, 128))
    writer.op("LOGISTIC", [image], [gate])
    writer.op("MUL", [image, gate], [product])
    writer.op("ADD", [number, product], [output])
    return [output]


def rsqrt(writer: Writer, rng: Rng) -> list[int]:
    image = writer.input((1, int(rng.integers(1, 300))), draw.scale(rng), -128)
    output = writer.tensor(draw.shape(writer, image), scale=draw.scale(rng), zero_point=draw.zero(rng))
    writer.op("RSQRT", [image], [output])
    return [output]


def depthwise(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    _, h, w, c = draw.shape(writer, image)
    kernel = (draw.pick(rng, 1, 3, 5), draw.pick(rng, 1, 2, 3))
    stride = (draw.pick(rng, 1, 2),) * 2
    dilation = (draw.pick(rng, 1, 2), draw.pick(rng, 1, 2)) if stride == (1, 1) else (1, 1)
    padding = SAME
    if (kernel[0] - 1) * dilation[0] < h and (kernel[1] - 1) * dilation[1] < w:
        padding = draw.pick(rng, SAME, VALID)
    multiplier = draw.pick(rng, 1, 1, 1, 2, 3)
    weights = _weights(rng, 1, *kernel, c * multiplier)
    filter_, bias, scale = _weighted(writer, rng, image, weights, 3)
    made = (
        1,
        *(_windowed(s, k, t, padding, d) for s, k, t, d in zip((h, w), kernel, stride, dilation, strict=False)),
        c * multiplier,
    )
    output = writer.tensor(made, scale=scale, zero_point=draw.zero(rng))
    writer.op(
        "DEPTHWISE_CONV_2D", [image, filter_, bias], [output],
        padding=padding, strideH=stride[0], strideW=stride[1], depthMultiplier=multiplier,
        dilationHFactor=dilation[0], dilationWFactor=dilation[1],
        fusedActivationFunction=draw.pick(rng, NONE, RELU, RELU6),
    )  # fmt: skip
    return [output]


def transpose_conv(writer: Writer, rng: Rng) -> list[int]:
    shape = (1, draw.pick(rng, 1, 2, 3, 5), draw.pick(rng, 1, 2, 4), int(rng.integers(1, 9)))
    kernel = (draw.pick(rng, 1, 2, 3, 4), draw.pick(rng, 1, 2, 3))
    stride = (draw.pick(rng, 1, 2, 3), draw.pick(rng, 1, 2))
    padding = draw.pick(rng, SAME, VALID)
    weights = _weights(rng, int(rng.integers(1, 9)), *kernel, shape[3])
    made = (
        1,
        *(
            s * t if padding == SAME else (s - 1) * t + max(k, t)
            for s, k, t in zip(shape[1:3], kernel, stride, strict=False)
        ),
        len(weights),
    )
    size = writer.ints(made)
    image = writer.input(shape, draw.scale(rng), draw.zero(rng))
    filter_, bias, scale = _weighted(writer, rng, image, weights, 0)
    output = writer.tensor(made, scale=scale, zero_point=draw.zero(rng))
    writer.op(
        "TRANSPOSE_CONV", [size, filter_, image, bias], [output], version=3,
        padding=padding, strideH=stride[0], strideW=stride[1],
    )  # fmt: skip
    return [output]


def fully_connected(writer: Writer, rng: Rng) -> list[int]:
    rows, inputs, outputs = draw.pick(rng, 1, 1, 3), int(rng.integers(1, 66)), int(rng.integers(1, 66))
    image = writer.input((rows, inputs), draw.scale(rng), draw.zero(rng))
    weights = _weights(rng, outputs, inputs)
    filter_, bias, scale = _weighted(writer, rng, image, weights, 0)
    output = writer.tensor((rows, outputs), scale=scale, zero_point=draw.zero(rng))
    activation = draw.pick(rng, NONE, RELU)
    writer.op("FULLY_CONNECTED", [image, filter_, bias], [output], version=4, fusedActivationFunction=activation)
    return [output]


def _pool(name: str) -> Make:
    def make(writer: Writer, rng: Rng) -> list[int]:
        image = draw.image(writer, rng)
        _, h, w, c = draw.shape(writer, image)
        window = (draw.pick(rng, 1, 2, 3, h), draw.pick(rng, 1, 2, w))
        stride = (draw.pick(rng, 1, 2, 3), draw.pick(rng, 1, 2))
        padding = SAME if window[0] > h or window[1] > w else draw.pick(rng, SAME, VALID)
        quant = writer.graph.tensors[image].quantization
        made = (1, *(_windowed(s, k, t, padding) for s, k, t in zip((h, w), window, stride, strict=False)), c)
        output = writer.tensor(made, scale=quant.scale[0], zero_point=quant.zeroPoint[0])
        writer.op(
            name, [image], [output], padding=padding, strideH=stride[0], strideW=stride[1],
            filterHeight=window[0], filterWidth=window[1],
            fusedActivationFunction=draw.pick(rng, NONE, RELU, RELU6),
        )  # fmt: skip
        return [output]

    return make


_VERSIONS = {"HARD_SWISH": 1, "ELU": 1, "PRELU": 1}


def _binary(name: str) -> Make:
    def make(writer: Writer, rng: Rng) -> list[int]:
        first = draw.image(writer, rng)
        shape = draw.shape(writer, first)
        quant = writer.graph.tensors[first].quantization
        extreme = name in ("MAXIMUM", "MINIMUM")
        scale, zero = (quant.scale[0], quant.zeroPoint[0]) if extreme else (draw.scale(rng), draw.zero(rng))
        some = (1, *(size if rng.random() < 0.5 else 1 for size in shape[1:]))
        small = [shape, (1, 1, 1, shape[3]), (shape[3],), (1, 1, 1, 1), some][draw.pick(rng, 0, 1, 2, 3, 4)]
        small = some if name == "PRELU" else small
        if rng.random() < 0.5:
            second = writer.input(small, scale, zero)
        else:
            second = writer.tensor(small, scale=scale, zero_point=zero, data=rng.integers(-128, 128, small))
        swapped = rng.random() < 0.3 and name != "PRELU"
        made = draw.scale(rng) * {"MUL": 5, "PRELU": 5, "SQUARED_DIFFERENCE": 9}.get(name, 1.5)
        made, low = (scale, zero) if extreme else (made, draw.zero(rng))
        output = writer.tensor(shape, scale=made, zero_point=low)
        fuses = name in ("ADD", "SUB", "MUL")
        options = {"fusedActivationFunction": draw.pick(rng, NONE, RELU, RELU6)} if fuses else {}
        inputs = [second, first] if swapped else [first, second]
        writer.op(name, inputs, [output], version=_VERSIONS.get(name, 2), **options)
        return [output]

    return make


def _unary(name: str, *output: tuple[float, int]) -> Make:
    def make(writer: Writer, rng: Rng) -> list[int]:
        image = writer.input((1, int(rng.integers(1, 300))), draw.scale(rng), draw.zero(rng))
        scale, zero = output[0] if output else (draw.scale(rng), draw.zero(rng))
        made = writer.tensor(draw.shape(writer, image), scale=scale, zero_point=zero)
        options = {"alpha": float(np.float32(rng.uniform(0.01, 0.6)))} if name == "LEAKY_RELU" else {}
        options |= {"approximate": bool(rng.random() < 0.5)} if name == "GELU" else {}
        writer.op(name, [image], [made], version=_VERSIONS.get(name, 2), **options)
        return [made]

    return make


def lstm(writer: Writer, rng: Rng) -> list[int]:
    steps, inputs, size = draw.pick(rng, 1, 2, 7), int(rng.integers(1, 20)), int(rng.integers(1, 12))
    time_major = bool(rng.random() < 0.3)
    turned = (steps, 1) if time_major else (1, steps)
    image = writer.input((*turned, inputs), draw.scale(rng), draw.zero(rng))
    scale, zero = float(np.float32(10.0 ** rng.uniform(-4.5, -2))), draw.zero(rng)  # down to the last bit
    cell_scale = 2.0 ** -draw.pick(rng, 15, 12, 11, 9)
    filters = [
        writer.tensor((size, depth), scale=rng.uniform(0.001, 0.02), data=rng.integers(-127, 128, (size, depth)))
        for depth in [inputs] * 4 + [size] * 4
    ]
    biases = [writer.tensor((size,), "int32", 1e-4, data=rng.integers(-3000, 3000, size)) for _ in range(4)]
    state = writer.tensor((1, size), scale=scale, zero_point=zero)
    cell = writer.tensor((1, size), "int16", cell_scale)
    for key in (state, cell):
        writer.graph.tensors[key].isVariable = True
    output = writer.tensor((*turned, size), scale=scale, zero_point=zero)
    writer.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [image, *filters, -1, -1, -1, *biases, -1, -1, state, cell, -1, -1, -1, -1], [output], version=1,
        fusedActivationFunction=TANH, timeMajor=time_major, cellClip=float(draw.pick(rng, 0, 0, 1)),
    )  # fmt: skip
    return [output]


def softmax(writer: Writer, rng: Rng) -> list[int]:
    shape = (draw.pick(rng, 1, 1, 3), int(rng.integers(1, 40)))
    image = writer.input(shape, draw.scale(rng), draw.zero(rng))
    output = writer.tensor(shape, scale=1 / 256, zero_point=-128)
    writer.op("SOFTMAX", [image], [output], beta=1.0)
    return [output]


def _reduce(name: str) -> Make:
    def make(writer: Writer, rng: Rng) -> list[int]:
        image = draw.image(writer, rng)
        shape = draw.shape(writer, image)
        axes = [(1, 2), (1, 2), (3,), (2,), (2, 3), (1, 3)][draw.pick(rng, 0, 1, 2, 3, 4, 5)]
        keep = bool(rng.random() < 0.5)
        made = tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)
        quant = writer.graph.tensors[image].quantization
        same = name in ("REDUCE_MAX", "REDUCE_MIN")
        output = writer.tensor(
            made,
            scale=quant.scale[0] if same else draw.scale(rng),
            zero_point=quant.zeroPoint[0] if same else draw.zero(rng),
        )
        writer.op(name, [image, writer.ints(axes)], [output], keepDims=keep)
        return [output]

    return make


def concat(writer: Writer, rng: Rng) -> list[int]:
    axis = draw.pick(rng, 1, 2, 3)
    scale, zero = draw.scale(rng), draw.zero(rng)
    base = [1, draw.pick(rng, 1, 2, 3), draw.pick(rng, 1, 4), int(rng.integers(1, 9))]
    parts: list[int] = []
    total = 0
    for _ in range(draw.pick(rng, 2, 3)):
        shape = list(base)
        shape[axis] = int(rng.integers(1, 6))
        total += shape[axis]
        parts.append(writer.input(tuple(shape), scale, zero))
    base[axis] = total
    output = writer.tensor(tuple(base), scale=scale, zero_point=zero)
    writer.op("CONCATENATION", parts, [output], axis=axis if rng.random() < 0.5 else axis - 4)
    return [output]


def pad(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    pads = rng.integers(0, 3, (4, 2))
    pads[0] = 0
    quant = writer.graph.tensors[image].quantization
    made = tuple(int(n + a + b) for n, (a, b) in zip(shape, pads, strict=False))
    output = writer.tensor(made, scale=quant.scale[0], zero_point=quant.zeroPoint[0])
    inputs = [image, writer.ints(pads)]
    if rng.random() < 0.5:
        value = writer.tensor((1,), scale=quant.scale[0], zero_point=quant.zeroPoint[0], data=[draw.zero(rng)])
        writer.op("PADV2", [*inputs, value], [output])
    else:
        writer.op("PAD", inputs, [output])
    return [output]


def reshape(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    quant = writer.graph.tensors[image].quantization
    flat = writer.tensor((1, int(np.prod(shape))), scale=quant.scale[0], zero_point=quant.zeroPoint[0])
    writer.op("RESHAPE", [image, writer.ints([1, int(np.prod(shape))])], [flat], version=1)
    output = writer.tensor(draw.shape(writer, flat), scale=0.1, zero_point=3)
    writer.op("RELU", [flat], [output])
    return [output]


def _resize(name: str) -> Make:
    def make(writer: Writer, rng: Rng) -> list[int]:
        image = draw.image(writer, rng)
        shape = draw.shape(writer, image)
        made = (1, int(rng.integers(1, 12)), int(rng.integers(1, 12)), shape[3])
        quant = writer.graph.tensors[image].quantization
        output = writer.tensor(made, scale=quant.scale[0], zero_point=quant.zeroPoint[0])
        how = [{}, {"alignCorners": True}, {"halfPixelCenters": True}][draw.pick(rng, 0, 1, 2)]
        writer.op(name, [image, writer.ints(made[1:3])], [output], version=3, **how)
        return [output]

    return make


def strided_slice(writer: Writer, rng: Rng) -> list[int]:
    image = draw.image(writer, rng)
    shape = draw.shape(writer, image)
    begin, end, stride, made = [], [], [], []
    begin_mask = end_mask = 0
    for axis, size in enumerate(shape):
        step = draw.pick(rng, 1, 1, 2, -1, -2) if axis else 1
        first, last = sorted(int(v) for v in rng.integers(0, size, 2))
        picked = range(first, last + 1, step) if step > 0 else range(last, first - 1, step)
        begin.append(picked[0])
        end.append(picked[-1] + (1 if step > 0 else -1))
        if end[-1] < 0:
            end_mask |= 1 << axis
            end[-1] = 0
            picked = range(picked[0], -1, step)
        stride.append(step)
        made.append(len(picked))
    quant = writer.graph.tensors[image].quantization
    output = writer.tensor(tuple(made), scale=quant.scale[0], zero_point=quant.zeroPoint[0])
    writer.op(
        "STRIDED_SLICE", [image, writer.ints(begin), writer.ints(end), writer.ints(stride)], [output],
        beginMask=begin_mask, endMask=end_mask,
    )  # fmt: skip
    return [output]


def split(writer: Writer, rng: Rng) -> list[int]:
    axis, parts = draw.pick(rng, 1, 2, 3), draw.pick(rng, 2, 3)
    shape = [1, draw.pick(rng, 2, 3), draw.pick(rng, 1, 4), int(rng.integers(1, 9))]
    shape[axis] = parts * int(rng.integers(1, 4))
    image = writer.input(tuple(shape), draw.scale(rng), draw.zero(rng))
    quant = writer.graph.tensors[image].quantization
    shape[axis] //= parts
    outputs = [
        writer.tensor(tuple(shape), scale=quant.scale[0], zero_point=quant.zeroPoint[0]) for _ in range(parts)
    ]
    writer.op("SPLIT", [writer.ints(axis), image], outputs, numSplits=parts)
    return outputs


def residual(writer: Writer, rng: Rng) -> list[int]:
    """Two convolutions, the second of a padded image, and a sum with what came before them."""
    image = writer.input((1, 5, 4, 3), draw.scale(rng), draw.zero(rng))

    def convolved(key: int, shape: tuple[int, ...], channels: int, kernel: int, padding: int) -> int:
        weights = _weights(rng, channels, kernel, kernel, draw.shape(writer, key)[3])
        filter_, bias, scale = _weighted(writer, rng, key, weights, 0)
        made = writer.tensor(shape, scale=scale, zero_point=draw.zero(rng))
        options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        writer.op("CONV_2D", [key, filter_, bias], [made], padding=padding, **options)
        return made

    wide = convolved(image, (1, 5, 4, 6), 6, 1, SAME)
    middle = convolved(wide, (1, 5, 4, 6), 6, 3, SAME)
    quant = writer.graph.tensors[middle].quantization
    padded = writer.tensor((1, 7, 6, 6), scale=quant.scale[0], zero_point=quant.zeroPoint[0])
    writer.op("PAD", [middle, writer.ints([[0, 0], [1, 1], [1, 1], [0, 0]])], [padded])
    last = convolved(padded, (1, 5, 4, 6), 6, 3, VALID)
    scale = float(writer.graph.tensors[last].quantization.scale[0])
    output = writer.tensor((1, 5, 4, 6), scale=scale, zero_point=-128)
    writer.op("ADD", [last, wide], [output], fusedActivationFunction=RELU)
    return [output]


ZOO: dict[str, Make] = {
    "conv": conv,
    "conv_without_bias": lambda writer, rng: conv(writer, rng, without_bias=True),
    "pointwise": pointwise,
    "depthwise": depthwise,
    "grouped": grouped,
    "transpose_conv": transpose_conv,
    "fully_connected": fully_connected,
    "average_pool": _pool("AVERAGE_POOL_2D"),
    "max_pool": _pool("MAX_POOL_2D"),
    "add": _binary("ADD"),
    "sub": _binary("SUB"),
    "mul": _binary("MUL"),
    "maximum": _binary("MAXIMUM"),
    "minimum": _binary("MINIMUM"),
    "squared_difference": _binary("SQUARED_DIFFERENCE"),
    "prelu": _binary("PRELU"),
    "relu": _unary("RELU"),
    "relu6": _unary("RELU6"),
    "leaky_relu": _unary("LEAKY_RELU"),
    "logistic": _unary("LOGISTIC", (1 / 256, -128)),
    "tanh": _unary("TANH", (1 / 128, 0)),
    "hard_swish": _unary("HARD_SWISH"),
    "elu": _unary("ELU"),
    "gelu": _unary("GELU"),
    "exp": _unary("EXP"),
    "log": _unary("LOG"),
    "abs": _unary("ABS"),
    "own_function": own_function,
    "rsqrt": rsqrt,
    "float_island": float_island,
    "quantize": _unary("QUANTIZE"),
    "lstm": lstm,
    "softmax": softmax,
    "mean": _reduce("MEAN"),
    "sum": _reduce("SUM"),
    "reduce_max": _reduce("REDUCE_MAX"),
    "reduce_min": _reduce("REDUCE_MIN"),
    "concat": concat,
    "pad": pad,
    "reshape": reshape,
    "resize_nearest": _resize("RESIZE_NEAREST_NEIGHBOR"),
    "resize_bilinear": _resize("RESIZE_BILINEAR"),
    "strided_slice": strided_slice,
    "split": split,
    "residual": residual,
    **zoo_moves.ZOO,
    **zoo_matrices.ZOO,
    **zoo_choices.ZOO,
}


def model(names: Sequence[str], seed: int) -> tuple[bytes, list[np.ndarray]]:
    """A model with one network of each operator side by side, and inputs: random ones, or the edges of int8."""
    rng = np.random.default_rng([seed, *map(len, names)])
    writer = Writer()
    outputs = [key for name in names for key in ZOO[name](writer, rng)]
    inputs: list[np.ndarray] = []
    for key in writer.graph.inputs:
        shape = draw.shape(writer, key)
        if key in writer.limits:
            inputs.append(rng.integers(*writer.limits[key], shape).astype(np.int32))
            continue
        limits = np.iinfo(np.int16 if writer.graph.tensors[key].type == DTYPES["int16"] else np.int8)
        edges = rng.random() < 0.3
        values = [limits.min, limits.max] if edges else np.arange(limits.min, limits.max + 1)
        inputs.append(rng.choice(values, shape).astype(limits.dtype))
    return writer.bytes(*outputs), inputs
