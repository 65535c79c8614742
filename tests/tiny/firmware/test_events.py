"""When something begins and ends: against a slow, plain telling of the same rule."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.needs import need
from touchline.tiny import toolchain
from touchline.tiny.firmware.events import Change, Follower, Rule
from touchline.tiny.firmware.write import CSRC
from touchline.types.errors import ConfigError


def told(scores: list[int], need: int, of: int, enter: int, leave: int) -> list[tuple[int, Change]]:
    """Window by window, from lists of windows since the last change."""
    found: list[tuple[int, Change]] = []
    since, began, began_at, active = 0, 0, 0, False
    for now, score in enumerate(scores):
        recent = range(max(since, now - of + 1), now + 1)
        against = [at for at in recent if (scores[at] < leave if active else scores[at] >= enter)]
        if len(against) < need:
            continue
        first = against[0]
        if active:
            found.append((now, Change(False, now - first, max(scores[began_at : now + 1]), first - began)))
        else:
            began, began_at = first, now
            found.append((now, Change(True, now - first, score, now - first)))
        active, since = not active, now + 1
    return found


@given(
    st.lists(st.integers(-128, 127) | st.sampled_from([-20, 0, 30]), max_size=80),
    st.integers(1, 32).flatmap(lambda of: st.tuples(st.integers(1, min(of, 6)), st.just(of))),
    st.tuples(st.integers(-128, 128), st.integers(-128, 128)).map(sorted),
)
def test_it_begins_and_ends_as_the_rule_says(scores: list[int], rule: tuple[int, int], limits: list[int]) -> None:
    leave, enter = limits
    follower = Follower(*rule, enter, leave)
    changes = [(now, change) for now, score in enumerate(scores) if (change := follower.update(score))]
    assert changes == told(scores, *rule, enter, leave)
    assert [change.begins for _, change in changes] == [index % 2 == 0 for index in range(len(changes))]


def test_one_loud_window_is_no_event() -> None:
    follower = Follower(2, 3, 100, 50)
    assert not any(follower.update(score) for score in [0, 127, 0, 0, 127, 0, 0, 60, 60, 60])
    assert not follower.update(100)
    assert not follower.update(99)
    assert follower.update(100) == Change(True, 2, 100, 2), "two of three"


def test_the_c_has_its_bits(tmp_path: Path) -> None:
    compiler = need("cc")
    program = tmp_path / "events"
    files = [Path(__file__).parent / "events.c", CSRC / "touchline_events.c"]
    flags = [*toolchain.WARNINGS, *toolchain.SANITISERS, f"-I{CSRC}"]
    subprocess.run([compiler, *flags, "-o", program, *files], check=True, timeout=60)
    rng = np.random.default_rng(0)
    lines: list[str] = []
    wanted: list[str] = []
    for _ in range(300):
        of = int(rng.integers(1, 33))
        need_ = int(rng.integers(1, min(of, 5) + 1))
        leave, enter = sorted(rng.integers(-3, 5, 2).tolist())
        scores: list[int] = rng.integers(-4, 5, 60).tolist()
        follower = Follower(need_, of, enter, leave)
        lines.append(" ".join(map(str, [need_, of, enter, leave, len(scores), *scores])))
        for score in scores:
            change = follower.update(score)
            sign = 0 if change is None else 1 if change.begins else -1
            wanted.append(f"{sign} {change.back} {change.score} {change.lasted}" if change else "0")
    done = subprocess.run(
        [program], input="\n".join(lines), capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == wanted
    assert sum(line != "0" for line in wanted) > 1000


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"enter": 0.3, "leave": 0.4}, "leave 0.4 and enter 0.3"),
        ({"enter": 1.1}, "enter 1.1"),
        ({"leave": float("nan")}, "leave nan"),
        ({"need": 4, "of": 3}, "4 of 3"),
        ({"need": 0}, "0 of 3"),
        ({"need": 2, "of": 33}, "2 of 33"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(rule: dict[str, float], what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        Rule(**rule)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
