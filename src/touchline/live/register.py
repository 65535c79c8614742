"""Tracks → facts: who is where in this frame, who came, who left."""

from __future__ import annotations

from touchline.types import MEDIA_CLOCK, JsonValue, Tracks

GONE_AFTER_S = 3.0
"""A track not seen for so long has ended."""


def tracks_data(tracks: Tracks, width: int, height: int) -> dict[str, JsonValue]:
    """The data of a ``tracks`` fact: boxes in px (a tenth is kept) of the ``width`` × ``height`` picture."""
    rows: list[JsonValue] = [
        {
            "id": identity,
            "label": tracks.labels[label],
            "box": list(box),
            "score": score,
            "detected": detected,
        }
        for identity, label, box, score, detected in zip(
            tracks.ids.tolist(),
            tracks.classes.tolist(),
            tracks.boxes.astype("float64").round(1).tolist(),
            tracks.scores.astype("float64").round(3).tolist(),
            tracks.detected.tolist(),
            strict=True,
        )
    ]
    return {"width": width, "height": height, "tracks": rows}


class Register:
    """Who is on the pitch, by track id. Pure: `update` is told the time."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int, str]] = {}

    def update(self, tracks: Tracks, pts: int) -> list[tuple[str, dict[str, JsonValue]]]:
        """Kinds and data of the facts that are new at ``pts``: ``track_started`` and ``track_ended``."""
        news: list[tuple[str, dict[str, JsonValue]]] = []
        for identity, label in zip(tracks.ids.tolist(), tracks.classes.tolist(), strict=True):
            name = tracks.labels[label]
            known = self._seen.get(identity)
            if known is None:
                news.append(("track_started", {"track": identity, "label": name}))
            self._seen[identity] = (known[0] if known else pts, pts, name)
        gone = [key for key, (_, last, _) in self._seen.items() if pts - last > GONE_AFTER_S * MEDIA_CLOCK]
        for identity in gone:
            first, last, name = self._seen.pop(identity)
            seconds = round((last - first) / MEDIA_CLOCK, 3)
            news.append(("track_ended", {"track": identity, "label": name, "seconds": seconds}))
        return news
