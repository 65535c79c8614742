"""Pixels that are not square: who tells of them, and that it is heard."""

from __future__ import annotations

import itertools
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from tests.clips import write_clip
from tests.media.taking import read_all
from tests.scene import STEP, coded
from touchline.media.annexb import AnnexB
from touchline.media.decode import Decoder
from touchline.media.sources.aspect import aspect_of_hevc, plausible
from touchline.media.sources.format import Format
from touchline.types import Packet, StreamInfo

FLAT = np.full((96, 160), 90, np.uint8)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("aspect", [None, Fraction(16, 11), Fraction(3, 4)])
def test_frames_know_the_shape_of_their_pixels(
    tmp_path: Path, codec: str, ending: str, aspect: Fraction | None
) -> None:
    path = write_clip(tmp_path / f"clip.{ending}", codec=codec, width=176, height=144, frames=3, aspect=aspect)
    (info,), packets = read_all(str(path))
    decoder = Decoder(info)
    frames = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.flush()
    assert len(frames) == 3
    for told in (info, *frames):
        assert told.sample_aspect == pytest.approx(float(aspect or 1), rel=0.005)  # mkv has whole px alone


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_they_turn_with_the_picture(tmp_path: Path, rotation: int) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=2, rotation=rotation, aspect=Fraction(4, 3))
    (info,), packets = read_all(str(path))
    assert info.sample_aspect == pytest.approx(4 / 3)
    frame = Decoder(info).decode(packets[0])[0]
    assert frame.sample_aspect == pytest.approx(3 / 4 if rotation % 180 else 4 / 3)
    assert frame.width * frame.sample_aspect / frame.height == pytest.approx(
        (9 / 16) * 3 / 4 if rotation % 180 else (16 / 9) * 4 / 3
    )


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("sar", ["1:1", "12:11", "64:33", "2:1", "3:2", "64:45", "0:1", "1:300"])
def test_parameter_sets_tell_where_no_container_does(codec: str, sar: str) -> None:
    across, down = map(int, sar.split(":"))
    info, packets = coded([FLAT], codec, aspect=Fraction(across, down))
    name = "hevc" if codec == "libx265" else "h264"
    form = AnnexB(name, packets[0].data)
    form.packet(packets[0].data, is_key=True)
    format_ = Format(StreamInfo(info.codec, 0, 0, extradata=form.parameter_sets))
    assert format_.info.width == 160
    assert format_.info.sample_aspect == pytest.approx(across / down if across and down < 300 else 1.0)


def test_another_shape_in_midstream_is_told() -> None:
    keys = [coded([FLAT], aspect=Fraction(across, 11))[1][0].data for across in (16, 12)]
    format_ = Format(StreamInfo("h264", 0, 0))
    assert [format_.packet(key, None, is_key=True)[1] for key in (*keys, keys[1])] == [True, True, False]
    assert format_.info.sample_aspect == pytest.approx(12 / 11)


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4"])
def test_another_shape_in_midstream_without_parameter_sets_is_told_by_the_pictures(codec: str) -> None:
    """What the container says, here 2:1 of pictures that say nothing, holds until they say another."""
    count = 4
    parts = [coded([FLAT] * count, codec, aspect=aspect) for aspect in (None, Fraction(4, 3), Fraction(16, 11))]
    said: list[float] = []
    decoder = Decoder(replace(parts[0][0], sample_aspect=2.0))
    for at, (_, packets) in enumerate(parts):
        for packet in packets:
            frames = decoder.decode(replace(packet, pts=packet.pts + at * count * STEP))
            said += [frame.sample_aspect for frame in frames]
    assert said[:2] == [2.0, 2.0]
    changes = [now for before, now in itertools.pairwise(said) if now != before]
    told = [decoder_says(part) for part in parts[1:]]
    assert changes == [aspect for before, aspect in itertools.pairwise((None, *told)) if aspect != before]


def decoder_says(part: tuple[StreamInfo, list[Packet]]) -> float:
    """MPEG-2 has few shapes and takes the nearest."""
    context = av.CodecContext.create(part[0].codec, "r")
    assert isinstance(context, VideoCodecContext)
    for packet in part[1]:
        context.decode(av.Packet(packet.data))
    return plausible(context.sample_aspect_ratio)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_file_that_was_put_right_afterwards_has_the_last_word(tmp_path: Path, codec: str) -> None:
    wrong = write_clip(tmp_path / "wrong.mp4", codec=codec, width=176, height=144, frames=30)
    right = tmp_path / "right.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", wrong, "-c", "copy", "-aspect", "16:9"]
    subprocess.run([*command, right], check=True, timeout=60)
    (info,), _ = read_all(str(right))
    assert info.sample_aspect == pytest.approx(16 / 9 / (176 / 144))


def test_what_no_camera_sends_is_not_believed() -> None:
    told = (None, Fraction(0), Fraction(1, 4), Fraction(4), Fraction(1, 5), Fraction(65535, 2))
    assert [plausible(ratio) for ratio in told] == [1.0, 1.0, 0.25, 4.0, 1.0, 1.0]
    assert aspect_of_hevc(b"\0\0\0\1\x42\1\1nonsense") is None
