"""A node's message as it comes → what it says, or why it cannot be taken. docs/sensors.md is its specification."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from touchline.types.fact import JsonValue
from touchline.types.sensor import Refusal

MAX_BYTES = 1024
MAX_MORE = 16
MAX_TEXT = 200
HEARTBEAT = "heartbeat"
_MAX_NUMBER = 2**53
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_KINDS_OF_THE_BOX = frozenset(("tracks", "track_started", "track_ended", "highlight", "caption"))
_FIELDS_OF_A_FACT = frozenset(("id", "camera", "media_time", "match_time", "node", "sensor", "type", "pts"))


@dataclass(frozen=True, slots=True)
class Message:
    """``seq`` counts a node's messages; ``t_ms`` is its clock when it happened, ``sent_ms`` when it was sent, if
    it says so; ``boot`` tells one run of the node from another; ``more``: what else it wants the fact to hold."""

    seq: int
    t_ms: float
    kind: str
    score: float | None
    sent_ms: float | None
    boot: int | str | None
    more: dict[str, JsonValue]

    @property
    def clock_ms(self) -> float:
        """The node's clock as near to the sending as is known."""
        return self.t_ms if self.sent_ms is None else self.sent_ms


class Refused(Exception):
    """A message that cannot be taken: the reason, and what is wrong in one line."""

    def __init__(self, reason: Refusal, what: str) -> None:
        self.reason = reason
        super().__init__(what)


def parse(payload: bytes) -> Message:
    """Raises `Refused` for whatever is no message."""
    if len(payload) > MAX_BYTES:
        raise Refused(Refusal.SIZE, f"{len(payload)} bytes; {MAX_BYTES} at most")
    found = _json(payload)
    if not isinstance(found, dict):
        raise Refused(Refusal.JSON, "is no JSON object")
    fields: dict[str, Any] = dict(found)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or not _NAME.fullmatch(kind):
        _wrong("kind", "small letters, digits and _, 32 at most, the first a letter")
    if kind in _KINDS_OF_THE_BOX:
        _wrong("kind", f"another than {kind}, which the box's own facts are")
    seq = fields.pop("seq", None)
    if not _is_int(seq) or not 0 <= seq <= _MAX_NUMBER:
        _wrong("seq", "an integer from 0 to 2^53")
    t_ms = _time(fields, "t_ms")
    if t_ms is None:
        _wrong("t_ms", "the node's clock in ms, from 0 to 2^53")
    sent_ms = _time(fields, "sent_ms")
    if sent_ms is not None and sent_ms < t_ms:
        _wrong("sent_ms", "not before t_ms")
    boot = fields.pop("boot", None)
    if boot is not None and not (_is_int(boot) and 0 <= boot <= _MAX_NUMBER) and not _is_text(boot, 32):
        _wrong("boot", "an integer from 0 to 2^53, or a text of at most 32 characters")
    score = fields.pop("score", None)
    if score is None:
        if kind != HEARTBEAT:
            _wrong("score", "a number from 0 to 1")
    elif not _is_number(score) or not 0 <= score <= 1:
        _wrong("score", "a number from 0 to 1")
    return Message(seq, t_ms, kind, score, sent_ms, boot, _more(fields))


def _json(payload: bytes) -> object:
    try:
        return json.loads(payload.decode(), parse_constant=_constant, object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise Refused(Refusal.JSON, "is not UTF-8") from None
    except (ValueError, RecursionError):  # nested a thousand deep
        raise Refused(Refusal.JSON, "is not JSON") from None


def _constant(name: str) -> NoReturn:
    raise Refused(Refusal.JSON, f"holds {name}, which JSON has not")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused(Refusal.JSON, "names a field twice")
    return found


def _more(fields: dict[str, Any]) -> dict[str, JsonValue]:
    if len(fields) > MAX_MORE:
        raise Refused(Refusal.FIELDS, f"{len(fields)} more fields; {MAX_MORE} at most")
    for name, value in fields.items():
        if not _NAME.fullmatch(name) or name in _FIELDS_OF_A_FACT:
            raise Refused(
                Refusal.FIELDS,
                f"a field {name[:32]!a}; take small letters, digits and _, and no name of the box's",
            )
        if not (value is None or isinstance(value, bool) or _is_number(value) or _is_text(value, MAX_TEXT)):
            _wrong(name, f"a number, true, false, null or a text of at most {MAX_TEXT} characters")
    return fields


def _time(fields: dict[str, Any], name: str) -> float | None:
    value = fields.pop(name, None)
    if value is None:
        return None
    if not _is_number(value) or not 0 <= value <= _MAX_NUMBER:
        _wrong(name, "a clock in ms, from 0 to 2^53")
    return float(value)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if _is_int(value):
        return abs(value) <= _MAX_NUMBER
    return isinstance(value, float) and math.isfinite(value)


def _is_text(value: object, longest: int) -> bool:
    """Half of a surrogate pair is no character: it could not be written as UTF-8."""
    return isinstance(value, str) and len(value) <= longest and not re.search("[\ud800-\udfff]", value)


def _wrong(name: str, takes: str) -> NoReturn:
    raise Refused(Refusal.FIELDS, f"{name}: must be {takes}")
