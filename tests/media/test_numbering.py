"""Numbers of decoded pictures: every picture of a stream has its own, whichever of them damage takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from touchline.media.numbering import NEAR, Numbering

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


def test_what_was_lost_between_two_streams_counts() -> None:
    """A first stream's first packets may give no picture because it was joined late, a later one's were lost."""
    for first, number in ((1, 1), (5, 7)):
        numbering = Numbering(first)
        for at in range(3):
            numbering.packet(at * STEP)
        assert numbering.picture(2 * STEP) == number


def shown(numbering: Numbering, *places: int, torn: int | None = None) -> list[int]:
    """The numbers of pictures at ``places``, each of one packet, that of ``torn`` torn."""
    numbers: list[int] = []
    for at in places:
        numbering.packet(at * STEP, torn=at == torn)
        numbers.append(numbering.picture(at * STEP))
    return numbers


def test_a_gap_counts_up_to_a_second_behind_what_is_torn() -> None:
    second = NEAR // STEP
    assert shown(Numbering(), 0, 1, 2, 3, 9, torn=2) == [1, 2, 3, 4, 10]
    edge = range(2 + second + 1)  # up to a second behind the torn one
    assert shown(Numbering(), *edge, second + 9, torn=2)[-1] == second + 10
    assert shown(Numbering(), *edge, second + 3, second + 9, torn=2)[-1] == second + 5, "a pause"


def test_a_picture_behind_a_lost_one_does_not_tell_how_far_apart_they_are() -> None:
    numbering = Numbering()
    assert shown(numbering, 0, 1, 2) == [1, 2, 3]
    numbering.packet(3 * STEP)
    numbering.damage()
    assert shown(numbering, 4, 5, 10, torn=5) == [5, 6, 11]
