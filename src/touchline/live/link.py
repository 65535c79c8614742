"""The line between a worker and the box: what crosses it, and how it looks in bytes.

A message is a 4-byte big-endian length, one byte of kind and a body. Packets and facts cross, frames never
do. JSON rather than pickle, so that neither end can make the other run code.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass, field
from typing import Any

from touchline.types import Fact, Packet, StreamInfo, TouchlineError

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of the largest message; the largest key frame of an 8K camera is a fifth of it."""

_LENGTH = struct.Struct("!I")
_PACKET = struct.Struct("!q?")


class LinkError(TouchlineError):
    """The other end sent what is not of this protocol."""


@dataclass(frozen=True, slots=True)
class Report:
    """A worker's word about itself: any of `CameraStatus`'s fields, by name."""

    fields: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Command:
    """The box's word to a worker: ``start`` (with a job) or ``key`` (send an IDR)."""

    name: str
    job: dict[str, Any] = field(default_factory=dict[str, Any])


Message = StreamInfo | Packet | Fact | Report | Command


def pack(message: Message) -> bytes:
    """One message as bytes, ready to be written."""
    match message:
        case Packet():
            kind, body = b"P", _PACKET.pack(message.pts, message.is_key) + message.data
        case Fact():
            kind, body = (
                b"F",
                _json([message.id, message.camera, message.kind, message.pts, message.match_time, message.data]),
            )
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
    value = json.loads(bytes(body))
    match kind:
        case b"F":
            identity, camera, name, pts, match_time, data = value
            return Fact(identity, camera, name, pts, data, match_time)
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
                except (ValueError, TypeError, KeyError, struct.error) as error:
                    raise LinkError(f"unreadable message of kind {kind!r}: {error}") from error
                at = end
        del self._buffer[:at]
        return messages
