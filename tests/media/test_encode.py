"""The encoder's promises, checked with FFmpeg's decoder."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.media.annexb import nal_type
from touchline.media.colour import frame_from_rgb
from touchline.media.encode import Encoder
from touchline.media.picture import planes_of
from touchline.media.sps import is_b_slice, read_sps
from touchline.types import Frame, Packet, split_nals


def frame(number: int, width: int = 320, height: int = 240, **flags: bool) -> Frame:
    rows, columns = np.mgrid[:height, :width]
    y = ((rows * 2 + columns + 7 * number) % 200 + 20).astype(np.uint8)
    chroma = ((height + 1) // 2, (width + 1) // 2)
    u, v = np.full(chroma, 90, np.uint8), np.full(chroma, 150, np.uint8)
    return Frame(pts=number * 3600, y=y, u=u, v=v, **flags)


def decoded(packets: list[Packet]) -> list[av.VideoFrame]:
    context = av.CodecContext.create("h264", "r")
    frames = [made for packet in packets for made in context.decode(av.Packet(packet.data))]
    return [*frames, *context.decode(None)]


def test_each_frame_gives_its_packet_at_once_in_order() -> None:
    encoder = Encoder(320, 240, 25)
    packets: list[Packet] = []
    for number in range(60):
        (packet,) = encoder.encode(frame(number))
        assert packet.pts == number * 3600
        packets.append(packet)
    assert [at for at, packet in enumerate(packets) if packet.is_key] == [0, 25, 50]
    for packet in packets:
        nals = list(split_nals(packet.data))
        kinds = [nal_type("h264", nal) for nal in nals]
        assert (7 in kinds and 8 in kinds and 5 in kinds) == packet.is_key
        assert not any(is_b_slice(nal) for nal, kind in zip(nals, kinds, strict=True) if kind == 1)
    pictures = decoded(packets)
    assert len(pictures) == 60
    error = np.abs(planes_of(pictures[-1])[0].astype(int) - frame(59).y).mean()
    assert error < 12


def test_time_that_does_not_rise_is_mended() -> None:
    encoder = Encoder(320, 240, 25)
    given = [0, 3600, 3600, 1800, 7200]
    packets = [encoder.encode(replace(frame(0), pts=pts))[0] for pts in given]
    assert [packet.pts for packet in packets] == [0, 3600, 3601, 3602, 7200]


def test_a_key_picture_comes_when_asked_for_and_starts_a_decoder() -> None:
    encoder = Encoder(320, 240, 25, gop_seconds=100)
    packets = [encoder.encode(frame(n), force_key=n == 7)[0] for n in range(12)]
    assert [at for at, packet in enumerate(packets) if packet.is_key] == [0, 7]
    assert len(decoded(packets[7:])) == 5


def test_skipped_frames_do_not_stretch_the_time_between_keys() -> None:
    encoder = Encoder(320, 240, 25)
    packets = [encoder.encode(frame(n))[0] for n in range(0, 100, 5)]
    keys = [packet.pts for packet in packets if packet.is_key]
    assert all(b - a <= 90_000 + 5 * 3600 for a, b in pairwise(keys))
    assert len(keys) >= 4


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 200), st.integers(2, 200))
def test_any_size_is_padded_to_even_by_its_own_edge(width: int, height: int) -> None:
    encoder = Encoder(width, height, 25)
    packets = encoder.encode(frame(0, width, height))
    info = encoder.info
    assert (info.width, info.height) == (width + width % 2, height + height % 2)
    (picture,) = decoded(packets)
    assert (picture.width, picture.height) == (info.width, info.height)
    if width % 2:
        luma = planes_of(picture)[0].astype(int)
        assert np.abs(luma[:height, -1] - frame(0, width, height).y[:, -1]).mean() < 40


def test_another_size_makes_another_stream() -> None:
    encoder = Encoder(320, 240, 25)
    first = encoder.encode(frame(0))
    told = encoder.info
    second = encoder.encode(frame(1, 160, 120))
    assert (told.width, encoder.info.width) == (320, 160)
    assert second[0].is_key
    assert [picture.width for picture in decoded([*first, *second])] == [320, 160]


@pytest.mark.parametrize(("full_range", "bt709"), [(False, True), (True, True), (False, False), (True, False)])
def test_the_stream_says_how_its_colours_are_coded(full_range: bool, bt709: bool) -> None:
    encoder = Encoder(320, 240, 25)
    (picture,) = decoded(encoder.encode(frame(0, full_range=full_range, bt709=bt709)))
    assert picture.color_range == (2 if full_range else 1)
    assert picture.colorspace == (1 if bt709 else 6)


def test_the_stream_says_which_shape_its_pixels_have() -> None:
    encoder = Encoder(320, 240, 25)
    shapes = [Fraction(1), Fraction(16, 11), Fraction(64, 45), Fraction(11, 16)]
    for number, shape in enumerate(shapes):
        (packet,) = encoder.encode(replace(frame(number), sample_aspect=float(shape)))
        assert packet.is_key
        assert encoder.info.sample_aspect == float(shape)
        context = av.CodecContext.create("h264", "r")
        assert context.decode(av.Packet(packet.data)) + context.decode(None)
        assert context.sample_aspect_ratio == shape


def test_a_decoders_own_picture_is_taken_and_its_type_ignored() -> None:
    source = Encoder(320, 240, 25, gop_seconds=0.2)
    pictures = decoded([source.encode(frame(n))[0] for n in range(20)])
    encoder = Encoder(320, 240, 25, gop_seconds=100)
    keys = 0
    for number, picture in enumerate(pictures):
        y, u, v = planes_of(picture)
        (packet,) = encoder.encode(Frame(pts=number * 3600, y=y, u=u, v=v, native=picture))
        assert packet.pts == number * 3600
        keys += packet.is_key
    assert keys == 1


def test_the_rate_is_kept() -> None:
    rng = np.random.default_rng(0)
    encoder = Encoder(320, 240, 25, bitrate=400_000)
    size = 0
    for number in range(100):
        noise = np.repeat(np.repeat(rng.integers(16, 235, (30, 40), np.uint8), 8, 0), 8, 1)
        plain = frame(number)
        size += len(encoder.encode(Frame(plain.pts, noise, plain.u, plain.v))[0].data)
    assert 0.5 < size * 8 / 4 / 400_000 < 1.4


def test_info_names_the_parameter_sets() -> None:
    encoder = Encoder(640, 360, 30)
    sps = [nal for nal in split_nals(encoder.info.extradata) if nal_type("h264", nal) == 7]
    assert sps[0][1] == 66, "not the Baseline profile that all browsers take"
    said = read_sps("h264", sps[0])
    assert said is not None
    assert (said.width, said.height, said.reorders) == (640, 360, False)


def test_a_picture_from_rgb_can_be_encoded() -> None:
    image = np.full((99, 101, 3), (200, 30, 60), np.uint8)
    (picture,) = decoded(Encoder(101, 99, 25).encode(frame_from_rgb(image, 0)))
    centre = picture.to_ndarray(format="rgb24")[50, 50].astype(int)
    assert np.abs(centre - (200, 30, 60)).max() < 12
