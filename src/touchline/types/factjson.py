"""A fact as it leaves its worker, and the box: serialised once, whoever asks for it and however many."""

from __future__ import annotations

import json
from dataclasses import dataclass

from touchline.types.fact import Fact


@dataclass(frozen=True, slots=True)
class FactJson:
    """What is asked of a fact once it is known, and its public form as UTF-8 JSON.

    ``pts``: media time in 1/90,000 s. ``data``: a JSON object without a line break; an eighth of the memory that
    the same fact takes as Python objects.
    """

    id: str
    camera: str
    kind: str
    pts: int
    data: bytes

    @classmethod
    def of(cls, fact: Fact) -> FactJson:
        """Serialise ``fact``. Raises ValueError where it holds a number that JSON has no form for (NaN, ∞)."""
        text = json.dumps(fact.to_json(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return cls(fact.id, fact.camera, fact.kind, fact.pts, text.encode())

    def event(self) -> bytes:
        """As a server-sent event, whose id is the fact's."""
        return b"".join((b"id: ", self.id.encode(), b"\r\ndata: ", self.data, b"\r\n\r\n"))

    def message(self) -> bytes:
        """As the data channel has it: ``type`` and ``pts`` come last, so that no key of its data hides them."""
        return b"".join((self.data[:-1], b',"type":"fact","pts":', str(self.pts).encode(), b"}"))
