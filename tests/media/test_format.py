"""What packets tell about their stream where nothing else does."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.clips import write_clip
from touchline.media.annexb import AnnexB, join_nals, nal_type
from touchline.media.sources.format import Format
from touchline.types import StreamInfo, split_nals


def bare_packets(path: Path) -> list[tuple[bytes, bool]]:
    """A clip's pictures without parameter sets, as from a camera that hides whether it reorders."""
    with av.open(str(path)) as source:
        form = AnnexB("h264", source.streams.video[0].codec_context.extradata or b"")
        packets: list[tuple[bytes, bool]] = []
        for packet in source.demux(video=0):
            if packet.size:
                data = form.packet(bytes(packet), is_key=packet.is_keyframe)
                nals = [nal for nal in split_nals(data) if nal_type("h264", nal) in (1, 5)]
                packets.append((join_nals(nals), packet.is_keyframe))
        return packets


@pytest.mark.parametrize("b_frames", [0, 2])
def test_b_slices_are_noticed(tmp_path: Path, b_frames: int) -> None:
    packets = bare_packets(write_clip(tmp_path / "clip.mp4", frames=30, b_frames=b_frames))
    format_ = Format(StreamInfo("h264", 640, 360))
    changes = [at for at, (data, key) in enumerate(packets) if format_.packet(data, None, is_key=key)[1]]
    assert format_.info.has_b_frames == (b_frames > 0)
    assert len(changes) == (1 if b_frames else 0)
    assert all(at < 10 for at in changes)


def test_stamps_that_go_back_a_little_are_reordering() -> None:
    format_ = Format(StreamInfo("vp8", 640, 360))
    told = [format_.packet(b"x", pts, is_key=False)[1] for pts in (0, 9000, 3000, 6000)]
    assert told == [False, False, True, False]
    assert format_.info.has_b_frames


def test_a_source_that_starts_anew_does_not_reorder() -> None:
    format_ = Format(StreamInfo("vp8", 640, 360))
    for pts in (900_000, 903_000, 0, 3000, 6000):
        assert not format_.packet(b"x", pts, is_key=False)[1]
    assert not format_.info.has_b_frames


def test_a_parameter_set_overrules_what_slices_suggest(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=5)
    with av.open(str(path)) as source:
        extradata = source.streams.video[0].codec_context.extradata or b""
    format_ = Format(StreamInfo("h264", 0, 0, extradata=extradata, has_b_frames=True))
    assert (format_.info.width, format_.info.height) == (640, 360)
    assert not format_.info.has_b_frames
    assert format_.info.fps == 25
