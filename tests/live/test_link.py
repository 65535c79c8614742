"""The line between worker and box: whatever goes in comes out, in any pieces; nonsense is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.live.link import Command, LinkError, Message, Report, Unpacker, pack
from touchline.types import Fact, FactJson, Packet, StreamInfo

text = st.text(max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(text, json_values, max_size=4)
finite = st.none() | st.floats(allow_nan=False, allow_infinity=False)
words = text.filter(str.isprintable)
facts = st.builds(Fact, words, words, words, st.integers(0, 2**62), objects, finite).map(FactJson.of)
messages = st.one_of(
    st.builds(Packet, st.binary(max_size=300), st.integers(-(2**63), 2**63 - 1), st.booleans()),
    facts,
    st.builds(
        StreamInfo,
        text,
        st.integers(0, 9999),
        st.integers(0, 9999),
        st.floats(0, 240),
        st.binary(max_size=50),
        text,
        st.booleans(),
        st.integers(0, 3),
        st.floats(0.25, 4),
    ),
    st.builds(Report, objects),
    st.builds(Command, text, objects),
)


def fact_message(data: bytes) -> bytes:
    return pack(FactJson("id", "cam", "tracks", 0, data))


def test_a_fact_is_written_once_and_its_bytes_come_out_as_they_went_in() -> None:
    data = '{"id":"1","note":"Zoë 🏐","x":1.50,"y" : 2}'.encode()
    [fact] = Unpacker().feed(fact_message(data))
    assert fact == FactJson("id", "cam", "tracks", 0, data)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_has_no_form_for_is_no_fact(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        FactJson.of(Fact("1", "cam", "tracks", 0, {"x": [value]}))


@pytest.mark.parametrize("forged", ["1\r\ndata: {}\r\n\r\nid: 2", "1\n", "a\0b"])
def test_a_fact_s_head_keeps_within_its_line(forged: str) -> None:
    for head in ((forged, "cam", "tracks"), ("id", forged, "tracks"), ("id", "cam", forged)):
        with pytest.raises(LinkError, match="no word"):
            Unpacker().feed(pack(FactJson(*head, 0, b'{"id":"1"}')))
    with pytest.raises(LinkError, match="no JSON object"):
        Unpacker().feed(fact_message(b"{}"))


@given(st.lists(messages, max_size=8), st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_round_trip_in_any_pieces(sent: list[Message], cuts: list[int]) -> None:
    data = b"".join(pack(message) for message in sent)
    unpacker, got, at, turn = Unpacker(), list[Message](), 0, 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        got += unpacker.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert got == sent


@given(st.binary(min_size=4, max_size=200))
def test_nonsense_is_refused_or_awaited_never_anything_else(data: bytes) -> None:
    with contextlib.suppress(LinkError):
        Unpacker().feed(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xffP",
        b"\x00\x00\x00\x02Z{",
        b"\x00\x00\x00\x02Ix",
        b"\x00\x00\x00\x02P\x00",
        b"\x00\x00\x00\x03C[]",
        b"\x00\x00\x00\x02F{",
        fact_message(b'{"a":1'),
        fact_message(b'[{"a":1}]'),
        fact_message(b'{"a":\n1}'),
        fact_message(b'{"a":\r1}'),
        (200_001).to_bytes(4, "big") + b"R" + b"[" * 200_000,
    ],
    ids=[
        "empty",
        "huge",
        "kind",
        "json",
        "short packet",
        "short command",
        "short fact",
        "cut",
        "list",
        "lines",
        "cr",
        "deep",
    ],
)
def test_bad_messages_are_refused(data: bytes) -> None:
    with pytest.raises(LinkError):
        Unpacker().feed(data)
