"""Loops: their end joins their start, and all of a box's keep step, whenever they join."""

from __future__ import annotations

import itertools
from pathlib import Path
from threading import Event

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clips import write_clip
from touchline.media.sources.ffmpeg import FFmpegSource
from touchline.media.sources.location import Location
from touchline.media.sources.loop import LoopSource, Round, measure
from touchline.media.timeline import Sample
from touchline.types import MEDIA_CLOCK, SourceError, StreamInfo

FRAMES, STEP = 50, 3600
PERIOD = FRAMES * STEP


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("loop") / "clip.mp4", width=64, height=48, frames=FRAMES)


class Clock:
    """Stands at ``now`` s of media time."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def source(clip: Path, clock: Clock, *, realtime: bool = True) -> LoopSource:
    return LoopSource(Location.parse(str(clip)), realtime=realtime, clock=clock)


def samples(source: LoopSource, most: int) -> list[Sample]:
    return list(itertools.islice((item for item in source.read() if isinstance(item, Sample)), most))


@settings(max_examples=25, deadline=None)
@given(now=st.floats(0, 1e6))
def test_a_picture_s_place_follows_from_the_clock_alone(clip: Path, now: float) -> None:
    once = {item.data: at for at, item in enumerate(samples(source(clip, Clock(0.0)), FRAMES))}
    joined = samples(source(clip, Clock(now)), FRAMES + 5)
    assert joined[0].is_key
    assert all(item.placed and item.pts is not None for item in joined)
    places = [item.pts or 0 for item in joined]
    assert -1 <= places[0] - now * MEDIA_CLOCK <= MEDIA_CLOCK + 1, "the next key picture, a second off at most"
    assert [place % PERIOD for place in places] == [once[item.data] * STEP for item in joined]
    assert {after - before for before, after in itertools.pairwise(places)} == {STEP}


def test_who_falls_behind_leaves_out_pictures_and_keeps_step(clip: Path) -> None:
    clock = Clock(0.0)
    reader = (item for item in source(clip, clock).read() if isinstance(item, Sample))
    before = list(itertools.islice(reader, 30))
    clock.now = 7.3
    after = next(reader)
    assert before[-1].pts == 29 * STEP
    assert after.is_key
    assert after.pts == 8 * MEDIA_CLOCK


def test_a_recording_s_loop_begins_at_its_beginning(clip: Path) -> None:
    first = samples(source(clip, Clock(1234.5), realtime=False), 1)[0]
    assert (first.pts, first.placed) == (0, False)


def test_key_pictures_too_far_apart_begin_at_once(clip: Path) -> None:
    sparse = write_clip(clip.with_name("sparse.mp4"), width=64, height=48, fps=10, frames=90, key_every=90)
    first = samples(source(sparse, Clock(5.0)), 1)[0]
    assert (first.pts, first.placed) == (0, False)


def test_b_frames_keep_their_order_and_their_round() -> None:
    def stream() -> itertools.chain[StreamInfo | Sample]:
        stamps = [(0, -2), (3, -1), (1, 0), (2, 1), (6, 2), (4, 3), (5, 4)]
        info = StreamInfo("h264", 64, 48, has_b_frames=True)
        return itertools.chain(
            [info], [Sample(b"", (pts + 9) * STEP, (dts + 9) * STEP, pts in (0, 6)) for pts, dts in stamps]
        )

    once = measure(stream(), Event())
    assert once == Round(
        tuple((pts * STEP, dts * STEP) for pts, dts in [(0, -2), (3, -1), (1, 0), (2, 1), (6, 2), (4, 3), (5, 4)]),
        7 * STEP,
        6 * STEP,
    )


def test_what_cannot_be_played_is_raised_where_it_is_played(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    with pytest.raises(SourceError, match="not a video"):
        next(source(bad, Clock(0.0)).read())


def test_a_file_without_a_key_picture_is_told_and_not_read_for_ever(tmp_path: Path) -> None:
    whole, bad = write_clip(tmp_path / "whole.mkv", width=64, height=48, frames=10), tmp_path / "nokey.mkv"
    with av.open(str(whole)) as given, av.open(str(bad), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size and not packet.is_keyframe:
                packet.stream = stream
                made.mux(packet)
    with pytest.raises(SourceError, match="no key picture"):
        next(source(bad, Clock(0.0)).read())
    with pytest.raises(SourceError, match="no key picture"):
        next(FFmpegSource(Location.parse(str(bad))).read())


def test_a_stream_that_changes_its_codec_is_told(tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    parts = [
        write_clip(tmp_path / f"{codec}.ts", width=64, height=48, frames=30, codec=codec)
        for codec in ("libx264", "libx265")
    ]
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(SourceError, match="is no longer h264"):
        list(FFmpegSource(Location.parse(str(joined))).read())
