"""Notices that packets come and no picture does. Pure: time is the packets' own."""

from __future__ import annotations

from touchline.types import MEDIA_CLOCK

PATIENCE = 5 * MEDIA_CLOCK
LEAST_KEYS = 2
"""So many key packets give no picture only where something is wrong: one may be damaged."""
LONGEST = 20 * MEDIA_CLOCK
"""The same for a stream without key packets."""


class Undecoded:
    """Told of each packet that is to be decoded and each picture that was."""

    def __init__(self) -> None:
        self._since: int | None = None
        self._keys = 0

    def picture(self) -> None:
        """A picture came, or none is wanted."""
        self._since, self._keys = None, 0

    def packet(self, pts: int, *, is_key: bool) -> bool:
        """Whether with this packet, at media time ``pts``, pictures have been missing for too long."""
        since = self._since = pts if self._since is None else self._since
        self._keys += is_key
        missing = pts - since
        return missing > LONGEST or (missing > PATIENCE and self._keys >= LEAST_KEYS)
