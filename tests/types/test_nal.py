"""Annex B byte strings fall apart into the units they were made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from touchline.types import split_nals

UNITS = st.lists(
    st.binary(min_size=1, max_size=40).filter(lambda b: b"\0\0" not in b and b[-1:] != b"\0"), max_size=6
)


@given(UNITS, st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\0\0\1"]))
def test_splitting_gives_back_the_units(nals: list[bytes], start_code: bytes) -> None:
    assert list(split_nals(b"".join(start_code + nal for nal in nals))) == nals


@given(st.binary(max_size=200))
def test_splitting_never_fails_nor_gives_empty_units(data: bytes) -> None:
    assert all(split_nals(data))
