"""A camera's track numbers over the lives of all its workers. Pure."""

from __future__ import annotations

import json

from touchline.types import MEDIA_CLOCK, FactJson, JsonValue


class Roll:
    """Follows who came and who left by what the worker says of it, so that a new worker can go on from there.

    ``next``: the least number that no track has had.
    """

    def __init__(self) -> None:
        self.next = 1
        self._open: dict[int, tuple[int, JsonValue]] = {}
        self._pts = 0

    def hear(self, fact: FactJson) -> None:
        """Take a fact of the running worker; those of other kinds tell the time. Raises ValueError on what is not
        JSON where it must be read."""
        self._pts = max(self._pts, fact.pts)
        if fact.kind not in ("track_started", "track_ended"):
            return
        data = json.loads(fact.data)
        track = data.get("track")
        if fact.kind == "track_started" and isinstance(track, int):
            self._open[track] = (fact.pts, data.get("label"))
            self.next = max(self.next, track + 1)
        elif isinstance(track, int):
            self._open.pop(track, None)

    def end(self) -> list[tuple[int, dict[str, JsonValue]]]:
        """The worker has ended, and all it followed with it: of each the ``track_ended``, media time and data."""
        ended: list[tuple[int, dict[str, JsonValue]]] = [
            (self._pts, {"track": track, "label": label, "seconds": round((self._pts - came) / MEDIA_CLOCK, 3)})
            for track, (came, label) in self._open.items()
        ]
        self._open.clear()
        return ended
