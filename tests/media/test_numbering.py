"""Numbers of decoded pictures: every picture of a stream has its own, whichever of them damage takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from touchline.media.numbering import Numbering

STEP, GROUP, COUNT = 3600, 10, 60


@given(
    st.sets(st.integers(GROUP + 5, COUNT - 1)),
    st.sets(st.integers(GROUP + 5, COUNT - 1)),
    st.integers(0, 4),
    st.integers(1, 9),
)
def test_a_number_is_the_place_in_the_recording(
    damaged: set[int], missing: set[int], held: int, first: int
) -> None:
    """Groups of ten pictures; a ``damaged`` one costs those up to the next group. What is ``missing`` left no
    packet but, on the one before, the word that something is torn. The decoder holds back ``held`` pictures, and
    gives them up at damage."""
    numbering, got, waiting = Numbering(first), dict[int, int](), list[int]()
    whole = True

    def give(keep: int) -> None:
        while len(waiting) > keep:
            at = waiting.pop(0)
            got[at] = numbering.picture(at * STEP)

    sent = [at for at in range(COUNT) if at not in missing]
    for at, following in zip(sent, [*sent[1:], COUNT], strict=True):
        numbering.packet(at * STEP, torn=following > at + 1)
        whole = whole or at % GROUP == 0
        if at in damaged:
            whole = False
            waiting.clear()
            numbering.damage()
        elif whole:
            waiting.append(at)
            give(held)
    give(0)
    numbering.end()
    assert got == {at: at + first for at in got}
    assert numbering.next <= COUNT + first
    if not missing:
        assert numbering.next == COUNT + first, "those lost at the end count"


@given(st.sets(st.integers(1, COUNT - 1)), st.integers(0, 3))
def test_packets_that_hold_no_picture_of_their_own_do_not_count(pictures: set[int], late: int) -> None:
    """Second fields, and pictures that are only referred to, in a stream that nothing has damaged."""
    numbering = Numbering()
    for at in range(COUNT + late):
        numbering.packet(at * STEP)
        if at - late in pictures:
            assert numbering.picture((at - late) * STEP) == len([one for one in pictures if one <= at - late])
    numbering.end()
    assert numbering.next == len(pictures) + 1


def test_a_pause_in_the_recording_is_no_damage() -> None:
    numbering = Numbering()
    for number, at in enumerate((0, 1, 2, 3, 50, 51), 1):
        numbering.packet(at * STEP)
        assert numbering.picture(at * STEP) == number
