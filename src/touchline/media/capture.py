"""Any source → packets on the box's clock, connected again for ever.

What is told while it runs (`CameraState`)::

    connecting ──first packet──→ live ──nothing comes for 3 s, or the connection ends──→ stale
         └─────cannot be opened────→ failed ←──────cannot be opened again───────────────────┘

From stale and failed the first packet leads back to live. In between it waits: 0.5 s, doubling to 10 s, with
jitter, or 30 s where only the user can help (a wrong password, a file that is no video).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator

from touchline.media.pump import Broken, Ended, Pump
from touchline.media.sources import Location, Source, Traits, faults, open_source
from touchline.media.timeline import FileTimeline, LiveTimeline, PacedTimeline, Sample
from touchline.types import CameraState, Packet, SourceError, StreamInfo

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0
USER_WAIT_S = 30.0
STEADY_S = 10.0
"""A connection that held for so long was a good one: the next wait is short again."""
POLL_S = 0.2


class Capture:
    """Reads ``source``: a file, a camera's number, a URL or ``test:``.

    ``clock`` gives seconds of the box's media time, rising. ``stop`` ends everything within a second.
    ``on_state`` is called at each change of state, in the thread that takes the packets, with a line for
    the user where something is wrong. ``loop`` plays a file again and again without a seam.

    With ``realtime`` a file is played at its own pace and ends `packets` when it ends, as stale; all else goes on
    until ``stop``, and faults are told and tried again; all but `DeviceHeld`, which is raised, for only the
    process's end cures it. Without, packets come as fast as they are taken with the source's own time from 0,
    and a fault raises `SourceError`.

    ``dropped``: packets that were not taken in time. ``attempts``: how often it was tried again.
    ``reconnects``: how often packets came again over a new connection. ``retry_at``: when the next try is due,
    or was if it runs, on ``clock``; None while none is to come.
    """

    def __init__(
        self,
        source: str,
        *,
        clock: Callable[[], float],
        stop: threading.Event,
        on_state: Callable[[CameraState, str | None], None],
        loop: bool = False,
        realtime: bool = True,
    ) -> None:
        self.dropped = self.attempts = self.reconnects = 0
        self.retry_at: float | None = None
        self._text = source
        self._clock = clock
        self._stop = stop
        self._on_state = on_state
        self._loop = loop
        self._realtime = realtime
        self._told: tuple[CameraState, str | None] | None = None
        self._last_pts: int | None = None
        self._refused = self._doubted = False
        self._came = self._steady = False

    def seen(self) -> None:
        """Pictures came of the packets. To be called by any thread."""
        self._refused = self._doubted = False

    def refuse(self) -> None:
        """No picture comes of the packets: connect again. To be called by any thread. The source is not live
        until its pictures were `seen`."""
        self._refused = self._doubted = True

    def packets(self) -> Iterator[StreamInfo | Packet]:
        """A `StreamInfo` at each connect and change of format, and the packets after it."""
        self._tell(CameraState.CONNECTING, None)
        if not self._realtime:
            yield from self._recording()
            return
        failures = 0
        while not self._stop.is_set():
            self._came = self._steady = False
            try:
                yield from self._connection()
            except SourceError as error:
                failures = 0 if self._steady else failures
                wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**failures) if error.retry else USER_WAIT_S
                wait *= random.uniform(0.7, 1.3)  # noqa: S311 - jitter, not a secret
                failures = min(failures + 1, 10)
                state = CameraState.STALE if self._came else CameraState.FAILED
                self._tell(state, str(error), retry_at=self._clock() + wait)
            else:
                return
            self._stop.wait(wait)
            self.attempts += 1

    def _recording(self) -> Iterator[StreamInfo | Packet]:
        timeline = FileTimeline()
        reorders = False
        reader = self._open(Location.parse(self._text)).read()
        try:
            for item in reader:
                if self._stop.is_set():
                    return
                if isinstance(item, StreamInfo):
                    reorders = item.has_b_frames
                    yield item
                    continue
                self._tell(CameraState.LIVE, None)
                yield Packet(item.data, timeline.place(item, reorders=reorders), item.is_key, item.torn)
        finally:
            reader.close()

    def _connection(self) -> Iterator[StreamInfo | Packet]:
        """One connection, from opening to its end. Returns when stopped or finished; raises `SourceError`
        where another try is due."""
        location = Location.parse(self._text)
        source = self._open(location)
        traits = source.traits
        live = LiveTimeline()
        paced = PacedTimeline(tolerance=traits.late_s, live=not traits.ends)
        reorders, interval = False, 0.0
        began = heard = self._clock()
        first: float | None = None
        with Pump(source, self._clock) as pump:
            while not self._stop.is_set():
                if self._refused:
                    self._refused = self._steady = False
                    raise faults.undecodable(location)
                try:
                    item = pump.get(POLL_S)
                except Broken as error:
                    raise faults.broken(location, error.cause) from error
                except Ended:
                    if traits.ends:
                        self._tell(CameraState.STALE, str(faults.finished(location)))
                        return
                    raise faults.ended(location) from None
                now = self._clock()
                if item is None:
                    if first is None and now - began > traits.open_s:
                        raise faults.too_slow(location, traits.open_s)
                    if first is not None:
                        self._watch(location, traits, now - heard, interval)
                    continue
                heard = now
                if isinstance(item, StreamInfo):
                    reorders, interval = item.has_b_frames, 1 / item.fps if item.fps else 0.0
                    yield item
                    continue
                if traits.paced:
                    pts, due = paced.place(item, now, reorders=reorders)
                    if self._stop.wait(max(0.0, due - now)):
                        return
                    heard = self._clock()
                else:
                    pts = live.place(item, reorders=reorders)
                first = heard if first is None else first
                self.reconnects += not self._came and self._last_pts is not None
                self._came, self._steady = True, heard - first > STEADY_S
                if not self._doubted:
                    self._tell(CameraState.LIVE, None)
                yield self._packet(item, pts, reorders=reorders)
                self.dropped += pump.take_dropped()

    def _watch(self, location: Location, traits: Traits, silent: float, interval: float) -> None:
        """Notice that a live source was ``silent`` for too long, given its pictures' ``interval`` (both s)."""
        if silent > max(traits.give_up_s, 3 * interval):
            raise faults.frozen(location, silent)
        if silent > max(traits.stale_s, 3 * interval):
            self._tell(CameraState.STALE, str(faults.frozen(location, traits.stale_s)))

    def _packet(self, sample: Sample, pts: int, *, reorders: bool) -> Packet:
        """``sample`` at ``pts``, or just after the last where that would not rise."""
        if not reorders and self._last_pts is not None:
            pts = max(pts, self._last_pts + 1)
        self._last_pts = pts if self._last_pts is None else max(pts, self._last_pts)
        return Packet(sample.data, pts, sample.is_key, sample.torn)

    def _open(self, location: Location) -> Source:
        return open_source(location, loop=self._loop, realtime=self._realtime, clock=self._clock, stop=self._stop)

    def _tell(self, state: CameraState, message: str | None, *, retry_at: float | None = None) -> None:
        self.retry_at = retry_at
        if self._told != (state, message):
            self._told = (state, message)
            self._on_state(state, message)
