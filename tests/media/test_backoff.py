"""How long a capture waits before it tries again: its waits are noted instead of waited for."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Generator
from threading import Event

import pytest

from touchline.media import capture as capturing
from touchline.media.capture import Capture
from touchline.media.sources import Traits
from touchline.media.timeline import Sample
from touchline.types import Packet, SourceError, StreamInfo

INFO = StreamInfo("h264", 64, 64)


class Waits(Event):
    """A stop that notes how long it was waited for, and is set after ``most`` waits."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.noted: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.noted.append(timeout)
        if len(self.noted) == self._most:
            self.set()
        return self.is_set()


class Failing:
    """A source that gives ``stamps`` (1/90,000 s), which it calls ``hook`` between, and then breaks."""

    traits = Traits()

    def __init__(self, stamps: list[int], *, retry: bool = True, hook: Callable[[], None] = lambda: None) -> None:
        self._stamps, self._retry, self._hook = stamps, retry, hook

    def read(self) -> Generator[StreamInfo | Sample]:
        for at, stamp in enumerate(self._stamps):
            if at == 0:
                yield INFO
            yield Sample(b"x", stamp, stamp, True)
        self._hook()
        raise SourceError("x", "broke", "mend it", retry=self._retry)

    def interrupt(self) -> None:
        pass


def run(
    monkeypatch: pytest.MonkeyPatch, made: Callable[[], Failing], waits: int, clock: Callable[[], float]
) -> tuple[list[float], list[Packet]]:
    """The waits of a capture of one source after another, and all packets."""
    monkeypatch.setattr(capturing, "open_source", lambda *_, **__: made())
    stop = Waits(waits)
    capture = Capture("rtsp://x", clock=clock, stop=stop, on_state=lambda state, message: None)
    packets = [item for item in capture.packets() if isinstance(item, Packet)]
    return stop.noted, packets


def test_waits_double_to_ten_seconds_and_no_two_boxes_wait_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    noted, _ = run(monkeypatch, lambda: Failing([]), 60, lambda: 0.0)
    for at, wait in enumerate(noted):
        middle = min(10.0, 0.5 * 2**at)
        assert 0.7 * middle <= wait <= 1.3 * middle
    longest = noted[10:]
    assert statistics.stdev(longest) > 0.5, "boxes of one venue would all come back at once"


def test_the_next_try_is_told_before_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capturing, "open_source", lambda *_, **__: Failing([0]))
    stop, told = Waits(2), list[float | None]()
    capture = Capture("rtsp://x", clock=lambda: 5.0, stop=stop, on_state=lambda *_: told.append(capture.retry_at))
    list(capture.packets())
    first, second = stop.noted
    assert told == [None, None, 5.0 + first, None, 5.0 + second], "connecting, live, stale, live, stale"


def test_only_the_user_can_help_so_it_is_asked_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    noted, _ = run(monkeypatch, lambda: Failing([], retry=False), 3, lambda: 0.0)
    assert all(0.7 * 30 <= wait <= 1.3 * 30 for wait in noted)


def test_after_a_connection_that_held_the_wait_is_short_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    tries = [0]

    def clock() -> float:
        if tries[0] == 7:
            now[0] += 6.0  # the seventh holds: its packets come 6 s apart
        return now[0]

    def made() -> Failing:
        tries[0] += 1
        return Failing([540_000 * at for at in range(8)] if tries[0] == 7 else [0])

    noted, _ = run(monkeypatch, made, 9, clock)
    assert all(wait >= 0.7 * min(10.0, 0.5 * 2**at) for at, wait in enumerate(noted[:6])), (
        "a moment of pictures is not good"
    )
    assert noted[6] <= 1.3 * 0.5
    assert 0.7 <= noted[7] <= 1.3


def test_time_never_goes_back_whatever_the_source_says(monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = [0, 3600, 7200, 7200, 3600, 5400, 10_800]
    noted, packets = run(monkeypatch, lambda: Failing(stamps), 2, lambda: 5.0)
    assert len(noted) == 2
    times = [packet.pts for packet in packets]
    assert len(times) == 2 * len(stamps)
    assert times == sorted(set(times))
