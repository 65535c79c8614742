"""The boxes between threads: bounded, and what is lost is counted and lost where it does no harm."""

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from touchline.live.mailbox import FrameBox, PacketBox
from touchline.types import MEDIA_CLOCK, Frame, Packet, StreamInfo

INFO = StreamInfo("h264", 64, 64)


def packet(pts: int, *, key: bool = False) -> Packet:
    return Packet(b"x", pts, key)


def frame(pts: int) -> Frame:
    return Frame(pts, np.zeros((2, 2), np.uint8), np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8))


def drain(box: PacketBox) -> list[StreamInfo | Packet]:
    box.close()
    return list(box)


@given(st.lists(st.booleans(), max_size=200))
def test_a_live_packet_box_never_leaves_a_gap_before_a_delta_packet(keys: list[bool]) -> None:
    box = PacketBox(0.2, threading.Event(), lossy=True)
    box.put(INFO)
    sent = [packet(at * 3000, key=key or at == 0) for at, key in enumerate(keys)]
    for item in sent:
        box.put(item)
    got = drain(box)
    kept = [item for item in got if isinstance(item, Packet)]
    assert INFO in got
    assert len(kept) + box.dropped == len(sent)
    for before, after in zip([None, *kept], kept, strict=False):
        position = sent.index(after)
        assert after.is_key or (before is not None and sent[position - 1] is before)


def test_a_full_live_packet_box_holds_no_more_than_its_seconds() -> None:
    box = PacketBox(1.0, threading.Event(), lossy=True)
    for at in range(330):
        box.put(packet(at * 3000, key=at % 30 == 0))
    kept = [item for item in drain(box) if isinstance(item, Packet)]
    assert kept[-1].pts - kept[0].pts <= MEDIA_CLOCK
    assert kept[-1].pts == 329 * 3000


def test_a_live_frame_box_drops_the_oldest() -> None:
    box = FrameBox(2, threading.Event(), lossy=True)
    for at in range(5):
        box.put(frame(at))
    box.close()
    assert [item.pts for item in box] == [3, 4]
    assert box.dropped == 3


def test_a_recording_s_box_makes_the_sender_wait_and_loses_nothing() -> None:
    box = FrameBox(2, threading.Event(), lossy=False)

    def send() -> None:
        for at in range(50):
            box.put(frame(at))
        box.close()

    sender = threading.Thread(target=send)
    sender.start()
    assert [item.pts for item in box] == list(range(50))
    sender.join(5)
    assert box.dropped == 0


def test_who_has_more_to_do_than_wait_is_told_that_nothing_came() -> None:
    box = FrameBox(2, threading.Event(), lossy=True)
    box.put(frame(7))
    ticks = box.ticking()
    assert next(ticks) is not None
    assert next(ticks) is None
    box.close()
    assert list(ticks) == []


def test_stop_frees_a_waiting_sender_and_receiver() -> None:
    stop = threading.Event()
    full = FrameBox(1, stop, lossy=False)
    full.put(frame(0))
    sender = threading.Thread(target=full.put, args=(frame(1),))
    receiver = threading.Thread(target=lambda: list(FrameBox(1, stop, lossy=False)))
    sender.start()
    receiver.start()
    stop.set()
    sender.join(5)
    receiver.join(5)
    assert not sender.is_alive()
    assert not receiver.is_alive()
