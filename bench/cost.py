"""What an analysed 1080p stream costs over decoding it alone, ours and others' ways.

    .venv/bin/python -m bench.cost CLIP.mp4 --detector yolox_nano.onnx [--frames 250] [--rounds 5] [--hz 5]

CLIP: H.264, 1080p. Every contestant reads it from the file, with one thread for each library and the same YOLOX
network (416×416), and tracks people:

- ``decode alone``: PyAV, nothing done with the pictures. The floor, and the unit of the table.
- ``decode alone, unfiltered``: the same without the loop filter, which analysis of packets that go through
  untouched leaves out, too. (The peers' loops cannot.)
- ``Touchline``: the frame road itself (`touchline.live.road`) over the recording, with that network at ``--hz``;
  tracks are told at every frame, smoothed with hindsight as a recording's are.
- ``Touchline, athlete``: the same with the shipped network at its own sizes (it finds the ball and roles too).
- ``Touchline, every frame``: the same parts, detecting at every frame.
- ``OpenCV loop``: VideoCapture, cvtColor to RGB, resize to 800×600, the network, ByteTrack of ``trackers``.
- ``supervision loop``: its documented one: get_video_frames_generator, the network, sv.ByteTrack.

Loading the networks, serialising facts and serving viewers are not in it (`bench.cameras` has the last two).

CPU time of the whole process. Contestants take turns, and so does the order in each round; the ratio is to the
floor of the same round, the figure their median. Prints a table and a JSON line; a missing peer is said.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import av
import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from touchline.live.job import CameraJob, Clocks, Signals
from touchline.live.pulse import Pulse
from touchline.live.road import frame_road
from touchline.types import Fact, Packet, StreamInfo
from touchline.vision.boxes import suppress, yolox
from touchline.vision.detect import load_detector

SIZE = (416, 416)
LEAST = 0.3


class Network:
    """YOLOX on a BGR picture, as a peer's user runs it: letterbox, ONNX Runtime, non-maximum suppression."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    def __call__(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """People's boxes (N, 4), px, and scores (N,)."""
        ratio = min(SIZE[0] / picture.shape[1], SIZE[1] / picture.shape[0])
        size = (round(picture.shape[1] * ratio), round(picture.shape[0] * ratio))
        canvas = np.full((*SIZE, 3), 114, np.uint8)
        canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        tensor = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
        (output,) = self.session.run(None, {self.name: tensor})
        boxes, scores, classes = yolox(np.asarray(output)[0], SIZE, (8, 16, 32), LEAST)
        people = classes == 0
        boxes, scores = boxes[people], scores[people]
        rows = suppress(boxes, scores, np.zeros(len(boxes), np.bool_), 0.6)
        return boxes[rows] / np.float32(ratio), scores[rows]


def head(clip: Path, count: int, target: Path) -> Path:
    """The first ``count`` pictures of ``clip``, as they are."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for packet in islice((each for each in source.demux(stream) if each.dts is not None), count):
            packet.stream = copy
            out.mux(packet)
    return target


def decode_alone(clip: Path, *, unfiltered: bool = False) -> int:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        if unfiltered:
            stream.codec_context.options = {"skip_loop_filter": "all"}
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


class Counted:
    """The road's end: counts the pictures whose tracks were told, as facts."""

    def __init__(self) -> None:
        self.pictures = 0

    def send(self, message: StreamInfo | Packet | Fact, /) -> None:
        self.pictures += isinstance(message, Fact) and message.kind == "tracks"


def touchline(clip: Path, model: str, hz: float) -> tuple[int, float]:
    """Pictures analysed, and the seconds of processor time that go off: for loading the network, once a camera."""
    began = time.process_time()
    load_detector(model)
    loading = time.process_time() - began
    out = Counted()
    job = CameraJob("bench", str(clip), model=model, detect_hz=hz, realtime=False)
    frame_road(
        job,
        out,
        Clocks(time.monotonic, lambda: round(time.time() * 1e3)),
        Signals(*(threading.Event() for _ in range(3))),
        Pulse(),
    )
    return out.pictures, loading


def opencv_loop(clip: Path, network: Network, trackers: ModuleType, supervision: ModuleType) -> int:
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    tracker = trackers.ByteTrackTracker(frame_rate=25)
    done = 0
    while True:
        ok, picture = capture.read()
        if not ok:
            break
        colours = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        small = cv2.resize(colours, (800, 600))
        tracker.update(detections(supervision, *network(np.ascontiguousarray(small[..., ::-1]))))
        done += 1
    capture.release()
    return done


def supervision_loop(clip: Path, network: Network, supervision: ModuleType) -> int:
    tracker, done = supervision.ByteTrack(), 0
    for picture in supervision.get_video_frames_generator(source_path=str(clip)):
        tracker.update_with_detections(detections(supervision, *network(picture)))
        done += 1
    return done


def detections(supervision: ModuleType, boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> Any:
    return supervision.Detections(xyxy=boxes, confidence=scores, class_id=np.zeros(len(boxes), int))


def installed(name: str, attribute: str, remedy: str) -> ModuleType | None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError:
        module = None
    if module is None or not hasattr(module, attribute):
        print(f"without {name}.{attribute}: pip install {remedy}")
        return None
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--detector", type=Path, required=True, help="a YOLOX .onnx of 416×416")
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hz", type=float, default=5.0)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        compare(given, Path(folder))


def compare(given: argparse.Namespace, folder: Path) -> None:
    """Run all contestants in turn and print the table."""
    clip, network = head(given.clip, given.frames, folder / "clip.mp4"), Network(given.detector)
    ours = shutil.copy(given.detector, folder / "yolox.onnx")
    ours.with_suffix(".toml").write_text(f'decode = "yolox"\nscore = {LEAST}\nlabels = {{0 = "player"}}\n')
    contestants: dict[str, Callable[[], int | tuple[int, float]]] = {
        "decode alone": lambda: decode_alone(clip),
        "decode alone, unfiltered": lambda: decode_alone(clip, unfiltered=True),
        "Touchline": lambda: touchline(clip, str(ours), given.hz),
        "Touchline, athlete": lambda: touchline(clip, "athlete", given.hz),
        "Touchline, every frame": lambda: touchline(clip, str(ours), 1e6),
    }
    trackers = installed("trackers", "ByteTrackTracker", "trackers==2.6.1")
    containers = installed("supervision", "Detections", "supervision==0.27.0")
    if trackers and containers:
        contestants["OpenCV loop"] = lambda: opencv_loop(clip, network, trackers, containers)
    documented = installed("supervision", "ByteTrack", "supervision==0.27.0 (later ones leave it to trackers)")
    if documented:
        contestants["supervision loop"] = lambda: supervision_loop(clip, network, documented)

    names = list(contestants)
    spent: dict[str, list[float]] = {name: [] for name in names}
    for number in range(given.rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.process_time()
            done = contestants[name]()
            done, off = done if isinstance(done, tuple) else (done, 0.0)
            spent[name].append(1e3 * (time.process_time() - began - off) / done)
    floor = spent["decode alone"]
    ratios = {name: median(a / b for a, b in zip(spent[name], floor, strict=True)) for name in names}
    print(f"{given.clip.name}, {given.frames} frames, {given.rounds} rounds, detection at {given.hz:g} Hz")
    print(f"{'':26}{'CPU ms a frame':>16}{'× decode alone':>16}{'from':>8}{'to':>8}")
    for name in names:
        shares = sorted(a / b for a, b in zip(spent[name], floor, strict=True))
        print(f"{name:26}{median(spent[name]):16.2f}{ratios[name]:16.2f}{shares[0]:8.2f}{shares[-1]:8.2f}")
    peers = [ratios[name] for name in names if name.endswith("loop")]
    cheaper = min(peers) / ratios["Touchline"] if peers else None
    if cheaper:
        print(f"the best peer costs {cheaper:.1f} times as much as Touchline")
    result = {name: {"ms": round(median(spent[name]), 3), "ratio": round(ratios[name], 3)} for name in names}
    print(
        json.dumps({"bench": "cost", "clip": given.clip.name, "hz": given.hz, "cost": result, "cheaper": cheaper})
    )


if __name__ == "__main__":
    main()
