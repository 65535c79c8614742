"""The reference interpreter gives the bits of TensorFlow Lite Micro and of LiteRT's reference kernels."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiny.writer import Writer, litert_reference, micro_reference
from tests.tiny.zoo import ZOO, model
from touchline.tiny import recurrent, reference
from touchline.tiny.fixed_point import quantise_multiplier, requantise
from touchline.tiny.import_tflite import read_tflite
from touchline.tiny.passes import run_passes

# TFLM's RELU6 does not requantise: it takes its input's scale to be its output's; its SPACE_TO_BATCH_ND pads with
# 0 whatever the zero point is. The others it lacks for int8, or altogether.
NOT_MICRO = {"relu6", "space_to_batch", "gelu", "exp", "log", "float_island", "tile", "slice_of_five_axes"}
NOT_MICRO |= {"arg_max_to_int64", "select", "embedding"}
# LiteRT requantises FULLY_CONNECTED and BATCH_MATMUL in float (google-ai-edge/LiteRT#8567); its SUM of int8
# ignores zero points; its CONV_2D wants a bias; its LSTM has other activations in fixed point; it lacks what has
# 16 bits.
NOT_LITERT = {"fully_connected", "sum", "conv_without_bias", "lstm", "quantize_int16", "softmax_to_int16"}
NOT_LITERT |= {"batch_matmul", "computed_weights"}
# LiteRT has no reference kernel of these; its others are as exact here.
OTHER_KERNELS = {"elu", "tile", "float_island", "depth_to_space"}


@pytest.mark.parametrize("name", ZOO)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 30))
def test_every_operator_gives_the_bits_of_both_interpreters(name: str, seed: int, tmp_path: Path) -> None:
    content, inputs = model([name], seed)
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    graph = read_tflite(path)
    made = reference.run(graph, *inputs)
    ready = reference.run(run_passes(graph), *inputs)
    kernels = "BUILTIN_WITHOUT_DEFAULT_DELEGATES" if name in OTHER_KERNELS else "BUILTIN_REF"
    litert = partial(litert_reference, kernels=kernels)
    for theirs, left_out in ((micro_reference, NOT_MICRO), (litert, NOT_LITERT)):
        if name not in left_out:
            for ours, wanted, passed in zip(made, theirs(content, *inputs), ready, strict=True):
                np.testing.assert_array_equal(ours, wanted)
                np.testing.assert_array_equal(passed, wanted)


@pytest.mark.parametrize(("name", "bits"), [("LOGISTIC", -12), ("TANH", -12), ("TANH", -11)])
def test_an_lstm_s_activations_are_those_of_int16(name: str, bits: int) -> None:
    writer = Writer()
    source = writer.tensor((1, 1 << 16), "int16", 2.0**bits)
    writer.graph.inputs.append(source)
    made = writer.tensor((1, 1 << 16), "int16", 2.0**-15)
    writer.op(name, [source], [made])
    x = np.arange(-32768, 32768)
    (wanted,) = micro_reference(writer.bytes(made), x.astype(np.int16)[None])
    ours = recurrent.sigmoid(x) if name == "LOGISTIC" else recurrent.tanh(x, bits)
    np.testing.assert_array_equal(ours, wanted[0])


@given(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(1 << 30, (1 << 31) - 1), st.integers(-31, 0))
def test_requantising_rounds_twice(value: int, multiplier: int, shift: int) -> None:
    high = (value * multiplier + (1 << 30)) >> 31  # to nearest, ties upwards
    divisor = 1 << -shift
    magnitude = (abs(high) + divisor // 2) // divisor  # to nearest, ties away from zero
    assert int(requantise(value, multiplier, shift)) == (magnitude if high >= 0 else -magnitude)


@given(st.floats(1e-8, 1e4))
def test_a_multiplier_stands_for_its_number(real: float) -> None:
    multiplier, shift = quantise_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    assert abs(multiplier * 2.0 ** (shift - 31) / real - 1) < 2.0**-30
