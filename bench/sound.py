"""How well `sound` tells apart recordings that nobody of ours made: macro F1 and a confusion matrix.

    .venv/bin/python -m bench.sound --speech fsdd/ --yamnet yamnet.tflite --classes yamnet_class_map.csv

The recordings are in Debian packages, fetched by name into a scratch folder, never installed and never kept:
sounds of games (their licences: GPL-2+; OpenSFX: CC BY 3.0, CC BY-SA 3.0 and CC0, by its authors) and of
pocketsphinx-testdata (LibriVox, public domain). What each is was decided by its name, before any model heard it;
what a name does not tell is left out. ``--speech``: the Free Spoken Digit Dataset, of which two speakers were kept
from training. Without apt-get (Debian's), `--packages` names a folder with the .deb files.

Every recording counts by at most `MOST` windows, evenly drawn, so that long music does not outweigh short
whistles. A recording's class is the one with the greatest mean score. ``--yamnet``: a peer, of whose 521 classes
some stand for ours (`PEERS`); a window's class has the greatest of their scores, `other` has all the rest.
"""

from __future__ import annotations

import argparse
import csv
import json
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bench import from_setup
from touchline.model.data.fronts import SoundFront, front_of, real, windows
from touchline.runtime import manifest, shelf
from touchline.runtime.load import load

with from_setup():
    from touchline.model.tasks.windows_metric import f1, macro_f1

RATE = 16_000
MOST = 8
CLASSES = ("whistle", "cheer", "applause", "speech", "other")
PACKAGES = (
    "tuxfootball",
    "etw-data",
    "openttd-opensfx",
    "frozen-bubble-data",
    "tuxmath-data",
    "freetennis-common",
    "pocketsphinx-testdata",
    "klettres-data",
)
FILES = (
    ("whistle", "*/tuxfootball/sound/refwhistle*.wav"),
    ("whistle", "*/etw/snd/fischio*.wav"),
    ("cheer", "*/tuxfootball/sound/crowd*.wav"),
    ("cheer", "*/etw/crowd/crowd*.wav"),
    ("cheer", "*/etw/snd/crowd.wav"),
    ("cheer", "*/tuxmath/sounds/cheer.wav"),
    ("applause", "*/frozen-bubble/snd/applause.ogg"),
    ("speech", "*/pocketsphinx/test/data/*/*.wav"),
    ("speech", "*/klettres/*/alpha/[aeiou].ogg"),
    ("speech", "*/freetennis-common/sfx/last correction.wav"),
    ("speech", "*/freetennis-common/sfx/no more corrections.wav"),
    ("other", "*/etw/music/*.wav"),
    ("other", "*/etw/arcadesnd/*.wav"),
    ("other", "*/etw/snd/cannon.wav"),
    ("other", "*/etw/snd/crash.wav"),
    ("other", "*/etw/snd/dog.wav"),
    ("other", "*/etw/snd/shoot*.wav"),
    ("other", "*/etw/snd/pass.wav"),
    ("other", "*/etw/intro/engine.wav"),
    ("other", "*/etw/intro/brake.wav"),
    ("other", "*/tuxfootball/sound/*beep.wav"),
    ("other", "*/tuxfootball/sound/kick.wav"),
    ("other", "*/tuxfootball/sound/bounce.wav"),
    ("other", "*/freetennis-common/sfx/palla*.wav"),
    ("other", "*/freetennis-common/sfx/rete.wav"),
)
"""Class and place; the first that fits counts."""
OPENSFX = {29: "applause"} | dict.fromkeys(
    [*range(4, 19), 20, 22, *range(24, 29), 33, *range(35, 41), 52, *range(54, 57), 59, 61, 66, 67, 68, 72],
    "other",
)
"""By their number in opensfx.cat, whose entries are named: 29 is an audience's applause; engines, horns, machines,
wind, animals and the like."""
PEERS = {
    "whistle": ("Whistle", "Whistling"),
    "cheer": ("Cheering", "Crowd", "Chant", "Hubbub, speech noise, speech babble", "Shout", "Children shouting"),
    "applause": ("Applause", "Clapping", "Hands"),
    "speech": (
        "Speech",
        "Child speech, kid speaking",
        "Conversation",
        "Narration, monologue",
        "Speech synthesizer",
    ),
}

Samples = NDArray[np.int16]
Judge = Callable[[Samples], NDArray[np.float64]]
"""Samples → scores by class of each window, (windows, classes)."""


@dataclass(frozen=True, slots=True)
class Recording:
    source: str
    name: str
    label: int
    samples: Samples


def fetched(folder: Path | None, work: Path) -> Path:
    """The packages' files, unpacked."""
    if folder is None:
        folder = work / "deb"
        folder.mkdir()
        command = ["apt-get", "download", "-q", *PACKAGES]
        subprocess.run(command, cwd=folder, check=True, timeout=900, capture_output=True)
    for package in PACKAGES:
        for file in folder.glob(f"{package}_*.deb"):
            command = ["dpkg-deb", "-x", str(file), str(work / "files" / package)]
            (work / "files").mkdir(exist_ok=True)
            subprocess.run(command, check=True, timeout=300)
    return work / "files"


def recordings(files: Path) -> Iterator[Recording]:
    for path in sorted(files.rglob("*")):
        package = path.relative_to(files).parts[0]
        if path.is_symlink() or not path.is_file():
            continue
        if path.name == "opensfx.cat":
            yield from opensfx(path, package)
        label = next((label for label, place in FILES if fnmatch(str(path), place)), None)
        if label is not None:
            yield Recording(package, path.name, CLASSES.index(label), decoded(path))


def opensfx(path: Path, package: str) -> Iterator[Recording]:
    """A .cat of OpenTTD's: places and lengths, then named .wav files."""
    data = path.read_bytes()
    for number, label in sorted(OPENSFX.items()):
        at, size = struct.unpack_from("<II", data, 8 * number)
        at &= 0x7FFFFFFF
        name = data[at + 1 : at + 1 + data[at]].split(b"\0")[0].decode("latin-1")
        sound = data.index(b"RIFF", at)
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(data[sound : sound + size])
            file.flush()
            yield Recording(
                package, name.split('".')[0].strip('"'), CLASSES.index(label), decoded(Path(file.name))
            )


def spoken(folder: Path, speakers: tuple[str, ...] = ("theo", "yweweler"), each: int = 30) -> Iterator[Recording]:
    for who in speakers:
        for path in sorted(folder.glob(f"*_{who}_*.wav"))[:: max(1, 500 // each)]:
            yield Recording("fsdd, held speakers", path.name, CLASSES.index("speech"), decoded(path))


def decoded(path: Path) -> Samples:
    with av.open(str(path)) as container:
        mono = av.AudioResampler("s16", "mono", RATE)
        frames = [out for frame in container.decode(audio=0) for out in mono.resample(frame)]
        frames += mono.resample(None)
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(np.int16)


def spread(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(np.int64))


def ours(model: str) -> Judge:
    artifact = manifest.read(shelf.find(model))
    assert tuple(artifact.manifest["labels"]) == CLASSES
    front = front_of(artifact.manifest["features"], model)
    assert isinstance(front, SoundFront)
    program = load(artifact.file)

    def judge(samples: Samples) -> NDArray[np.float64]:
        seen = windows(front.rows(samples), front.length, front.hop)
        chosen = real(seen[spread(len(seen))], front.zero_point)
        return np.array([program.run(np.ascontiguousarray(each[None, None]))[0][0] for each in chosen], np.float64)

    return judge


def yamnet(model: Path, names: Path) -> Judge:
    with from_setup():
        from ai_edge_litert.interpreter import Interpreter

    with names.open(encoding="utf-8", newline="") as stream:
        rows = [row["display_name"] for row in csv.DictReader(stream)]
    net = Interpreter(str(model), num_threads=1)
    net.allocate_tensors()
    (given,) = net.get_input_details()
    size = int(given["shape"][-1])
    said = next(each for each in net.get_output_details() if each["shape"][-1] == len(rows))
    named = {name: [rows.index(each) for each in theirs] for name, theirs in PEERS.items()}
    rest = [index for index in range(len(rows)) if not any(index in theirs for theirs in named.values())]

    def judge(samples: Samples) -> NDArray[np.float64]:
        padded = np.pad(samples, (0, max(0, size - len(samples))))
        starts = np.arange(0, len(padded) - size + 1, RATE // 4)
        scores: list[list[float]] = []
        for start in starts[spread(len(starts))]:
            wave = padded[start : start + size].astype(np.float32) / 32768
            net.set_tensor(given["index"], wave.reshape(given["shape"]))
            net.invoke()
            found = net.get_tensor(said["index"])[0]
            scores.append([float(found[named.get(name, rest)].max()) for name in CLASSES])
        return np.array(scores)

    return judge


def measured(judge: Judge, heard: list[Recording]) -> dict[str, Any]:
    by_window, by_recording = (np.zeros((len(CLASSES), len(CLASSES)), np.int64) for _ in range(2))
    wrong: list[str] = []
    for recording in heard:
        scores = judge(recording.samples)
        np.add.at(by_window[recording.label], scores.argmax(1), 1)
        told = int(scores.mean(0).argmax())
        by_recording[recording.label, told] += 1
        if told != recording.label:
            wrong.append(f"{CLASSES[recording.label]} as {CLASSES[told]}: {recording.source}, {recording.name}")
    return {
        "macro_f1_windows": round(macro_f1(by_window), 3),
        "macro_f1_recordings": round(macro_f1(by_recording), 3),
        "f1_recordings": dict(zip(CLASSES, np.round(f1(by_recording), 3).tolist(), strict=True)),
        "recordings": by_recording.tolist(),
        "windows": by_window.tolist(),
        "wrong": wrong,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="sound")
    parser.add_argument("--packages", type=Path, help="folder of .deb files; fetched by apt-get if left out")
    parser.add_argument("--speech", type=Path, help="recordings of the Free Spoken Digit Dataset")
    parser.add_argument("--yamnet", type=Path)
    parser.add_argument("--classes", type=Path, help="YAMNet's yamnet_class_map.csv")
    parser.add_argument("--wrong", action="store_true", help="name what was mistaken")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        heard = list(recordings(fetched(given.packages, Path(work))))
    if given.speech:
        heard += spoken(given.speech)
    judges = {"sound": ours(given.model)}
    if given.yamnet:
        judges["YAMNet"] = yamnet(given.yamnet, given.classes)
    for name, judge in judges.items():
        found = measured(judge, heard)
        both = found["macro_f1_windows"], found["macro_f1_recordings"]
        print(f"{name}: macro F1 {both[0]} of windows, {both[1]} of recordings")
        print(f"  {'is / told':10}" + "".join(f"{each:>10}" for each in CLASSES) + "        F1")
        for label, row in zip(CLASSES, found["recordings"], strict=True):
            print(
                f"  {label:10}" + "".join(f"{each:>10}" for each in row) + f"{found['f1_recordings'][label]:>10}"
            )
        if given.wrong:
            print("\n".join(f"  {each}" for each in found["wrong"]))
        print(json.dumps({"judge": name, **{key: value for key, value in found.items() if key != "wrong"}}))


if __name__ == "__main__":
    main()
