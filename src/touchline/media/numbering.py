"""Which picture of its stream each decoded one is, those counted that damage took. Pure."""

from __future__ import annotations

import heapq

from touchline.types import MEDIA_CLOCK

NEAR = MEDIA_CLOCK
"""What is torn leaves its gap so soon behind the packet that says so."""


class Numbering:
    """Told of every packet that is to be decoded, of damage, and of the pictures that come, in presentation order.

    Packets that gave no picture are counted as pictures where damage explains it: between the damage and the
    next picture. Elsewhere they held none of their own, such as a second field or a picture that is only referred
    to. Pictures whose packets are missing, too, are told by the time that is missing, where the stream is torn.

    ``first``: the next picture's number. Where it is not 1, pictures may have been lost between the former
    stream's last and this one's first.
    """

    def __init__(self, first: int = 1) -> None:
        self.next = first
        self._damaged = first > 1
        self._waiting: list[int] = []
        self._torn_until: int | None = None
        self._last: int | None = None
        self._step = 0  # from one picture to the next, 1/90,000 s; 0 while unknown

    def packet(self, pts: int, *, torn: bool = False) -> None:
        """A packet whose picture is shown at ``pts``. ``torn``: as of `Packet`."""
        heapq.heappush(self._waiting, pts)
        if torn:
            self._torn_until = pts + NEAR

    def damage(self) -> None:
        """A packet could not be read, and what leans on it will not come."""
        self._damaged = True

    def picture(self, pts: int) -> int:
        """The number of the picture that is shown at ``pts``, from 1; later than all before."""
        passed = 0
        while self._waiting and self._waiting[0] <= pts:
            heapq.heappop(self._waiting)
            passed += 1
        step = pts - self._last if self._last is not None else 0
        lost = max(0, passed - 1) if self._damaged else 0
        if self._torn_until is not None and self._last is not None and self._last <= self._torn_until:
            lost = max(lost, round(step / self._step) - 1 if self._step else 0)
        elif passed == 1:
            self._step = step
        number = self.next + lost
        self.next, self._damaged, self._last = number + 1, False, pts
        return number

    def end(self) -> None:
        """No picture comes of the packets before."""
        self.next += len(self._waiting) if self._damaged else 0
        self._waiting.clear()
