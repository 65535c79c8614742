"""The log of facts: what it holds, in which order it tells it, and who may listen."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.deliver.factlog import LISTENER_QUEUE, LISTENERS, FactLog
from touchline.types import Fact, InputError, fact_id
from touchline.types.factjson import FactJson


def told(number: int, camera: str = "north", kind: str = "tracks", size: int = 0) -> FactJson:
    return FactJson.of(Fact(fact_id(number), camera, kind, number * 3600, {"n": number, "text": "x" * size}))


def numbers(facts: list[FactJson]) -> list[int]:
    return [json.loads(fact.data)["n"] for fact in facts]


def test_a_fact_is_serialised_once_for_all_its_ways() -> None:
    fact = Fact(fact_id(1), "north", "tracks", 90_000, {"n": "å\n\u2028", "type": "mine", "id": "mine"})
    once = FactJson.of(fact)
    public = fact.to_json()
    assert public["id"] == fact.id, "data hides nothing of the fact's own"
    assert json.loads(once.data) == public
    assert json.loads(once.message()) == {**public, "type": "fact", "pts": 90_000}
    lines = once.event().decode().split("\r\n")
    assert lines[0] == f"id: {fact.id}"
    assert json.loads(lines[1].removeprefix("data: ")) == public
    assert lines[2:] == ["", ""]


def test_what_json_has_no_form_for_is_no_fact() -> None:
    with pytest.raises(ValueError, match="JSON"):
        FactJson.of(Fact("a", "north", "tracks", 0, {"x": float("nan")}))


def test_it_is_bounded_in_facts_and_in_bytes() -> None:
    few, small = FactLog(kept=10), FactLog(kept_bytes=20_000)
    for number in range(100):
        few.add(told(number))
        small.add(told(number, size=1000))
    assert numbers(few.since(None, None, (), 1000)) == list(range(90, 100))
    kept = small.since(None, None, (), 1000)
    assert 10 < len(kept) < 20
    assert sum(len(fact.data) for fact in kept) <= 20_000
    assert numbers(kept)[-1] == 99


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["tracks", "ball"]), st.booleans()), max_size=60),
    st.integers(1, 7),
    st.sampled_from(["a", "b", None]),
    st.sampled_from([(), ("ball",), ("ball", "tracks")]),
)
def test_pages_give_every_fact_once_while_new_ones_come(
    coming: list[tuple[str, str, bool]], limit: int, camera: str | None, kinds: tuple[str, ...]
) -> None:
    """Ids of one millisecond sort anyhow; pages follow the log's order, not theirs."""
    log, wanted, found = FactLog(), list[str](), list[FactJson]()
    for number, (of, kind, reads) in enumerate(coming):
        fact = FactJson.of(Fact(fact_id(0), of, kind, number % 5, {"n": number}))
        log.add(fact)
        if camera in (None, of) and (not kinds or kind in kinds):
            wanted.append(fact.id)
        if reads:
            found += log.since(found[-1].id if found else None, camera, kinds, limit)
    while page := log.since(found[-1].id if found else None, camera, kinds, limit):
        found += page
    assert [fact.id for fact in found] == wanted


def test_after_an_id_that_is_gone_all_that_is_held_comes() -> None:
    log = FactLog(kept=5)
    # Of one millisecond: the id that is gone may well sort after those that came later.
    facts = [FactJson.of(Fact(fact_id(0), "north", "tracks", number, {"n": number})) for number in range(9)]
    for fact in facts:
        log.add(fact)
    for gone in facts[:4]:
        assert numbers(log.since(gone.id, None, (), 100)) == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("cursor", ["", "nan", "inf", "-inf", "now", "x" * 1000, "'; --", "٣x"])
def test_a_cursor_that_is_none_is_refused_in_one_short_line(cursor: str) -> None:
    with pytest.raises(InputError, match="since=") as refused:
        FactLog().since(cursor, None, (), 1)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_listeners_are_bounded_and_a_slow_one_loses_its_oldest() -> None:
    async def run() -> None:
        log = FactLog()
        places = [log.listening() for _ in range(LISTENERS)]
        streams = [place.__enter__() for place in places]
        assert all(stream is not None for stream in streams)
        with log.listening() as none:
            assert none is None
        for number in range(LISTENER_QUEUE + 10):
            log.add(told(number))
        slow = streams[0]
        assert slow is not None
        assert json.loads((await anext(slow)).data)["n"] == 10
        assert log.lost_by_listeners == 10 * LISTENERS
        for place in places:
            place.__exit__(None, None, None)
        assert log.listeners == 0

    asyncio.run(run())


def test_who_comes_back_hears_what_it_missed() -> None:
    async def run() -> None:
        log = FactLog()
        facts = [told(number) for number in range(5)]
        for fact in facts[:4]:
            log.add(fact)
        with log.listening(facts[1].id) as stream:
            assert stream is not None
            log.add(facts[4])
            assert [(await anext(stream)).id for _ in range(3)] == [fact.id for fact in facts[2:]]
        log.close()

    asyncio.run(run())
