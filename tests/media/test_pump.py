"""The reader thread's queue: bounded, in order, and lossy only where the source sets the pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from itertools import count

import pytest

from touchline.media import capture as capturing
from touchline.media.pump import Ended, Pump
from touchline.media.sources import Traits
from touchline.media.timeline import Sample
from touchline.types import CameraState, DeviceHeld, Packet, SourceError, StreamInfo

INFO = StreamInfo("h264", 64, 64)


class Made:
    """A source of numbered samples, each ``gop``-th a key; tells when ``until`` were given to the pump."""

    def __init__(self, traits: Traits, *, samples: int, gop: int = 5, size: int = 1, fault: bool = False) -> None:
        self.traits = traits
        self.interrupted = False
        self.given = 0
        self.all_given = threading.Event()
        self._samples, self._gop, self._size, self._fault = samples, gop, size, fault

    def read(self) -> Generator[StreamInfo | Sample]:
        yield INFO
        for number in range(self._samples):
            self.given = number
            yield Sample(bytes([number]) * self._size, number, number, number % self._gop == 0)
        self.all_given.set()
        if self._fault:
            raise SourceError("x", "broke", "mend it")

    def interrupt(self) -> None:
        self.interrupted = True


def drain(pump: Pump) -> list[int]:
    numbers: list[int] = []
    while True:
        try:
            item = pump.get(5)
        except Ended:
            return numbers
        if isinstance(item, Sample):
            numbers.append(item.data[0])


def test_a_paced_source_waits_and_loses_nothing() -> None:
    source = Made(Traits(paced=True, max_packets=4), samples=50)
    with Pump(source, lambda: 0.0) as pump:
        assert not source.all_given.wait(0.3)
        assert source.given <= 4
        assert drain(pump) == list(range(50))
    assert pump.take_dropped() == 0
    assert source.interrupted


@pytest.mark.parametrize("traits", [Traits(max_packets=8), Traits(max_bytes=8)])
def test_a_live_source_is_never_held_up_and_goes_on_at_a_key(traits: Traits) -> None:
    source = Made(traits, samples=53)
    with Pump(source, lambda: 0.0) as pump:
        assert source.all_given.wait(5), "the reader was held up"
        numbers = drain(pump)
        assert pump.take_dropped() == 53 - len(numbers)
    assert numbers == [50, 51, 52]


def test_what_came_before_a_fault_is_given_first() -> None:
    with Pump(Made(Traits(), samples=3, fault=True), count(1.0).__next__) as pump:
        assert pump.get(5) == INFO
        arrivals = []
        for number in range(3):
            item = pump.get(5)
            assert isinstance(item, Sample)
            assert item.data == bytes([number])
            arrivals.append(item.arrived)
        assert arrivals == [1.0, 2.0, 3.0]
        with pytest.raises(SourceError, match="broke"):
            pump.get(5)


def test_a_fault_of_the_reader_s_own_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Stumbling(Made):
        def read(self) -> Generator[StreamInfo | Sample]:
            yield from super().read()
            raise ValueError("s3" + "cret")  # the traceback shows this line, not its outcome

    monkeypatch.setattr(capturing, "open_source", lambda *_, **__: Stumbling(Traits(), samples=1))
    monkeypatch.setattr(capturing, "FIRST_WAIT_S", 0.01)
    said: list[str] = []
    stop = threading.Event()

    def on_state(_: CameraState, message: str | None) -> None:
        said.extend([message] if message else [])

    capture = capturing.Capture("rtsp://h/x", clock=time.monotonic, stop=stop, on_state=on_state)
    for item in capture.packets():
        if isinstance(item, StreamInfo) and capture.attempts >= 2:
            stop.set()
    assert "sends what cannot be read (ValueError)" in said[0]
    printed = capfd.readouterr().err
    assert "in read" in printed
    assert "s3cret" not in printed + "".join(said)


def test_packets_that_give_no_picture_are_not_live_until_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capturing, "open_source", lambda *_, **__: Made(Traits(), samples=3))
    monkeypatch.setattr(capturing, "FIRST_WAIT_S", 0.01)
    said: list[str] = []
    stop = threading.Event()

    def on_state(state: CameraState, message: str | None) -> None:
        said.append(f"{state}: {message}")

    capture = capturing.Capture("rtsp://h/x", clock=time.monotonic, stop=stop, on_state=on_state)
    packets = (item for item in capture.packets() if isinstance(item, Packet))
    next(packets)
    assert said[-1] == "live: None"
    capture.refuse()
    next(packets)
    assert "cannot be decoded" in said[-1]
    assert said[-1].startswith("stale")
    assert capture.attempts == 1
    capture.seen()
    next(packets)
    assert said[-1] == "live: None"
    stop.set()
    list(packets)


def test_nothing_in_time_is_none() -> None:
    hold = threading.Event()

    class Waiting(Made):
        def read(self) -> Generator[StreamInfo | Sample]:
            hold.wait(10)
            yield INFO

    with Pump(Waiting(Traits(), samples=0), lambda: 0.0) as pump:
        assert pump.get(0.05) is None
        hold.set()
        assert pump.get(5) == INFO


class Hanging(Made):
    """A driver that gives one picture and then never returns."""

    def __init__(self, traits: Traits) -> None:
        super().__init__(traits, samples=1)
        self.released = threading.Event()

    def read(self) -> Generator[StreamInfo | Sample]:
        yield from super().read()
        self.released.wait(60)


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_reader_that_hangs_and_keeps_its_device_is_told(exclusive: bool) -> None:
    source = Hanging(Traits(exclusive=exclusive))
    try:
        with pytest.raises(DeviceHeld if exclusive else SourceError, match="silent"):
            leave_by_a_fault(source)
    finally:
        source.released.set()


def leave_by_a_fault(source: Hanging) -> None:
    with Pump(source, lambda: 0.0) as pump:
        assert pump.get(5) == INFO
        assert isinstance(pump.get(5), Sample)
        raise SourceError("/dev/video0", "silent", "look at it")


def test_capture_does_not_try_again_what_its_own_process_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that hangs is played by a source that does: none can be had by a test."""
    source = Hanging(Traits(exclusive=True, stale_s=0.1, give_up_s=0.3))
    monkeypatch.setattr(capturing, "open_source", lambda *_, **__: source)
    said: list[CameraState] = []
    capture = capturing.Capture(
        "0", clock=time.monotonic, stop=threading.Event(), on_state=lambda state, _: said.append(state)
    )
    try:
        with pytest.raises(DeviceHeld, match="/dev/video0: nothing has come"):
            list(capture.packets())
    finally:
        source.released.set()
    assert said == [CameraState.CONNECTING, CameraState.LIVE, CameraState.STALE]


def test_a_reader_that_has_ended_holds_nothing() -> None:
    source = Made(Traits(exclusive=True), samples=3, fault=True)
    with pytest.raises(SourceError, match="broke"), Pump(source, lambda: 0.0) as pump:
        drain(pump)
