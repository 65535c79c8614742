"""What each way in offers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from touchline.media.timeline import Sample
from touchline.types import StreamInfo

MAX_WITHOUT_KEY = 900
"""Pictures to wait for a key picture: more than any camera's set-up leaves between two."""


@dataclass(frozen=True, slots=True)
class Traits:
    """How a kind of source behaves.

    ``paced``: it can be read ahead of time, so capture lets its packets out when they are due. ``ends``: its
    end is final, not a lost connection. ``open_s``: seconds in which its first picture must come.
    ``stale_s``: seconds without a packet after which it counts as frozen; ``give_up_s``: after which it is
    connected anew. ``late_s``: seconds that a paced packet may be late before the pace is moved.
    ``max_packets``, ``max_bytes``: what may wait to be taken. ``exclusive``: who has it open keeps all others,
    and the next try, out.
    """

    paced: bool = False
    ends: bool = False
    open_s: float = 20.0
    stale_s: float = 3.0
    give_up_s: float = 3.0
    late_s: float = 0.5
    max_packets: int = 256
    max_bytes: int = 32 * 1024 * 1024
    exclusive: bool = False


class Source(Protocol):
    """One connection to a source; read once."""

    @property
    def traits(self) -> Traits:
        """How it behaves."""
        ...

    def read(self) -> Generator[StreamInfo | Sample]:
        """A `StreamInfo` ahead of the first packet and at each change of format, and the packets, from a key
        packet on. Blocks. Raises `SourceError`; ends where the source ends."""
        ...

    def interrupt(self) -> None:
        """Make a `read` that blocks in another thread end soon. Never blocks."""
        ...
