"""Our one-way SCTP against aiortc's parser and a receiver's bookkeeping."""

from __future__ import annotations

from aiortc.rtcsctptransport import DataChunk, ForwardTsnChunk, SackChunk, parse_packet, serialize_packet
from hypothesis import given
from hypothesis import strategies as st

from touchline.deliver.sctp import FRAGMENT, IN_FLIGHT, MISSING_REPORTS, STUCK, MessageLane, fragments, read_sack

WINDOW = 1 << 20


def lane(tsn: int = 5) -> MessageLane:
    return MessageLane((5000, 5001), 0xCAFE, 1, tsn)


@given(st.binary(min_size=1, max_size=4000), st.integers(0, 2**32 - 1))
def test_a_message_arrives_whole(message: bytes, tsn: int) -> None:
    chunks = []
    for packet in lane(tsn).send(fragments(message), 0.0):
        source, destination, tag, (chunk,) = parse_packet(packet)
        assert (source, destination, tag) == (5000, 5001, 0xCAFE)
        assert isinstance(chunk, DataChunk)
        assert len(packet) <= FRAGMENT + 32
        assert len(packet) % 4 == 0
        chunks.append(chunk)
    assert b"".join(c.user_data for c in chunks) == message
    assert [c.tsn for c in chunks] == [(tsn + i) % 2**32 for i in range(len(chunks))]
    assert {(c.stream_id, c.protocol) for c in chunks} == {(1, 51)}
    assert all(c.flags & 4 for c in chunks)
    assert [bool(c.flags & 2) for c in chunks] == [i == 0 for i in range(len(chunks))]
    assert [bool(c.flags & 1) for c in chunks] == [i == len(chunks) - 1 for i in range(len(chunks))]


def test_a_viewer_that_acknowledges_nothing_gets_a_bounded_amount() -> None:
    sender = lane()
    parts = fragments(bytes(1000))
    sent = sum(len(list(sender.send(parts, 0.0))) for _ in range(200))
    assert sent == IN_FLIGHT // 1000
    assert sender.dropped == 200 - sent
    sender.on_sack(sender.next_tsn - 1, WINDOW, [], 0.1)
    assert len(list(sender.send(parts, 0.1))) == 1


def test_a_closed_window_is_respected() -> None:
    sender = lane()
    sender.on_sack(4, 500, [], 0.0)
    assert list(sender.send(fragments(bytes(600)), 0.0)) == []
    assert len(list(sender.send(fragments(bytes(400)), 0.0))) == 1


def test_a_loss_is_skipped_and_not_sent_again() -> None:
    sender = lane(tsn=2**32 - 2)
    for _ in range(6):
        list(sender.send(fragments(b"fact"), 0.0))
    answers = [sender.on_sack(2**32 - 3, WINDOW, [(2, 4)], 0.1) for _ in range(MISSING_REPORTS)]
    assert answers[:-1] == [None] * (MISSING_REPORTS - 1)
    assert answers[-1] is not None
    *_, (chunk,) = parse_packet(answers[-1])
    assert isinstance(chunk, ForwardTsnChunk)
    assert chunk.cumulative_tsn == (2**32 - 3 + 4) % 2**32
    assert sender.abandoned == 4
    assert sender.on_sack(chunk.cumulative_tsn, WINDOW, [], 0.2) is None


def test_silence_gives_up_what_is_in_flight() -> None:
    sender = lane()
    list(sender.send(fragments(b"fact"), 10.0))
    assert sender.tick(10.0 + STUCK / 2) is None
    packet = sender.tick(10.1 + STUCK)
    assert packet is not None
    assert parse_packet(packet)[3][0].cumulative_tsn == 5
    assert sender.tick(20.0) is None


@given(st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), max_size=5))
def test_acknowledgements_are_read(tsn: int, gaps: list[tuple[int, int]]) -> None:
    sack = SackChunk()
    sack.cumulative_tsn, sack.advertised_rwnd, sack.gaps, sack.duplicates = tsn, 4711, gaps, []
    packet = serialize_packet(1, 2, 0xBEEF, sack)
    assert read_sack(packet, 0xBEEF) == ((tsn, 4711, gaps), True)
    assert read_sack(packet, 0xBEE0) == (None, False)
    data = DataChunk()
    data.tsn, data.stream_id, data.stream_seq, data.protocol, data.user_data = 1, 1, 0, 51, b"hello"
    assert read_sack(packet + bytes(data), 0xBEEF) == ((tsn, 4711, gaps), False)
    assert read_sack(serialize_packet(1, 2, 0xBEEF, data), 0xBEEF) == (None, False)


@given(st.binary(max_size=100))
def test_garbage_is_no_acknowledgement(data: bytes) -> None:
    read_sack(data, 0)
    read_sack(bytes(12) + data, 0)
