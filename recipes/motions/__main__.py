"""Make the recordings that the shipped motion node learnt from: the same from the same seed.

Example: python -m recipes.motions --into datasets/motion

Folders CLASS/PERSON/*.csv, as `touchline model train` takes them for task "motion".
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from recipes.motions.acts import ACTS, Person
from recipes.motions.chain import RATE, felt
from recipes.motions.sensor import told

_HEADING = "t,ax,ay,az,gx,gy,gz"


def main() -> None:
    """Every person does everything, several times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--times", type=int, default=3, help="recordings of each person in each class")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for person in range(given.people):
        who = Person.drawn(np.random.default_rng((given.seed, person)))
        for number, (name, act) in enumerate(ACTS.items()):
            folder = given.into / name / f"person-{person:02}"
            folder.mkdir(parents=True, exist_ok=True)
            for time in range(given.times):
                rng = np.random.default_rng((given.seed, person, number, time))
                pose = act(who, round(given.seconds * RATE), rng)
                rows = told(*felt(pose, who.upper, who.fore), rng)
                np.savetxt(folder / f"{time}.csv", rows, "%.4f", ",", header=_HEADING, comments="")


if __name__ == "__main__":
    main()
