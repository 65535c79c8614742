"""Bitstream form and what the parameter sets say, against FFmpeg's own filters and decoders."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import pytest
from av.bitstream import BitStreamFilterContext
from av.video.frame import PictureType
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import write_clip
from touchline.media.annexb import START, AnnexB, is_foreign, join_nals, nal_type
from touchline.media.sps import MOST_BYTES, is_b_slice, read_sps
from touchline.types import split_nals

CODECS = pytest.mark.parametrize(("encoder", "codec"), [("libx264", "h264"), ("libx265", "hevc")])


def kinds(codec: str, data: bytes) -> list[int]:
    return [nal_type(codec, nal) for nal in split_nals(data)]  # type: ignore[arg-type]


def without_sei(codec: str, data: bytes) -> list[bytes]:
    sei = (6,) if codec == "h264" else (39, 40)
    return sorted(nal for nal in split_nals(data) if nal_type(codec, nal) not in sei)  # type: ignore[arg-type]


@CODECS
def test_gives_the_units_that_ffmpegs_filter_gives(tmp_path: Path, encoder: str, codec: str) -> None:
    path = write_clip(tmp_path / "clip.mp4", codec=encoder, frames=30)
    with av.open(str(path)) as ours, av.open(str(path)) as theirs:
        form = AnnexB(codec, ours.streams.video[0].codec_context.extradata or b"")  # type: ignore[arg-type]
        filter_ = BitStreamFilterContext(f"{codec}_mp4toannexb", theirs.streams.video[0])
        pairs = 0
        for packet, other in zip(ours.demux(video=0), theirs.demux(video=0), strict=True):
            if not packet.size:
                continue
            made = form.packet(bytes(packet), is_key=packet.is_keyframe)
            (wanted,) = filter_.filter(other)
            # FFmpeg adds x265's advertisement, an SEI of the hvcC record, to each key packet: not needed.
            assert without_sei(codec, made) == without_sei(codec, bytes(wanted))
            pairs += 1
        assert pairs == 30


@CODECS
def test_key_packets_carry_their_sets_before_the_picture(tmp_path: Path, encoder: str, codec: str) -> None:
    path = write_clip(tmp_path / "clip.mp4", codec=encoder, frames=60)
    sets = {7, 8} if codec == "h264" else {32, 33, 34}
    with av.open(str(path)) as source:
        form = AnnexB(codec, source.streams.video[0].codec_context.extradata or b"")  # type: ignore[arg-type]
        keys = [packet for packet in source.demux(video=0) if packet.size and packet.is_keyframe]
        assert len(keys) > 1
        for packet in keys:
            data = form.packet(bytes(packet), is_key=True)
            assert set(kinds(codec, data)[: len(sets)]) == sets
            again = AnnexB(codec, form.parameter_sets).packet(data, is_key=True)  # type: ignore[arg-type]
            assert again == data


def test_sets_go_behind_an_access_unit_delimiter() -> None:
    form = AnnexB("h264", START + b"\x67sps" + START + b"\x68pps")
    data = form.packet(START + b"\x09\xf0" + START + b"\x65picture", is_key=True)
    assert kinds("h264", data) == [9, 7, 8, 5]


def test_newer_sets_in_the_stream_replace_the_old() -> None:
    form = AnnexB("h264", START + b"\x67old" + START + b"\x68pps")
    form.packet(START + b"\x67new" + START + b"\x68pps" + START + b"\x65picture", is_key=True)
    assert form.sps == b"\x67new"
    assert b"\x67new" in form.packet(START + b"\x65picture", is_key=True)


@st.composite
def kinds_in_packets(draw: st.DrawFn) -> tuple[str, list[list[int]]]:
    """A codec, and which kinds of units its container's record and each of its key packets hold: some of the
    sets, in any order, perhaps behind a delimiter, and a picture."""
    codec = draw(st.sampled_from(["h264", "hevc"]))
    aud, sets, picture = (9, [7, 8], 5) if codec == "h264" else (35, [32, 33, 34], 19)
    some = st.lists(st.sampled_from(sets), max_size=4)
    record = draw(some)
    keys = draw(st.lists(st.tuples(st.booleans(), some), min_size=1, max_size=6))
    return codec, [record, *([aud] * delimited + held + [picture] for delimited, held in keys)]


@given(kinds_in_packets())
def test_a_key_packet_carries_the_newest_of_each_kind_of_set(given_: tuple[str, list[list[int]]]) -> None:
    codec, (record, *packets) = given_
    aud, sets = (9, (7, 8)) if codec == "h264" else (35, (32, 33, 34))
    count = itertools.count(1)

    def units(of: list[int]) -> list[bytes]:
        return [bytes([kind << (codec == "hevc"), 1, next(count)]) for kind in of]

    def of(kind: int, nals: list[bytes]) -> list[bytes]:
        return [nal for nal in nals if nal_type(codec, nal) == kind]  # type: ignore[arg-type]

    told = units(record)
    form = AnnexB(codec, join_nals(told))  # type: ignore[arg-type]
    newest = {kind: of(kind, told) for kind in sets}
    for packet in packets:
        nals = units(packet)
        newest = {kind: of(kind, nals) or newest[kind] for kind in sets}
        data = form.packet(join_nals(nals), is_key=True)
        made = list(split_nals(data))
        assert {kind: of(kind, made) for kind in sets} == newest
        rest = [nal for nal in made if nal_type(codec, nal) not in sets]  # type: ignore[arg-type]
        assert rest == [nal for nal in nals if nal_type(codec, nal) not in sets]  # type: ignore[arg-type]
        if all(newest[kind] == of(kind, nals) for kind in sets):
            assert data == join_nals(nals), "it was complete"
        else:
            assert [kind for kind in kinds(codec, data) if kind in sets] == sorted(
                kind for kind in kinds(codec, data) if kind in sets
            )
            assert made[0] == nals[0] or nal_type(codec, nals[0]) != aud  # type: ignore[arg-type]
        assert form.parameter_sets == join_nals([nal for kind in sets for nal in newest[kind]])
        assert AnnexB(codec, form.parameter_sets).packet(data, is_key=True) == data  # type: ignore[arg-type]


@given(st.binary(max_size=80), st.binary(max_size=80), st.booleans(), st.sampled_from(["h264", "hevc"]))
def test_damage_never_raises(extradata: bytes, data: bytes, key: bool, codec: str) -> None:
    form = AnnexB(codec, extradata)  # type: ignore[arg-type]
    form.packet(data, is_key=key)
    read_sps(codec, data)  # type: ignore[arg-type]
    is_b_slice(data)


def test_a_set_made_to_be_read_for_ever_is_not() -> None:
    """H.264's order type 1 lists as many offsets as it says it does, here with a bit for each."""

    def code(value: int) -> str:
        binary = f"{value + 1:b}"
        return "0" * (len(binary) - 1) + binary

    def made(offsets: int) -> bytes:
        listed = [*map(code, (0, 0, 1)), "0", *map(code, (0, 0, offsets)), "1" * offsets]
        bits = "".join([f"{0x67420000:032b}", *listed, code(1), "0", code(9), code(4), "11", "0000"])
        return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")

    said = read_sps("h264", made(255))
    assert said is not None
    assert (said.width, said.height) == (160, 80)
    assert read_sps("h264", made(255) + bytes(1 << 16)) == said, "what comes behind it costs nothing"
    assert read_sps("h264", made(8 * MOST_BYTES)) is None


@CODECS
@pytest.mark.parametrize(
    ("width", "height", "b_frames", "pixel_format"),
    [(640, 360, 0, "yuv420p"), (854, 482, 2, "yuv420p"), (360, 640, 0, "yuv420p"), (853, 481, 2, "yuv444p")],
)
def test_the_sps_says_what_the_decoder_finds(
    tmp_path: Path, encoder: str, codec: str, width: int, height: int, b_frames: int, pixel_format: str
) -> None:
    path = tmp_path / "clip.mp4"
    size = {"width": width, "height": height}
    write_clip(path, codec=encoder, frames=8, b_frames=b_frames, pixel_format=pixel_format, **size)
    with av.open(str(path)) as source:
        context = source.streams.video[0].codec_context
        form = AnnexB(codec, context.extradata or b"")  # type: ignore[arg-type]
        said = read_sps(codec, form.sps)  # type: ignore[arg-type]
        assert said is not None
        frame = next(source.decode(video=0))
        assert (said.width, said.height, said.pixel_format) == (frame.width, frame.height, frame.format.name)
        # x265's ultrafast has B-frames of its own accord; x264 was told.
        assert said.reorders == (True if encoder == "libx265" else b_frames > 0)


def test_b_slices_are_told_from_the_others(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", b_frames=2, frames=30)
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        form = AnnexB("h264", stream.codec_context.extradata or b"")
        found: list[str] = []
        for packet in source.demux(stream):
            if packet.size:
                data = form.packet(bytes(packet), is_key=packet.is_keyframe)
                slices = [nal for nal in split_nals(data) if nal_type("h264", nal) in (1, 5)]
                found.append("B" if is_b_slice(slices[0]) else "other")
    with av.open(str(path)) as source:
        shown = [frame.pict_type for frame in source.decode(video=0)]
    assert found.count("B") == shown.count(PictureType.B) > 0


@pytest.mark.parametrize(
    ("start", "h264", "hevc"),
    [
        ("0000000109f0", False, True),
        ("000000016764", False, True),
        ("0000012742", False, True),
        ("000000010605", False, False),
        ("000000014001", True, False),
        ("000000014601", True, False),
        ("000000012601", False, False),
        ("000001b32801", True, True),
        ("000001", False, False),
    ],
)
def test_a_key_packet_of_another_codec_is_known_by_its_start(start: str, h264: bool, hevc: bool) -> None:
    key = bytes.fromhex(start)
    assert (is_foreign("h264", key, is_key=True), is_foreign("hevc", key, is_key=True)) == (h264, hevc)


@pytest.mark.parametrize(
    ("start", "h264", "hevc"),
    [
        ("0000000109f00000000141", False, True),
        ("000000010930000001419a", False, True),
        ("000000014601500000000102", True, False),
        ("00000146013000000102", True, False),
        ("00000001c6015000000102", False, False),
        ("000000014601510000000102", False, False),
        ("0000000109f1000000014100", False, False),
        ("00000001419a000000014100", False, False),
        ("000000014601", False, False),
    ],
)
def test_any_packet_of_another_codec_is_known_by_its_delimiter_alone(start: str, h264: bool, hevc: bool) -> None:
    """A bit of it may be wrong: then it is one that cannot be read, and nothing is concluded from that."""
    unit = bytes.fromhex(start)
    assert (is_foreign("h264", unit, is_key=False), is_foreign("hevc", unit, is_key=False)) == (h264, hevc)
