"""An output that follows behind its input overwrites nothing that is still to be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.needs import need
from tests.tiny.writer import SAME, Writer
from tests.tiny.zoo import _weighted, _weights
from touchline.tiny import reference, toolchain
from touchline.tiny.artifact import ports_of, random_inputs
from touchline.tiny.compile import compile_tflite
from touchline.tiny.graph import Padding
from touchline.tiny.overlap import distance

small = st.integers(1, 6)


@settings(deadline=None)
@given(small, small, st.integers(1, 4), st.integers(1, 4), small, small, st.booleans(), st.data())
def test_the_distance_is_the_least_that_is_safe(
    height: int,
    width: int,
    depth: int,
    channels: int,
    rows: int,
    columns: int,
    in_turns: bool,
    data: st.DataObject,
) -> None:
    stride = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    padding = Padding(top=data.draw(st.integers(0, 2)), left=data.draw(st.integers(0, 2)))
    image, made = (1, height, width, depth), (1, rows, columns, channels)

    def safe(apart: int) -> bool:
        """Whether no pixel is read after it was overwritten, with the input ``apart`` bytes above the output."""
        written = -(1 << 30)
        for y in range(rows):
            for x in range(columns):
                corner_y = min(max(y * stride[0] - padding.top, 0), height - 1)
                corner_x = min(max(x * stride[1] - padding.left, 0), width - 1)
                if in_turns:
                    written = (y * columns + x + 1) * channels
                if apart + (corner_y * width + corner_x) * depth < written:
                    return False
                written = (y * columns + x + 1) * channels
        return True

    least = distance(image, made, stride, padding, reads_while_writing=in_turns)
    assert safe(least)
    if rows * columns > 1 or in_turns:
        assert not safe(least - 1)


def test_a_widening_network_needs_little_more_than_its_widest_image(tmp_path: Path) -> None:
    need("cc")
    rng = np.random.default_rng(7)
    writer = Writer()
    key, depth = writer.input((1, 12, 10, 4), 0.05, -3), 4
    for channels, kernel in ((8, 1), (16, 3), (24, 1)):
        weights = _weights(rng, channels, kernel, kernel, depth)
        filter_, bias, scale = _weighted(writer, rng, key, weights, 0)
        made = writer.tensor((1, 12, 10, channels), scale=scale, zero_point=-128)
        options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        writer.op("CONV_2D", [key, filter_, bias], [made], padding=SAME, **options)
        key, depth = made, channels
    compiled = compile_tflite(writer.save(tmp_path / "wide.tflite", key), tmp_path / "wide")
    widest = 12 * 10 * 24
    assert all(widest <= each.bytes < 1.3 * widest for each in compiled.arranged.values())
    inputs = random_inputs(compiled.graph, rng)
    (wanted,) = reference.run(compiled.graph, *inputs)
    for core in (0, 1):
        run = toolchain.run(
            compiled.folder, ports_of(compiled), inputs[0].tobytes(), "host",
            extra=["-O1", *toolchain.SANITISERS, f"-DTOUCHLINE_CORE={core}"],
        )  # fmt: skip
        assert run.output == wanted.tobytes()
