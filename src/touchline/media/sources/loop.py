"""A file played over and over, its end joined to its start, and in step with the other loops of the box.

Where in a loop a camera is follows from the box's clock alone: media time modulo the clip's length. So clips that
were taken together stay together, picture by picture, whenever their workers start or start again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from touchline.media.sources import faults
from touchline.media.sources.ffmpeg import FFmpegSource
from touchline.media.sources.location import Location
from touchline.media.timeline import FileTimeline, Sample
from touchline.types import MEDIA_CLOCK, SourceError, StreamInfo

MEASURED_BYTES = 256 * 1024 * 1024
"""A larger file would take too long to read before it plays: it starts at its beginning, in step with nobody."""
LONGEST_WAIT = 3 * MEDIA_CLOCK
"""A clip whose key pictures are further apart starts at its beginning too, rather than so much later."""
LATE = MEDIA_CLOCK // 2


@dataclass(frozen=True, slots=True)
class Round:
    """One time through a clip. All in 1/90,000 s: each packet's ``places`` (pts, dts), the first picture at 0,
    the ``period`` until the next round, and the longest ``wait`` for a key picture."""

    places: tuple[tuple[int, int], ...]
    period: int
    wait: int


def measure(clip: Generator[StreamInfo | Sample], interrupted: Event) -> Round | None:
    """Read ``clip`` to its end; None where it holds no picture or reading was ``interrupted``."""
    timeline, reorders = FileTimeline(), False
    places: list[tuple[int, int]] = []
    keys: list[int] = []
    for item in clip:
        if interrupted.is_set():
            return None
        if isinstance(item, StreamInfo):
            reorders = item.has_b_frames
            continue
        pts = timeline.place(item, reorders=reorders)
        places.append((pts, pts - timeline.held))
        if item.is_key:
            keys.append(pts)
    if not places:
        return None
    shown = sorted(pts for pts, _ in places)
    step = shown[-1] - shown[-2] if len(shown) > 1 else MEDIA_CLOCK
    period = shown[-1] - shown[0] + step
    wait = max(after - key for key, after in itertools.pairwise([*keys, keys[0] + period]))
    return Round(tuple((pts - shown[0], dts - shown[0]) for pts, dts in places), period, wait)


class LoopSource:
    """``location``'s file for ever. With ``realtime``, at the place that ``clock`` (s of media time) says."""

    def __init__(self, location: Location, *, realtime: bool, clock: Callable[[], float]) -> None:
        self._clip = FFmpegSource(location)
        self._location = location
        self._realtime = realtime
        self._clock = clock
        self._interrupted = Event()
        self.traits = self._clip.traits

    def interrupt(self) -> None:
        """Have measuring end; reading ends with whoever takes the packets."""
        self._interrupted.set()

    def read(self) -> Generator[StreamInfo | Sample]:
        """See `Source.read`."""
        told: StreamInfo | None = None
        for item in self._rounds(self._measure()):
            if isinstance(item, Sample):
                yield item
            elif item != told:
                told = item
                yield item

    def _measure(self) -> Round | None:
        path = Path(self._location.address)
        if not path.is_file() or path.stat().st_size > MEASURED_BYTES:
            return None
        try:
            return measure(self._clip.read(), self._interrupted)
        except SourceError:
            return None  # it is raised again, and told, where the clip is played

    def _rounds(self, once: Round | None) -> Generator[StreamInfo | Sample]:
        while once is None:
            empty = True
            for item in self._clip.read():  # the timelines take stamps that start again in their stride
                empty = False
                yield item
            if empty:
                raise faults.no_video(self._location)
        in_step = self._realtime and once.wait <= LONGEST_WAIT
        skipping = in_step  # until a key picture that is still to come
        for number in itertools.count(self._now() // once.period if in_step else 0):
            places = iter(once.places)
            for item in self._clip.read():
                if isinstance(item, StreamInfo):
                    yield item
                    continue
                place = next(places, None)
                if place is None:
                    break  # the file has become another
                pts, dts = (ticks + number * once.period for ticks in place)
                late = self._now() - dts
                skipping = in_step and (not (item.is_key and late <= 0) if skipping else late > LATE)
                if not skipping:
                    yield replace(item, pts=pts, dts=dts, placed=in_step)

    def _now(self) -> int:
        return round(self._clock() * MEDIA_CLOCK)
