"""A compiled folder, run: of a model whose file has float32 at its ends, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.needs import need
from tests.tiny.writer import DTYPES, Writer, litert_reference
from touchline.tiny.artifact import compile_artifact, run_artifact


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.tflite: float32 → int8, LOGISTIC, RESHAPE to a shape that the file computes → float32; and net/."""
    need("cc")
    home = tmp_path_factory.mktemp("ends")
    writer = Writer()
    image = writer.tensor((1, 4, 6), "float32", name="image")
    writer.graph.inputs.append(image)
    entry = writer.tensor((1, 4, 6), scale=0.05, zero_point=-9)
    made = writer.tensor((1, 4, 6), scale=1 / 256, zero_point=-128)
    flat = writer.tensor((1, 24), scale=1 / 256, zero_point=-128)
    real = writer.tensor((1, 24), "float32", name="scores")
    shape, batch, to = (writer.tensor((n,), "int32") for n in (3, 1, 2))
    writer.op("QUANTIZE", [image], [entry], version=1)
    writer.op("LOGISTIC", [entry], [made])
    writer.op("SHAPE", [made], [shape], version=1, outType=DTYPES["int32"])
    zero, one = writer.ints([0]), writer.ints([1])
    writer.op("STRIDED_SLICE", [shape, zero, one, one], [batch], version=1)
    writer.op("CONCATENATION", [batch, writer.ints([24])], [to], version=1)
    writer.op("RESHAPE", [made, to], [flat], version=1)
    writer.op("DEQUANTIZE", [flat], [real])
    writer.save(home / "net.tflite", real)
    compile_artifact(home / "net.tflite", home / "net")
    return home


def test_float32_is_taken_and_given_where_the_file_has_it(home: Path) -> None:
    x = np.random.default_rng(0).normal(0, 4, (1, 4, 6)).astype(np.float32)
    (wanted,) = litert_reference((home / "net.tflite").read_bytes(), x)
    (got,) = run_artifact(home / "net", [x], "host").outputs
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, wanted)


def test_int8_is_taken_as_firmware_gives_it(home: Path) -> None:
    x = np.random.default_rng(0).normal(0, 4, (1, 4, 6)).astype(np.float32)
    stored = np.clip(np.round(x / np.float32(0.05)) - 9, -128, 127).astype(np.int8)
    (real,), (got,) = (run_artifact(home / "net", [array], "host").outputs for array in (x, stored))
    assert got.dtype == np.int8
    np.testing.assert_array_equal((got.astype(np.float32) + 128) / 256, real)
