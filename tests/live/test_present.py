"""What people get where they don't get the camera's own packets."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from touchline.live.job import CameraJob, Signals
from touchline.live.latest import Latest
from touchline.live.present import Presenter
from touchline.media.colour import frame_from_rgb
from touchline.media.decode import Decoder
from touchline.types import MEDIA_CLOCK, Packet, StreamInfo, Tracks


def test_a_picture_is_stepped_and_sent_once_and_a_late_one_is_counted(tmp_path: Path) -> None:
    said = tmp_path / "times"
    step = tmp_path / "my.py"
    step.write_text(
        "def process_frame(frame, context):\n"
        f"    with open({str(said)!r}, 'a') as file:\n"
        "        print(context.time, file=file)\n"
        "    return frame[:48, :32]\n"
    )
    sent: list[StreamInfo | Packet] = []
    signals = Signals(threading.Event(), threading.Event(), threading.Event())
    job = CameraJob("cam", "test:", process=f"{step}:process_frame")
    presenter = Presenter(job, sent.append, signals, Latest(Tracks.empty(("player",))))
    presenter.begin(1.0, encode=True)
    for second in range(4):
        frame = frame_from_rgb(np.full((64, 96, 3), 60, np.uint8), second * MEDIA_CLOCK)
        presenter.show(frame, late=second == 2)
    assert presenter.too_late == 1
    assert said.read_text().split() == ["0.0", "1.0", "3.0"]
    info, *packets = sent
    assert isinstance(info, StreamInfo)
    assert (info.width, info.height) == (32, 48)
    assert [packet.pts for packet in packets if isinstance(packet, Packet)] == [0, MEDIA_CLOCK, 3 * MEDIA_CLOCK]


def test_a_stream_of_another_rate_is_encoded_for_that_rate() -> None:
    sent: list[StreamInfo | Packet] = []
    signals = Signals(threading.Event(), threading.Event(), threading.Event())
    presenter = Presenter(CameraJob("cam", "test:"), sent.append, signals, Latest(Tracks.empty(("player",))))
    for at, fps in enumerate((25.0, 25.0, 50.0)):
        presenter.begin(fps, encode=True)
        presenter.show(frame_from_rgb(np.full((64, 96, 3), 60, np.uint8), at * MEDIA_CLOCK // 10))
    assert [info.fps for info in sent if isinstance(info, StreamInfo)] == [25.0, 50.0]
    assert [packet.is_key for packet in sent if isinstance(packet, Packet)] == [True, False, True]


def test_the_step_gets_square_pixels_and_viewers_what_the_step_made(tmp_path: Path) -> None:
    said = tmp_path / "said"
    step = tmp_path / "my.py"
    step.write_text(
        "import json\n"
        "def process_frame(frame, context):\n"
        f"    with open({str(said)!r}, 'w') as file:\n"
        "        json.dump([frame.shape, context.tracks.boxes.tolist()], file)\n"
    )
    boxes = np.array([[10, 20, 30, 40]], np.float32)
    one = np.ones(1)
    tracks = Tracks(
        one.astype(np.int32), boxes, one.astype(np.float32), np.zeros(1, np.int16), one > 0, ("player",)
    )
    squeezed = replace(frame_from_rgb(np.full((64, 96, 3), 60, np.uint8), 0), sample_aspect=1.5)
    for process, size in ((None, (96, 64, 1.5)), (f"{step}:process_frame", (144, 64, 1.0))):
        sent: list[StreamInfo | Packet] = []
        signals = Signals(threading.Event(), threading.Event(), threading.Event())
        presenter = Presenter(CameraJob("cam", "test:", process=process), sent.append, signals, Latest(tracks))
        presenter.begin(25.0, encode=True)
        presenter.show(squeezed)
        info = sent[0]
        assert isinstance(info, StreamInfo)
        assert (info.width, info.height, info.sample_aspect) == size
    assert json.loads(said.read_text()) == [[64, 144, 3], [[15, 20, 45, 40]]]


def test_a_step_that_fails_leaves_no_trace_in_the_picture(tmp_path: Path) -> None:
    step = tmp_path / "my.py"
    step.write_text("def process_frame(frame, context):\n    frame[:] = 255\n    raise ValueError('broken')\n")
    sent: list[StreamInfo | Packet] = []
    signals = Signals(threading.Event(), threading.Event(), threading.Event())
    job = CameraJob("cam", "test:", process=f"{step}:process_frame")
    presenter = Presenter(job, sent.append, signals, Latest(Tracks.empty(("player",))))
    presenter.begin(25.0, encode=True)
    for at in range(2):
        presenter.show(frame_from_rgb(np.full((64, 96, 3), 60, np.uint8), at * MEDIA_CLOCK // 25))
    info, *packets = sent
    assert isinstance(info, StreamInfo)
    decoder = Decoder(info)
    shown = [picture for packet in packets if isinstance(packet, Packet) for picture in decoder.decode(packet)]
    grey = frame_from_rgb(np.full((64, 96, 3), 60, np.uint8), 0).y
    assert len(shown) == 2
    for picture in shown:
        assert np.abs(picture.y.astype(int) - grey).mean() < 6
    assert len(signals.faults) == 1


def test_the_newest_tracks_stand_in_for_those_that_do_not_come() -> None:
    nobody, known = Tracks.empty(("player",)), Tracks.empty(("player", "ball"))
    latest = Latest(nobody)
    assert latest.at(0, patience=0.0) is nobody
    later = threading.Timer(0.05, latest.set, (known, 90))
    later.start()
    assert latest.at(90, patience=30.0) is known
    assert latest.at(180, patience=0.0) is known
    later.join()
