"""The frame road in this process, over a square whose every place is known: what it tells, and of which moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tests.bright_square import FPS, SIDE, TOP, confidence, write_square, write_square_detector
from tests.clips import damage, write_clip
from touchline.live.job import CameraJob, Clocks, Signals
from touchline.live.pulse import Pulse
from touchline.live.road import frame_road
from touchline.media.decode import Decoder
from touchline.types import MEDIA_CLOCK, CameraState, Fact, ModelError, Packet, StreamInfo

STEP = MEDIA_CLOCK // FPS


def steadily(k: int) -> int:
    """Four px a picture, so that a picture's error is four px."""
    return 8 + 4 * k


def to_and_fro(k: int) -> int:
    """Back in its place whenever the detector looks, ten pictures later."""
    return 100 + 5 * (5 - abs(k % 10 - 5))


@dataclass
class Road:
    """One run of the road and all that came out of it. ``on_packet`` is called with the packets so far."""

    model: Path
    signals: Signals = field(
        default_factory=lambda: Signals(threading.Event(), threading.Event(), threading.Event())
    )
    pulse: Pulse = field(default_factory=Pulse)
    infos: list[StreamInfo] = field(default_factory=list[StreamInfo])
    packets: list[Packet] = field(default_factory=list[Packet])
    facts: list[Fact] = field(default_factory=list[Fact])
    on_packet: Callable[[list[Packet]], None] = lambda _: None
    hurry: float = 1.0
    """How fast time runs for analysis: to the shedder, a machine that is so many times slower."""

    def run(self, clip: Path, **job: Any) -> Road:
        began = time.monotonic()

        def media() -> float:
            passed = time.monotonic() - began
            return passed * self.hurry if threading.current_thread().name == "look" else passed

        made = CameraJob(id="court", source=str(clip), **{"model": str(self.model), **job})
        frame_road(made, self, Clocks(media, lambda: 1_700_000_000_000), self.signals, self.pulse)
        return self

    def send(self, message: StreamInfo | Packet | Fact, /) -> None:
        match message:
            case StreamInfo():
                self.infos.append(message)
            case Packet():
                self.packets.append(message)
                self.on_packet(self.packets)
            case Fact():
                self.facts.append(message)

    @property
    def seen(self) -> list[tuple[int, dict[str, Any]]]:
        """Of every ``tracks`` fact with one track: its pts and that track."""
        tracks = [(fact.pts, cast(Any, fact.data["tracks"])) for fact in self.facts if fact.kind == "tracks"]
        assert all(len(rows) <= 1 for _, rows in tracks), "there is but one square"
        return [(pts, rows[0]) for pts, rows in tracks if rows]

    def number(self, pts: int) -> int:
        """Of a live picture that passed through: its place in the clip."""
        return [packet.pts for packet in self.packets].index(pts)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_square_detector(tmp_path_factory.mktemp("model") / "square.onnx")


def test_a_recording_s_facts_are_of_their_own_moment(model: Path, tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=60)
    road = Road(model).run(clip, realtime=False, detect_hz=5)
    assert [fact.pts for fact in road.facts if fact.kind == "tracks"] == [k * STEP for k in range(60)]
    assert len(road.seen) >= 50
    for pts, track in road.seen:
        left = steadily(pts // STEP)
        assert track["box"] == pytest.approx([left, TOP, left + SIDE, TOP + SIDE], abs=1.9), pts // STEP
    assert {track["label"] for _, track in road.seen} == {"player"}


def test_a_live_picture_s_facts_are_of_its_own_moment(model: Path, tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=60)
    road = Road(model).run(clip, detect_hz=12.5)
    assert len(road.packets) == 60
    errors = [track["box"][0] - steadily(road.number(pts)) for pts, track in road.seen]
    assert len(errors) > 10
    assert abs(np.median(errors)) < 1.9, "four px are one picture"


def test_boxes_follow_the_picture_between_detections(model: Path, tmp_path: Path) -> None:
    """The detector finds the square in one place, always: that it moves, the pictures between alone can tell."""
    clip = write_square(tmp_path / "clip.mp4", to_and_fro, frames=75)
    road = Road(model).run(clip, detect_hz=2.5)
    between = [
        (track["box"][0], to_and_fro(road.number(pts))) for pts, track in road.seen if not track["detected"]
    ]
    assert len(between) > 15
    assert max(place for _, place in between) > to_and_fro(0) + 15
    assert np.mean([abs(said - place) for said, place in between]) < 3.5


def test_a_recording_s_gaps_are_filled_with_hindsight(model: Path, tmp_path: Path) -> None:
    def left(k: int) -> int | None:
        return None if 30 < k < 50 else steadily(k) // 2

    clip = write_square(tmp_path / "clip.mp4", left, frames=75)
    road = Road(model).run(clip, realtime=False, detect_hz=FPS)
    found = {pts // STEP: track for pts, track in road.seen}
    assert len({track["id"] for track in found.values()}) == 1
    for k in range(31, 50):
        assert k in found, f"nobody in picture {k}, and 20 pictures later it is known who was there"
        assert found[k]["box"][0] == pytest.approx(steadily(k) // 2, abs=3)
        assert not found[k]["detected"]


def test_hindsight_shows_who_comes_from_the_first_detection_on(model: Path, tmp_path: Path) -> None:
    """The square comes with picture 21. It is detected in the key picture, 25, and in every tenth from there."""
    clip = write_square(tmp_path / "clip.mp4", lambda k: steadily(k) if k > 20 else None, frames=60)
    road = Road(model).run(clip, realtime=False, detect_hz=2.5)
    found = {pts // STEP: track for pts, track in road.seen}
    assert sorted(found) == list(range(25, 60))
    assert [k for k, track in found.items() if track["detected"]] == [25, 35, 45, 55]
    for k in range(25, 56):
        assert found[k]["box"][0] == pytest.approx(steadily(k), abs=1.9), k
    live = Road(model).run(clip, detect_hz=2.5)
    assert min(live.number(pts) for pts, _ in live.seen) > 30, "who shows pictures at once knows no better"


def test_the_detector_looks_at_the_width_that_was_asked_for(model: Path, tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=30)
    for width in (320, 256):
        road = Road(model).run(clip, realtime=False, detect_hz=10, detect_width=width)
        assert {track["score"] for _, track in road.seen} == {confidence(width)}


def test_the_detector_runs_on_the_device_that_was_asked_for_or_not_at_all(model: Path, tmp_path: Path) -> None:
    """This build of ONNX Runtime has no CUDA; whoever names it is not given the CPU in its place."""
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=5)
    with pytest.raises(ModelError, match="has no cuda; install onnxruntime-gpu"):
        Road(model).run(clip, realtime=False, device="cuda")


@pytest.mark.parametrize(("aspect", "full", "enough"), [(Fraction(1), 960, 640), (Fraction(1, 2), 704, 288)])
def test_it_looks_no_wider_than_those_in_sight_need(
    tmp_path: Path, aspect: Fraction, full: int, enough: int
) -> None:
    """In full first and for a survey every other second, else no wider than the square in sight needs: of
    narrow pixels it takes fewer."""
    model = write_square_detector(tmp_path / "square.onnx")
    toml = model.with_suffix(".toml")
    toml.write_text(toml.read_text().replace("width = 320", "width = 960\nleast_width = 160"))
    clip = write_square(tmp_path / "clip.mp4", lambda k: 100 + k % 7, frames=70, aspect=aspect)
    road = Road(model).run(clip, realtime=False, detect_hz=10)
    scores = [track["score"] for _, track in road.seen if track["detected"]]
    assert scores[:2] == [confidence(full), confidence(enough)]
    assert set(scores) == {confidence(enough), confidence(full)}


@pytest.mark.parametrize("encoded", [False, True])
def test_what_the_shedder_gives_up_is_given_up(model: Path, tmp_path: Path, encoded: bool) -> None:
    """Rate, size and all but key pictures, in the end: viewers still get every picture, be it encoded for them."""
    clip = write_square(tmp_path / "clip.mp4", lambda k: 100 + k % 7, frames=125, key_every=5)
    step = write_step(tmp_path, "return image") if encoded else None
    road = Road(model, hurry=50).run(clip, detect_hz=5, process=step)
    assert len(road.packets) >= (115 if encoded else 125)
    assert road.pulse.read(0)["shed"] == [
        "analysis rate: 1.25 of 5 Hz",
        "analysis size: 50%",
        "analysis of all but key pictures",
    ]
    looked = [road.number(fact.pts) for fact in road.facts if fact.kind == "tracks"]
    late = [number for number in looked if number >= 100]
    assert late, "key pictures are looked at"
    assert {number % 5 for number in late} == {0}, "keys alone are looked at"
    seen = [track for pts, track in road.seen if road.number(pts) >= 50]
    assert seen[-1]["score"] == confidence(160)
    assert sum(track["detected"] for track in seen) <= len(seen) / 2, "1.25 Hz, in key pictures that come at 5 Hz"


def write_step(folder: Path, body: str) -> str:
    (folder / "step.py").write_text(f"import time\n\ndef step(image, context):\n    {body}\n")
    return f"{folder / 'step.py'}:step"


def test_the_user_s_step_is_told_the_picture_s_time(model: Path, tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=40)
    told = tmp_path / "told"
    step = write_step(tmp_path, f"open({str(told)!r}, 'a').write(f'{{context.time!r}} {{context.camera}}\\n')")
    road = Road(model).run(clip, process=step)
    lines = [line.split() for line in told.read_text().splitlines()]
    assert len(road.packets) > 20
    assert [round(float(at) * MEDIA_CLOCK) for at, _ in lines] == [packet.pts for packet in road.packets]
    assert {camera for _, camera in lines} == {"court"}


def test_a_key_picture_comes_when_asked_for_and_once(model: Path, tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=60)
    road = Road(model)

    def ask(packets: list[Packet]) -> None:
        if len(packets) == 6:
            road.signals.key.set()

    road.on_packet = ask
    road.run(clip, process=write_step(tmp_path, "return None"))
    keys = [at for at, packet in enumerate(road.packets) if packet.is_key]
    assert keys[:2] == [0, 6]
    assert not road.signals.key.is_set()
    assert len(road.packets) > 10
    assert all(road.packets[at].pts - road.packets[6].pts >= MEDIA_CLOCK for at in keys[2:]), "asked for once"


def test_pictures_too_late_to_be_shown_are_not_encoded_but_counted(model: Path, tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=60)
    road = Road(model).run(clip, process=write_step(tmp_path, "time.sleep(0.15)"))
    late = road.pulse.read(0)["pictures_late"]
    assert late > 0
    assert len(road.packets) + late <= 60


@pytest.mark.parametrize("realtime", [True, False])
def test_what_the_decoder_could_not_read_is_counted(model: Path, tmp_path: Path, realtime: bool) -> None:
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=60, key_every=15)
    whole = Road(model).run(clip, realtime=False)
    assert whole.pulse.read(0)["decode_errors"] == 0
    road = Road(model).run(damage(clip, 10, 12, 40), realtime=realtime)
    assert road.pulse.read(0)["decode_errors"] == 2, "the third is one of those that the first has cost"


def test_it_is_said_that_analysis_waits_as_long_as_it_does(model: Path, tmp_path: Path) -> None:
    road = Road(model)
    said: list[bool] = []
    road.on_packet = lambda _: said.append(road.pulse.read(0)["analysis_waits"])
    clip = write_square(tmp_path / "clip.mp4", steadily, frames=60, key_every=1000)
    road.run(damage(clip, 10))
    assert set(said) == {False, True}
    assert not said[0]
    assert road.pulse.read(0)["analysis_waits"] is False
    assert Road(model).run(damage(clip, 59), realtime=False).pulse.read(0)["analysis_waits"] is True


def test_it_is_told_when_the_source_is_tried_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = Road(model)

    def stop_when_it_failed(state: CameraState, error: str | None) -> None:
        if state is CameraState.FAILED:
            road.signals.stop.set()

    monkeypatch.setattr(road.pulse, "state", stop_when_it_failed)
    road.run(tmp_path / "no-such-file.mp4")
    assert 20 < road.pulse.read(0)["retry_at"] < 100, "where only the user can help, every half minute"


def test_burnt_in_boxes_are_in_the_picture(model: Path, tmp_path: Path) -> None:
    clip = write_square(tmp_path / "clip.mp4", lambda k: 120, frames=60)
    road = Road(model).run(clip, burn_in=True, detect_hz=FPS)
    decoder = Decoder(road.infos[0])
    pictures = {frame.pts: frame for packet in road.packets for frame in decoder.decode(packet)}
    boxes = [(pts, track["box"]) for pts, track in road.seen if pts in pictures]
    assert len(boxes) > 5
    for pts, (left, top, right, bottom) in boxes[2:]:
        colour = np.abs(pictures[pts].u.astype(int) - 128) + np.abs(pictures[pts].v.astype(int) - 128)
        middle = round((top + bottom) / 4)  # the clip is grey: where there is colour, it was drawn
        for edge in (left, right):
            assert (
                colour[middle - 8 : middle + 8, round(edge / 2) - 1 : round(edge / 2) + 2].max(axis=1).min() > 20
            )
        assert colour[middle - 8 : middle + 8, round((left + right) / 4)].max() < 12


def test_a_recording_that_changes_its_size_loses_no_picture(model: Path, tmp_path: Path) -> None:
    """Nor those that the decoder holds back for reordering, nor their place and size."""
    sizes = [(320, 180), (480, 270)]
    parts = [
        write_clip(tmp_path / f"{width}.ts", width=width, height=height, frames=30, b_frames=2)
        for width, height in sizes
    ]
    clip = tmp_path / "both.ts"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    road = Road(model).run(clip, realtime=False)
    told = [fact.data for fact in road.facts if fact.kind == "tracks"]
    assert [data["frame"] for data in told] == list(range(1, 61))
    assert [(data["width"], data["height"]) for data in told] == [sizes[0]] * 30 + [sizes[1]] * 30
    assert road.pulse.read(0)["pictures"] == 60
