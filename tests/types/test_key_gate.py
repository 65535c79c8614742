"""What may be left out of compressed video."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from touchline.types import KeyGate


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_what_passes_leans_on_what_passed(packets: list[tuple[bool, bool]]) -> None:
    gate = KeyGate()
    former_passed = True
    for is_key, lost in packets:
        if lost:
            gate.shut()
            former_passed = False
            continue
        passes = gate.passes(is_key=is_key)
        assert passes == (is_key or former_passed)
        former_passed = passes


def test_a_stream_that_loses_nothing_passes_from_its_first_packet() -> None:
    gate = KeyGate()
    assert gate.passes(is_key=False)
