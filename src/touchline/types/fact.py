"""A fact: something that was the case in a camera's picture at a media time."""

from __future__ import annotations

import os
from dataclasses import dataclass

from touchline.types.packet import MEDIA_CLOCK

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What analysis has to say about one moment of one camera.

    ``id``: unique for ever (`fact_id`). ``kind``: ``tracks``, ``track_started``, ``track_ended``, …
    ``pts``: media time in 1/90,000 s. ``match_time``: seconds of play, or None where no match clock is mapped.
    ``data``: what the kind promises, as JSON.
    """

    id: str
    camera: str
    kind: str
    pts: int
    data: dict[str, JsonValue]
    match_time: float | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """The public form: ``media_time`` in seconds, and the data's keys, which never hide the fact's own."""
        own: dict[str, JsonValue] = {
            "id": self.id,
            "camera": self.camera,
            "kind": self.kind,
            "media_time": self.pts / MEDIA_CLOCK,
            "match_time": self.match_time,
        }
        return {**own, **self.data, **own}


def fact_id(unix_ms: int) -> str:
    """A UUID version 7 (RFC 9562, section 5.7): sorts by time, unique without a coordinator."""
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
