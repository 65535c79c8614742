"""What the facts of the last minutes cost the box: memory of a full log, and how long an answer holds up its loop.

    .venv/bin/python -m bench.facts [--facts 20000] [--tracks 30]

Beside it, in a process of its own, what a log of Python objects serialised at each request would cost.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from touchline.deliver.factlog import FactLog
from touchline.live.link import Unpacker, pack
from touchline.types import MEDIA_CLOCK, Fact, fact_id
from touchline.types.factjson import FactJson

PAGE = 1000
LONG_AGO = 10_000


def resident() -> float:
    """Memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def written(number: int, tracks: int) -> bytes:
    """A crowded frame's fact as its worker writes it to the line."""
    people = [
        {"id": i, "box": [100.5 + i, 200.2, 140.5 + i, 320.7], "score": 0.91, "label": "player", "detected": True}
        for i in range(tracks)
    ]
    data: dict[str, Any] = {"width": 1920, "height": 1080, "tracks": people}
    fact = Fact(fact_id(LONG_AGO + number), f"cam{number % 4}", "tracks", number * 900, data)
    return pack(FactJson.of(fact))


def arrived(data: bytes) -> FactJson:
    """The same as the box takes it off the line."""
    [fact] = Unpacker().feed(data)
    assert isinstance(fact, FactJson)
    return fact


def median_ms(what: Callable[[], object], rounds: int = 15) -> float:
    """Median time of a call, ms."""
    times: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        what()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def as_bytes(count: int, tracks: int) -> dict[str, Any]:
    log, before = FactLog(kept=count), resident()
    for number in range(count):
        log.add(arrived(written(number, tracks)))
    used = resident() - before

    def page(camera: str | None, since: str | None) -> Callable[[], object]:
        return lambda: b",".join(fact.data for fact in log.since(since, camera, (), PAGE))

    held = log.since(None, None, (), count)
    one = written(0, tracks)
    return {
        "log": "bytes",
        "held": len(held),
        "mb": round(used, 1),
        "page_ms": round(median_ms(page(None, None)), 2),
        "filtered_page_ms": round(median_ms(page("cam3", str(held[-PAGE].pts / MEDIA_CLOCK))), 2),
        "add_us": round(median_ms(lambda: log.add(arrived(one))) * 1000),
    }


def as_objects(count: int, tracks: int) -> dict[str, Any]:
    before = resident()
    facts = [json.loads(arrived(written(number, tracks)).data) for number in range(count)]
    used = resident() - before
    one = written(0, tracks)

    def page(camera: str | None, after: float) -> Callable[[], object]:
        def answer() -> object:
            chosen = [one for one in facts if one["media_time"] > after and camera in (None, one["camera"])][:PAGE]
            return json.dumps({"facts": chosen}).encode()

        return answer

    return {
        "log": "objects",
        "held": count,
        "mb": round(used, 1),
        "page_ms": round(median_ms(page(None, -1)), 2),
        "filtered_page_ms": round(median_ms(page("cam3", facts[-PAGE]["media_time"])), 2),
        "add_us": round(median_ms(lambda: json.loads(arrived(one).data)) * 1000),
    }


def main(count: int, tracks: int) -> None:
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as apart:
        rows = [apart.apply(arm, (count, tracks)) for arm in (as_objects, as_bytes)]
    print(f"{count} facts of {tracks} tracks; an answer of {PAGE}")
    print("log         held     MB   page ms   filtered page ms   add µs")
    for row in rows:
        print(
            f"{row['log']:<8} {row['held']:>7} {row['mb']:>6} {row['page_ms']:>9} {row['filtered_page_ms']:>18} "
            f"{row['add_us']:>8}"
        )
    print(json.dumps({"bench": "facts", "facts": count, "tracks": tracks, "rows": rows}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=20_000)
    parser.add_argument("--tracks", type=int, default=30)
    arguments = parser.parse_args()
    main(arguments.facts, arguments.tracks)
