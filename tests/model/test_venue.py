"""Which frames of a venue are looked at, held and learnt from."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bright_square import write_square
from touchline.model.data.venue import HELD_FROM, LEARN_TO, Reader, Shot, Video, choose, find_videos, plan_shots
from touchline.types import InputError

lengths = st.lists(st.integers(40, 100_000), min_size=1, max_size=5)


@given(lengths, st.integers(4, 300))
def test_what_is_held_is_apart_in_time_from_what_is_learnt(frames: list[int], budget: int) -> None:
    shots = plan_shots([Video(Path(str(index)), count) for index, count in enumerate(frames)], budget)
    assert len({shot.name for shot in shots}) == len(shots)
    for index, count in enumerate(frames):
        mine = [shot for shot in shots if shot.video == Path(str(index))]
        for held in (False, True):
            numbers = [shot.number for shot in mine if shot.held == held]
            assert numbers == sorted(set(numbers))
            assert numbers
            assert max(numbers) < count
        assert max(shot.at for shot in mine if not shot.held) < LEARN_TO
        # Less the frame that a share of a short video's frames is rounded to.
        assert min(shot.at for shot in mine if shot.held) > HELD_FROM - 1 / count
    assert len([shot for shot in shots if not shot.held]) <= 3 * budget + len(frames)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=90), st.integers(1, 40), st.integers(1, 3))
def test_disputed_frames_come_first_and_not_in_a_row(disputed: list[int], budget: int, videos: int) -> None:
    count = len(disputed)
    shots = [Shot(f"{k}", Path(str(k % videos)), k, LEARN_TO * k / count, False) for k in range(count)]
    chosen = choose(shots, disputed, budget)
    assert len(chosen) == min(budget, count)
    assert len({shot.name for shot in chosen}) == len(chosen)
    assert chosen == sorted(chosen, key=lambda shot: shot.number)
    first = max(range(count), key=lambda k: (disputed[k], -k))
    assert shots[first] in chosen


def test_a_short_quarrel_does_not_take_the_whole_budget() -> None:
    shots = [Shot(f"{k}", Path("a"), k, LEARN_TO * k / 60, False) for k in range(60)]
    chosen = choose(shots, [9 if 20 <= k < 40 else 1 for k in range(60)], 20)
    inside = [shot for shot in chosen if 20 <= shot.number < 40]
    assert len(inside) == 10
    assert all(b.number - a.number >= 2 for a, b in itertools.pairwise(inside))


def test_videos_are_found_below_a_folder_and_what_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no videos"):
        find_videos(tmp_path)
    (tmp_path / "day").mkdir()
    long = write_square(tmp_path / "day" / "b.mp4", lambda k: k, frames=60)
    assert find_videos(tmp_path) == find_videos(long) == [Video(long, 60)]
    short = write_square(tmp_path / "a.mp4", lambda k: k, frames=10)
    with pytest.raises(InputError, match=r"a\.mp4: has only 10 frames"):
        find_videos(tmp_path)
    short.write_text("no video")
    with pytest.raises(InputError, match=r"a\.mp4: cannot be read"):
        find_videos(tmp_path)


def test_frames_are_those_of_their_numbers(tmp_path: Path) -> None:
    clip = write_square(tmp_path / "a.mp4", lambda k: 4 * k, frames=60)
    reader = Reader()
    for number in (0, 7, 8, 31, 59, 3):
        picture = reader.read(Shot("", clip, number, 0.0, False))
        assert picture is not None
        bright = (picture.mean(2) > 160).any(0).nonzero()[0]
        assert int(bright[0]) == pytest.approx(4 * number, abs=2)
    assert reader.read(Shot("", clip, 60, 0.0, False)) is None
