"""The newest tracks: analysis writes them, whoever shows pictures reads them and need not wait."""

from __future__ import annotations

import threading

from touchline.types import Tracks


class Latest:
    """Tracks and the picture they were found in. Any thread may call."""

    def __init__(self, tracks: Tracks) -> None:
        self._changed = threading.Condition()
        self._tracks = tracks
        self._pts = -1

    @property
    def tracks(self) -> Tracks:
        """Those of the last picture that was looked at."""
        return self._tracks

    def set(self, tracks: Tracks, pts: int) -> None:
        """The picture at ``pts`` (1/90,000 s) was looked at."""
        with self._changed:
            self._tracks, self._pts = tracks, pts
            self._changed.notify_all()

    def at(self, pts: int, patience: float) -> Tracks:
        """The tracks of the picture at ``pts``; after ``patience`` seconds the newest there are."""
        with self._changed:
            self._changed.wait_for(lambda: self._pts >= pts, patience)
            return self._tracks
