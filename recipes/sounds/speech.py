"""Speech: recordings of people, and a synthesiser's voices for variety (never to measure with)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from scipy.signal import resample_poly

from recipes.sounds.basics import RATE, Rng, Sound, level
from touchline.model.data.recordings import read_wav

LANGUAGES = (
    "en-us",
    "en-gb",
    "de",
    "fr-fr",
    "es",
    "it",
    "pt-br",
    "pl",
    "sv",
    "ru",
    "tr",
    "nl",
    "cs",
    "fi",
    "el",
    "ro",
)
WORDS = (
    "the referee looks at his watch and lets them go on for a little while",
    "substitution for the home team number seven leaves the field",
    "come on pass it over here quickly behind you well done",
    "attention please the owner of the red car is asked to move it",
    "uno dos tres quatro la partita comincia alle otto",
    "guten abend meine damen und herren herzlich willkommen",
    "goal kick corner throw in offside free kick penalty",
)


def read(path: Path) -> Sound:
    """Any recording FFmpeg reads, at `RATE`."""
    if path.suffix == ".wav":
        return read_wav(path, RATE) / 32768
    with av.open(str(path)) as container:
        mono = av.AudioResampler("s16", "mono", RATE)
        frames = [out for frame in container.decode(audio=0) for out in mono.resample(frame)]
        frames += mono.resample(None)
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]) / 32768


def speakers(folders: list[Path], without: tuple[str, ...]) -> dict[str, list[Sound]]:
    """By speaker, what each says: of names like ``7_theo_12.wav`` by the second part, else a file is a speaker."""
    found: dict[str, list[Sound]] = {}
    for folder in folders:
        for path in sorted([*folder.glob("*.wav"), *folder.glob("*.flac"), *folder.glob("*.ogg")]):
            parts = path.stem.split("_")
            who = parts[1] if len(parts) == 3 and parts[0].isdigit() else path.stem
            if who not in without:
                found.setdefault(who, []).append(read(path))
    return found


def synthesised(rng: Rng) -> Iterator[tuple[str, list[Sound]]]:
    """espeak-ng's voices, if it is installed (Debian: espeak-ng)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.wav"
        for number, language in enumerate(LANGUAGES):
            voice = f"{language}+{'f' if number % 2 else 'm'}{1 + number % 4}"
            said: list[Sound] = []
            for text in WORDS:
                speed, pitch = int(rng.integers(120, 220)), int(rng.integers(15, 85))
                command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(file), text]
                subprocess.run(command, check=True, timeout=60, capture_output=True)
                said.append(read(file))
            yield f"espeak-{language}", said


def talk(rng: Rng, said: list[Sound], n: int) -> Sound:
    """Words one after another with short gaps, now and then by a higher or deeper voice."""
    sound = np.zeros(n)
    at = int(rng.uniform(0, 0.15) * RATE)
    if rng.random() < 0.6:
        up, down = [(9, 10), (10, 9), (7, 8), (8, 7), (11, 10), (10, 11)][int(rng.integers(6))]
    else:
        up = down = 1
    while at < n - RATE // 20:
        one = said[int(rng.integers(len(said)))]
        if len(one) > 2 * n:
            start = int(rng.integers(len(one) - 2 * n))
            one = one[start : start + 2 * n]
        one = resample_poly(one, up, down) if up != down else one
        loud = np.flatnonzero(np.abs(one) > 0.05 * np.abs(one).max())
        if len(loud) > RATE // 20:
            one = one[loud[0] : loud[-1]]
        one = one[: n - at]
        sound[at : at + len(one)] += one / level(one) * rng.uniform(0.7, 1.2)
        at += len(one) + int(rng.uniform(0.02, 0.3) * RATE)
    return sound
