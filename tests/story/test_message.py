"""What a node may send, and that nothing else gets through or breaks the parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from touchline.story.message import MAX_BYTES, Message, Refused, parse
from touchline.story.sensors import Node, Sensors
from touchline.types import Refusal
from touchline.types.factjson import FactJson

GOOD: dict[str, Any] = {"seq": 7, "t_ms": 1500, "kind": "whistle", "score": 0.9}


def encoded(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in {**GOOD, **changes}.items() if value is not ...}).encode()


def test_a_message_says_what_it_says() -> None:
    assert parse(encoded()) == Message(7, 1500.0, "whistle", 0.9, None, None, {})
    told = parse(encoded(sent_ms=1600.5, boot="a1", score=1, level_db=-20.5, loud=True, word="hé", none=None))
    assert told.sent_ms == 1600.5
    assert told.boot == "a1"
    assert told.more == {"level_db": -20.5, "loud": True, "word": "hé", "none": None}
    assert parse(encoded(kind="heartbeat", score=...)).score is None


@pytest.mark.parametrize(
    ("payload", "reason", "what"),
    [
        (b" " * (MAX_BYTES + 1), Refusal.SIZE, "1024 at most"),
        (b"", Refusal.JSON, "not JSON"),
        (b"\xff{}", Refusal.JSON, "UTF-8"),
        (b"[" * 1000, Refusal.JSON, "not JSON"),
        (b"[]", Refusal.JSON, "object"),
        (b'{"seq": NaN}', Refusal.JSON, "NaN"),
        (b'{"seq": 1, "seq": 2}', Refusal.JSON, "twice"),
        (encoded(seq=...), Refusal.FIELDS, "seq"),
        (encoded(seq=True), Refusal.FIELDS, "seq"),
        (encoded(seq=-1), Refusal.FIELDS, "seq"),
        (encoded(seq=1.5), Refusal.FIELDS, "seq"),
        (encoded(seq=2**60), Refusal.FIELDS, "seq"),
        (encoded(t_ms=...), Refusal.FIELDS, "t_ms"),
        (encoded(t_ms="1"), Refusal.FIELDS, "t_ms"),
        (encoded(t_ms=-0.5), Refusal.FIELDS, "t_ms"),
        (encoded(t_ms=1).replace(b"1,", b"1e999,"), Refusal.FIELDS, "t_ms"),
        (encoded(sent_ms=1499), Refusal.FIELDS, "sent_ms"),
        (encoded(kind=...), Refusal.FIELDS, "kind"),
        (encoded(kind="Whistle"), Refusal.FIELDS, "kind"),
        (encoded(kind="a" * 33), Refusal.FIELDS, "kind"),
        (encoded(kind="tracks"), Refusal.FIELDS, "the box's own"),
        (encoded(score=...), Refusal.FIELDS, "score"),
        (encoded(score=1.1), Refusal.FIELDS, "score"),
        (encoded(score=True), Refusal.FIELDS, "score"),
        (encoded(boot=[]), Refusal.FIELDS, "boot"),
        (encoded(camera="north"), Refusal.FIELDS, "camera"),
        (encoded(pts=1), Refusal.FIELDS, "pts"),
        (encoded(deep={"a": 1}), Refusal.FIELDS, "deep"),
        (encoded(long="x" * 201), Refusal.FIELDS, "long"),
        (encoded(half="\ud800"), Refusal.FIELDS, "half"),
        (encoded(**{f"x{index}": 1 for index in range(17)}), Refusal.FIELDS, "17 more"),
        (encoded(**{"A B": 1}), Refusal.FIELDS, "'A B'"),
    ],
)
def test_what_is_no_message_is_refused_with_its_reason(payload: bytes, reason: Refusal, what: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(payload)
    assert caught.value.reason == reason
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(["seq", "t_ms", "kind", "score", "sent_ms", "boot", "node", "word"]) | st.text(max_size=5)


@given(
    st.binary(max_size=1100)
    | st.dictionaries(NAMES, VALUES, max_size=8).map(lambda found: json.dumps({**GOOD, **found}).encode())
)
@example(b'{"seq":0,"t_ms":0,"kind":"a","score":0,"w":"\\ud83d"}')
def test_whatever_comes_is_a_fact_that_can_be_told_or_is_counted(payload: bytes) -> None:
    sensors = Sensors([Node("mic", "sound", "north")])
    fact = sensors.take("mic", payload, 5.0, 1)
    (status,) = sensors.statuses(5.0)
    assert status.facts + status.heartbeats + sum(status.refused.values()) == 1
    if fact is None:
        return
    said = json.loads(FactJson.of(fact).data)
    assert said["camera"] == "north"
    assert said["node"] == "mic"
    assert said["kind"] == fact.kind
    assert 0 <= said["media_time"] <= 5.0
