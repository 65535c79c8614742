"""The arena's plan: nothing collides, nothing is larger than it has to be."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.tiny.memory import Buffer, Overlap, Plan, check, plan

buffers = st.lists(
    st.builds(
        lambda size, first, length, alignment: Buffer("b", size, first, first + length, alignment),
        st.integers(1, 100),
        st.integers(0, 6),
        st.integers(0, 4),
        st.sampled_from([1, 4, 8]),
    ),
    min_size=1,
    max_size=10,
)


@settings(deadline=None)
@given(buffers)
def test_a_plan_holds_and_keeps_to_its_bound(given: list[Buffer]) -> None:
    made = plan(given)
    assert check(given, (), made) == []
    busiest = max(sum(b.bytes for b in given if b.first <= step <= b.last) for step in range(12))
    assert busiest <= made.bound <= made.bytes
    assert not made.optimal or made.bound == made.bytes


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=5))
def test_what_is_called_the_least_is_the_least(given: list[tuple[int, int, int]]) -> None:
    few = [Buffer("b", size, first, first + length, 1) for size, first, length in given]
    made = plan(few)
    assert made.optimal
    least = min(_stacked([few[i] for i in order]) for order in permutations(range(len(few))))
    assert made.bytes == least


def _stacked(order: list[Buffer]) -> int:
    """Each buffer put on top of the highest of those before it that live with it, or into the first gap."""
    placed: list[tuple[Buffer, int]] = []
    for buffer in order:
        near = [(b, at) for b, at in placed if b.first <= buffer.last and buffer.first <= b.last]
        at = 0
        while any(at < start + b.bytes and start < at + buffer.bytes for b, start in near):
            at += 1
        placed.append((buffer, at))
    return max(at + b.bytes for b, at in placed)


def test_an_output_may_follow_behind_its_input() -> None:
    both = [Buffer("input", 100, 0, 1), Buffer("output", 160, 1, 1)]
    made = plan(both, [Overlap(above=0, below=1, distance=68)])
    assert check(both, [Overlap(0, 1, 68)], made) == []
    assert made.bytes == 168
    assert made.optimal


def test_a_collision_is_found() -> None:
    both = [Buffer("a", 10, 0, 1), Buffer("b", 10, 1, 2)]
    assert check(both, (), Plan((0, 8), 18, 18, True)) == ["a and b collide"]
    assert check(both, (), Plan((0, 12), 18, 18, True)) == ["b at 12 does not fit"]
