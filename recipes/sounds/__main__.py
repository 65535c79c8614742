"""Make the data set of recipes/sound.toml: OUT/CLASS/GROUP/NUMBER.wav, 2 s each, the same from the same seed.

Example: python -m recipes.sounds --speech fsdd --speech speech --out ../datasets/sound

Nothing of it is recorded but speech: `--speech` folders hold .wav, .flac or .ogg files, of a speaker each, or
named DIGIT_SPEAKER_TAKE.wav as the Free Spoken Digit Dataset's are. ``--without`` leaves speakers out, to measure
with.
"""

from __future__ import annotations

import argparse
import shutil
import zlib
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from recipes.sounds import crowd, speech
from recipes.sounds.basics import RATE, Rng, Sound, channel, decibels, in_parts, level, room
from recipes.sounds.other import KINDS, background
from recipes.sounds.whistle import blasts, some_whistle

SECONDS = 2
MOST = 50
CROWDS = 4
TAKES = 10


def rng_of(seed: int, *names: object) -> Rng:
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])


def heard(rng: Rng, sound: Sound, least: float, behind: Sound, parts: float = 0.3) -> Sound:
    """In its place, by a microphone, ``least`` dB or more above what is ``behind``; ``parts``:
    how often in pieces."""
    if rng.random() < parts:
        sound = in_parts(rng, sound)
    placed = room(rng, sound)
    strength = level(placed[np.abs(placed) > 0.1 * np.abs(placed).max()])
    mixed = placed / strength + behind / level(behind) * decibels(-rng.uniform(least, MOST))
    return channel(rng, mixed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--speech", type=Path, action="append", default=[])
    parser.add_argument("--without", nargs="*", default=["theo", "yweweler"])
    parser.add_argument("--groups", type=int, default=90, help=f"of {TAKES} recordings, in each class")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    n, seed = SECONDS * RATE, given.seed
    people = speech.speakers(given.speech, tuple(given.without))
    if shutil.which("espeak-ng"):
        people |= dict(speech.synthesised(rng_of(seed, "espeak")))
    if not people:
        parser.error("no speech: give --speech folders, or install espeak-ng")

    def write(label: str, group: str, take: int, sound: Sound) -> None:
        place = given.out / label / group
        place.mkdir(parents=True, exist_ok=True)
        samples = np.clip(np.round(sound * 32767), -32768, 32767).astype(np.int16)
        wavfile.write(place / f"{take:03}.wav", RATE, samples)

    names = sorted(people)
    # As many voices of a speaker who said little as of one who said much.
    each = [people[who][take % len(people[who])] for who in names for take in range(40)]
    crowds = [crowd.Crowd(rng_of(seed, "crowd", number), each) for number in range(CROWDS)]
    for number in range(given.groups):
        whistle = some_whistle(rng_of(seed, "whistle", number))
        for take in range(TAKES):
            people_there = crowds[number % CROWDS]
            rng = rng_of(seed, "whistle", number, take)
            behind = people_there.cheering(rng, n) if rng.random() < 0.35 else background(rng, n)
            write("whistle", f"whistle-{number}", take, heard(rng, blasts(rng, whistle, n), -4, behind))
            rng = rng_of(seed, "cheer", number, take)
            cheers = people_there.cheering(rng, n)
            write("cheer", f"cheer-{number}", take, heard(rng, cheers, 3, background(rng, n), 0.1))
            rng = rng_of(seed, "applause", number, take)
            hands = people_there.applause(rng, n)
            write("applause", f"applause-{number}", take, heard(rng, hands, 3, background(rng, n), 0))
            rng = rng_of(seed, "other", number, take)
            sound = KINDS[list(KINDS)[(number * TAKES + take) % len(KINDS)]](rng, n)
            if rng.random() < 0.25:
                more = KINDS[str(rng.choice(list(KINDS)))](rng, n)
                sound = sound / level(sound) + more / level(more) * decibels(rng.uniform(-15, 0))
            write("other", f"other-{number}", take, heard(rng, sound, 0, background(rng, n)))
            rng = rng_of(seed, "speech", number, take)
            # As much by each speaker, whatever there is of each; so each is in one group alone.
            who = names[(number * TAKES + take) % len(names)]
            said = speech.talk(rng, people[who], n)
            write("speech", who, number * TAKES + take, heard(rng, said, 3, background(rng, n)))


if __name__ == "__main__":
    main()
