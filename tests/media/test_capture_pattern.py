"""``test:``: the pattern, its bar code, and its parameters."""

from __future__ import annotations

import threading
import time

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media.taking import Taking, read_all
from touchline.media.sources.pattern import Painter, read_barcode
from touchline.types import Packet, SourceError


def lumas(packets: list[Packet]) -> list[np.ndarray]:
    context = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet.data))]
    return [frame.to_ndarray()[: frame.height] for frame in [*frames, *context.decode(None)]]


@settings(deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**42),
    st.integers(256, 900),
    st.integers(240, 500),
)
def test_the_code_reads_back_at_any_size(number: int, unix_ms: int, width: int, height: int) -> None:
    frame = Painter(width, height, 30, seed=1).paint(number, unix_ms)
    assert read_barcode(frame.y) == (number, unix_ms % 2**32)


@pytest.mark.parametrize("query", ["", "width=854&height=480&fps=25", "width=257&height=241&fps=60"])
def test_the_code_survives_encoding_and_scaling(query: str) -> None:
    before = time.time_ns() // 1_000_000
    infos, packets = read_all(f"test:?{query}&frames=40")
    after = time.time_ns() // 1_000_000
    assert infos[0].codec == "h264"
    assert not infos[0].has_b_frames
    pictures = lumas(packets)
    assert len(pictures) == 40
    for number, luma in enumerate(pictures):
        counter, made = read_barcode(luma)
        assert counter == number
        assert before <= made + (before >> 32 << 32) <= after
    half = pictures[7][: pictures[7].shape[0] // 2 * 2, : pictures[7].shape[1] // 2 * 2]
    half = half.reshape(half.shape[0] // 2, 2, half.shape[1] // 2, 2).mean((1, 3)).astype(np.uint8)
    assert read_barcode(half)[0] == 7


def test_it_moves_and_has_a_key_picture_each_second() -> None:
    _, packets = read_all("test:?width=320&height=240&fps=10&frames=35")
    assert [at for at, packet in enumerate(packets) if packet.is_key] == [0, 10, 20, 30]
    assert [packet.pts for packet in packets] == [at * 9000 for at in range(35)]
    first, second = lumas(packets)[3], lumas(packets)[13]
    assert np.abs(first[40:200].astype(int) - second[40:200]).max() > 40


def test_live_its_stamps_are_now() -> None:
    with Taking("test:?width=320&height=240&fps=30") as taking:
        taking.wait_packets(45)
    numbers = [read_barcode(luma)[0] for luma in lumas(taking.packets)]
    assert numbers == sorted(set(numbers))
    assert all(-0.1 < at - pts < 2 for at, pts in zip(taking.times, taking.pts, strict=True))
    # One second of pictures takes a second, however busy the machine.
    assert taking.times[44] - taking.times[0] >= 44 / 30 - 0.2


@pytest.mark.parametrize("source", ["test:?width=12", "test:?fps=x", "test:?colour=red", "test:?fps="])
def test_wrong_parameters_are_named(source: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_all(source)
    assert not caught.value.retry


def test_stop_ends_it_at_once() -> None:
    with Taking("test:?fps=1&width=320&height=240") as taking:
        taking.wait_packets(1)
        begun = time.monotonic()
        taking.stop.set()
        taking.thread.join(5)
        assert time.monotonic() - begun < 1
    assert not [t for t in threading.enumerate() if t.name == "capture"]
