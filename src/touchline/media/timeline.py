"""A source's own time stamps → the box's media time. Pure: time is passed in.

All stamps are in 1/90,000 s. A stamp orders packets as they are decoded (dts, else pts).
"""

from __future__ import annotations

from dataclasses import dataclass

from touchline.types import MEDIA_CLOCK

DRIFT = MEDIA_CLOCK // 2
"""The two clocks may differ by this much before they are set equal again."""
SMALL_DRIFT = MEDIA_CLOCK // 20
"""Packets that are late by less are left alone; between the two the offset slides."""
SETTLING = 2 * MEDIA_CLOCK
"""After a connect servers send what they have cached faster than real time; so long the offset follows."""
WINDOW = 2 * MEDIA_CLOCK
"""A source counts as late only if each packet for so long was."""
LONGEST_GAP = 10 * MEDIA_CLOCK
"""A longer step forward in a recording is a fault of its time stamps."""
SHORTEST_HOLD = MEDIA_CLOCK
HELD_PICTURES = 17
"""No decoder of H.264 or H.265 holds back more than 16 pictures (their annexes A)."""
MAX_FAULTS = 8
"""So many faults in a row are none: the stream means what it says."""
LEAD_WINDOW = 20 * MEDIA_CLOCK
SLIDE_DIVISOR = 50
"""The offset slides by 1/50 of the time that passes: nobody sees 2 %."""
EARLY_DIVISOR = 8
"""Where a packet is from the future, by 1/8: that cannot be, and whoever was held up has caught up again."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit as the source gave it. ``pts`` and ``dts`` in 1/90,000 s of the source's clock, None
    where it does not say. ``arrived``: seconds on the box's clock when it was read. ``placed``: its stamps are
    media time already. ``torn``: as of `Packet`."""

    data: bytes
    pts: int | None
    dts: int | None
    is_key: bool
    arrived: float = 0.0
    placed: bool = False
    torn: bool = False


class _Held:
    """How long pictures are held between decoding and showing, in streams that say both times.

    A time of showing that is far from the last one's distance is a fault: taken for true, one alone would put
    its picture hours ahead of all that follow.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._last_dts = 0
        self._longest = SHORTEST_HOLD
        self._faults = 0

    def pts(self, sample: Sample, stamp: int) -> int:
        """When ``sample``, whose ``stamp`` orders it, is shown."""
        if sample.pts is None or sample.dts is None:
            return stamp if sample.pts is None else sample.pts
        held, step = sample.pts - sample.dts, sample.dts - self._last_dts
        self._last_dts = sample.dts
        if 0 < step <= LONGEST_GAP:
            self._longest = max(SHORTEST_HOLD, HELD_PICTURES * step)
        if abs(held - (self._last or 0)) <= self._longest or self._faults >= MAX_FAULTS:
            self._last, self._faults = held, 0
            return sample.pts
        self._faults += 1
        return stamp + (self._last or 0)


class LiveTimeline:
    """For a source that sets its own pace: a packet is from now, less what the way here took.

    The first packet is at its arrival. Then the source's stamps count, bent so that the quickest packets are
    neither from the future nor more than `DRIFT` late: media time is a rising function of the source's pts,
    so pictures that are decoded in another order than shown keep their places.
    """

    def __init__(self) -> None:
        self._bend: _Bend | None = None
        self._last_stamp = 0
        self._highest = 0
        self._last = 0
        self._settled = 0
        self._window_end = 0
        self._least_late = 0
        self._late = 0
        self._held = _Held()

    def place(self, sample: Sample, *, reorders: bool) -> int:
        """The media time of ``sample``; rising from packet to packet unless ``reorders``."""
        now = round(sample.arrived * MEDIA_CLOCK)
        stamp = sample.dts if sample.dts is not None else sample.pts
        if stamp is None:
            self._last = max(self._last + 1, now)
            return self._last
        pts = self._held.pts(sample, stamp) if reorders else stamp
        step = stamp - self._last_stamp
        # Without dts a reordered stream's stamps go back a little, and rightly so.
        least_step = 1 - MEDIA_CLOCK if reorders and sample.dts is None else 1
        late = 0 if self._bend is None else now - self._bend.eventually(stamp)
        leaps = step < least_step or (step > MEDIA_CLOCK and late < -DRIFT)
        if self._bend is None or leaps:
            if self._bend is None:
                self._settled = now + SETTLING
            start = max(now, self._last + 1 - (pts - stamp))
            self._bend = _Bend(stamp, start)
            self._highest = pts
            self._start_window(now)
        else:
            self._correct(self._bend, late, step, now, slowly=reorders)
        self._last_stamp = stamp
        self._highest = max(self._highest, pts)
        placed = self._bend.at(pts)
        if not reorders:
            placed = max(placed, self._last + 1)
        self._last = max(self._last, placed)
        return placed

    def _correct(self, bend: _Bend, late: int, step: int, now: int, *, slowly: bool) -> None:
        self._least_late = min(self._least_late, late)
        if now >= self._window_end:
            self._late = self._least_late
            self._start_window(now)
        slide = max(0, step) // SLIDE_DIVISOR
        if late < -DRIFT or (late < 0 and now < self._settled):
            bend.shorten(self._highest, -late, slowly=slowly)
            self._start_window(now)
        elif self._late > DRIFT:
            bend.lengthen(self._highest, self._late)
            self._late = 0
            self._start_window(now)
        elif late < 0:
            bend.shorten(self._highest, min(-late, max(0, step) // EARLY_DIVISOR), slowly=True)
        elif self._late > SMALL_DRIFT:
            bend.lengthen(self._highest, min(self._late, slide))
            self._late -= min(self._late, slide)

    def _start_window(self, now: int) -> None:
        self._window_end = now + WINDOW
        self._least_late = 1 << 62
        self._late = 0 if now < self._settled else self._late


class _Bend:
    """A rising, piecewise straight function of slope 1 but where it is bent, which is ahead of all that it was
    asked for. Begins with ``x`` at ``y``."""

    def __init__(self, x: int, y: int) -> None:
        self._points = [(x, y)]

    def eventually(self, x: int) -> int:
        """What the function would be at ``x`` with all its bends behind it."""
        last = self._points[-1]
        return last[1] + x - last[0]

    def at(self, x: int) -> int:
        """The function's value."""
        right = self._points[-1]
        if x >= right[0]:
            return right[1] + x - right[0]
        for left in reversed(self._points[:-1]):
            if x >= left[0]:
                return left[1] + (x - left[0]) * (right[1] - left[1]) // (right[0] - left[0])
            right = left
        return right[1] + x - right[0]

    def shorten(self, x: int, by: int, *, slowly: bool) -> None:
        """Have everything ``by`` earlier from some time after ``x`` and the last bend on: almost at once, or
        ``slowly``, so that pictures in between stay apart."""
        self._add(x, length := max(by + 1, by * 8 // 7 if slowly else 0), length - by)

    def lengthen(self, x: int, by: int) -> None:
        """Have everything after ``x`` and the last bend later by ``by``."""
        self._add(x, 1, 1 + by)

    def _add(self, x: int, along: int, up: int) -> None:
        x = max(x, self._points[-1][0])
        y = self.at(x)
        self._points += [(x, y), (x + along, y + up)]
        # Nobody asks for what is longer ago than any reordering.
        while len(self._points) > 2 and self._points[1][0] < x - 2 * MEDIA_CLOCK:
            del self._points[0]


class PacedTimeline:
    """For a source that can be read ahead (a file, HLS): a packet is due when its time stamp says.

    The first packet is due at once. A packet that comes more than ``tolerance`` seconds after it was due
    moves all after it; stamps that repeat, go back or leap go on one picture after the last. With
    ``live`` a reserve that is never used up is slid away, so that delay does not grow.
    """

    def __init__(self, *, tolerance: float = 0.5, live: bool = False) -> None:
        self._tolerance = round(tolerance * MEDIA_CLOCK)
        self._live = live
        self._offset: int | None = None
        self._last_stamp = 0
        self._last = 0
        self._step = MEDIA_CLOCK // 25
        self._window_end = 0
        self._least_lead = 1 << 62
        self._excess = 0
        self._held = _Held()

    def place(self, sample: Sample, now: float, *, reorders: bool) -> tuple[int, float]:
        """The media time of ``sample`` and the second of the box's clock at which it is due."""
        ticks = round(now * MEDIA_CLOCK)
        stamp = sample.dts if sample.dts is not None else sample.pts
        if stamp is None:
            stamp = self._last_stamp + self._step
        if sample.placed:
            return stamp if sample.pts is None else sample.pts, stamp / MEDIA_CLOCK
        may_move = sample.is_key or not reorders
        if self._offset is None:
            self._offset = ticks - stamp
            self._window_end = ticks + LEAD_WINDOW
        else:
            step = stamp - self._last_stamp
            if step <= 0 and sample.dts is None and reorders and step > -MEDIA_CLOCK:
                pass
            elif step <= 0 or step > LONGEST_GAP:
                self._offset = self._last + self._step - stamp
            else:
                self._step = step
                if self._live:
                    arrived = round(sample.arrived * MEDIA_CLOCK)
                    self._offset -= self._slide(stamp + self._offset - arrived, arrived, may_move=may_move)
            late = ticks - (stamp + self._offset)
            if late > self._tolerance and may_move:
                self._offset += late
        self._last_stamp = stamp
        due = stamp + self._offset
        if reorders:
            self._last = max(self._last, due)
            return self._held.pts(sample, stamp) + self._offset, due / MEDIA_CLOCK
        self._last = max(self._last + 1, due)
        return self._last, self._last / MEDIA_CLOCK

    def _slide(self, lead: int, arrived: int, *, may_move: bool) -> int:
        self._least_lead = min(self._least_lead, lead)
        if arrived >= self._window_end:
            self._excess = max(0, self._least_lead - DRIFT)
            self._least_lead = 1 << 62
            self._window_end = arrived + LEAD_WINDOW
        if not may_move:
            return 0
        correction = min(self._excess, self._step // SLIDE_DIVISOR)
        self._excess -= correction
        return correction


class FileTimeline:
    """For a recording read as fast as it goes: its own time, from 0, repaired where it does not rise.

    ``held``: by how much the last sample placed is shown after it is decoded; 0 unless it ``reorders``.
    """

    def __init__(self) -> None:
        self.held = 0
        self._offset: int | None = None
        self._last_stamp = 0
        self._last = -1
        self._step = MEDIA_CLOCK // 25
        self._held = _Held()

    def place(self, sample: Sample, *, reorders: bool) -> int:
        """The media time of ``sample``."""
        stamp = sample.dts if sample.dts is not None else sample.pts
        if stamp is None:
            stamp = self._last_stamp + self._step
        pts = self._held.pts(sample, stamp)
        self.held = pts - stamp if reorders else 0
        if self._offset is None:
            self._offset = -pts
        else:
            step = stamp - self._last_stamp
            small = sample.dts is None and reorders and step > -MEDIA_CLOCK
            if step <= 0 and not small:
                self._offset = self._last + self._step - stamp
            elif step > 0:
                self._step = step
        self._last_stamp = stamp
        if reorders:
            self._last = max(self._last, stamp + self._offset)
            return pts + self._offset
        self._last = max(self._last + 1, pts + self._offset)
        return self._last
