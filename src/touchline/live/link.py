"""The line between a worker and the box: what crosses it, and how it looks in bytes.

A message is a 4-byte big-endian length, one byte of kind and a body. Packets and facts cross, frames never
do. JSON rather than pickle, so that neither end can make the other run code. A fact's JSON is its public form,
which the box hands on as it came: it reads the head alone, and trusts the worker for the rest.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass, field
from typing import Any

from touchline.types import FactJson, Packet, StreamInfo, TouchlineError

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of the largest message; the largest key frame of an 8K camera is a fifth of it."""

_LENGTH = struct.Struct("!I")
_PACKET = struct.Struct("!q?")
_FACT = struct.Struct("!qHHH")
"""A fact's pts, and the lengths of its id, camera and kind, which follow; then its JSON."""


class LinkError(TouchlineError):
    """The other end sent what is not of this protocol."""


@dataclass(frozen=True, slots=True)
class Report:
    """A worker's word about itself: any of `CameraStatus`'s fields, by name.

    Besides them ``quit``: the user has closed the window, ``done``: its job is, and it ends, and ``fault``: what
    failed of the user's own step.
    """

    fields: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Command:
    """The box's word to a worker: ``start`` (with a job) or ``key`` (send an IDR)."""

    name: str
    job: dict[str, Any] = field(default_factory=dict[str, Any])


Message = StreamInfo | Packet | FactJson | Report | Command


def pack(message: Message) -> bytes:
    """One message as bytes, ready to be written."""
    match message:
        case Packet():
            kind, body = b"P", _PACKET.pack(message.pts, message.is_key) + message.data
        case FactJson():
            head = [text.encode() for text in (message.id, message.camera, message.kind)]
            kind, body = b"F", b"".join((_FACT.pack(message.pts, *map(len, head)), *head, message.data))
        case StreamInfo():
            kind, body = (
                b"I",
                _json(
                    {
                        "codec": message.codec,
                        "width": message.width,
                        "height": message.height,
                        "fps": message.fps,
                        "extradata": base64.b64encode(message.extradata).decode(),
                        "pixel_format": message.pixel_format,
                        "has_b_frames": message.has_b_frames,
                        "turns": message.turns,
                        "sample_aspect": message.sample_aspect,
                    }
                ),
            )
        case Report():
            kind, body = b"R", _json(message.fields)
        case Command():
            kind, body = b"C", _json([message.name, message.job])
    return _LENGTH.pack(len(body) + 1) + kind + body


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _unpack(kind: bytes, body: memoryview) -> Message:
    if kind == b"P":
        pts, is_key = _PACKET.unpack_from(body)
        return Packet(bytes(body[_PACKET.size :]), pts, is_key)
    if kind == b"F":
        return _unpack_fact(body)
    value = json.loads(bytes(body))
    match kind:
        case b"I":
            value["extradata"] = base64.b64decode(value["extradata"])
            return StreamInfo(**value)
        case b"R":
            return Report(value)
        case b"C":
            name, job = value
            return Command(name, job)
        case _:
            raise LinkError(f"message of unknown kind {kind!r}")


def _unpack_fact(body: memoryview) -> FactJson:
    pts, *lengths = _FACT.unpack_from(body)
    at, head = _FACT.size, list[str]()
    for length in lengths:
        head.append(str(body[at : at + length], "utf-8"))
        at += length
    identity, camera, kind = head
    data = bytes(body[at:])
    # No more than keeps one fact apart from the next on its way to those who listen.
    if data[:2] != b'{"' or data[-1:] != b"}" or b"\n" in data or b"\r" in data:
        raise ValueError("a fact that is no JSON object in one line")
    if not all(word.isprintable() for word in head):
        raise ValueError("a fact whose id, camera or kind is no word")
    return FactJson(identity, camera, kind, pts, data)


class Unpacker:
    """Bytes in any pieces → whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes, in order.

        Raises `LinkError` where the bytes cannot be of this protocol; the line is of no use after that.
        """
        self._buffer += data
        messages: list[Message] = []
        at = 0
        with memoryview(self._buffer) as view:
            while len(view) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(view, at)
                if not 1 <= length <= MAX_MESSAGE:
                    raise LinkError(f"message of {length} bytes, 1 to {MAX_MESSAGE} are possible")
                end = at + _LENGTH.size + length
                if end > len(view):
                    break
                kind = bytes(view[at + _LENGTH.size : at + _LENGTH.size + 1])
                try:
                    with view[at + _LENGTH.size + 1 : end] as body:
                        messages.append(_unpack(kind, body))
                except (ValueError, TypeError, KeyError, RecursionError, struct.error) as error:
                    raise LinkError(f"unreadable message of kind {kind!r}: {error}") from error
                at = end
        del self._buffer[:at]
        return messages
