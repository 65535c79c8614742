"""An RTSP connection (RFC 2326): requests and answers, and the media that come between them."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from dataclasses import dataclass

from touchline.media.sources.rtsp.address import Address
from touchline.media.sources.rtsp.auth import Login
from touchline.media.sources.rtsp.number import whole_number
from touchline.version import __version__

CONNECT_S = 5.0
ANSWER_S = 5.0
GOODBYE_S = 0.2
MAX_MESSAGE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` has lower-case names; each may have come more than once."""

    status: int
    headers: dict[str, list[str]]
    body: str

    def header(self, name: str) -> str:
        """The first value of ``name``, or empty."""
        return self.headers.get(name, [""])[0]


class Closed(Exception):
    """The server has closed the connection, or `Connection.interrupt` did."""


class Confused(Exception):
    """The server does not speak RTSP."""


class Connection:
    """Blocks at most the seconds named, or until `interrupt`.

    ``session`` and ``control`` are the session that was set up, and its URL.

    Raises `OSError` (also `TimeoutError` and `ssl.SSLError`) from the socket, `Closed` and `Confused`.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._login = Login(address.user, address.password)
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._interrupted = False
        self._buffer = bytearray()
        self._number = 0
        self.session = ""
        self.control = address.url

    def connect(self) -> None:
        """Connect, with TLS for rtsps://."""
        address = self._address
        raw = socket.create_connection((address.host, address.port), CONNECT_S)
        with self._lock:
            self._socket = raw
            if self._interrupted:
                raise Closed
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.is_tls:
            context = ssl.create_default_context()
            if "verify=no" in address.options:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            wrapped = context.wrap_socket(raw, server_hostname=address.host)
            with self._lock:
                self._socket = wrapped

    def interrupt(self) -> None:
        """Make a call that blocks in another thread raise `Closed`. Never blocks."""
        with self._lock:
            self._interrupted = True
            if self._socket:
                _shut(self._socket)

    def close(self) -> None:
        """End the session, if there is one, and give the socket back."""
        with self._lock:
            connection, self._socket = self._socket, None
        if connection is None:
            return
        with connection:
            if self.session:
                # Cameras serve few sessions, and one that is not ended stays until it times out.
                connection.settimeout(GOODBYE_S)
                with contextlib.suppress(OSError):
                    connection.sendall(self._compose("TEARDOWN", self.control, {}))

    def request(self, method: str, url: str, headers: dict[str, str] | None = None) -> Answer:
        """Send and wait for the answer, logging in if the server asks for it. Media that come first are lost."""
        answer = self._ask(method, url, headers or {})
        # Once for the challenge, once more where its nonce has grown old.
        for _ in range(2):
            if answer.status != 401 or not self._login.challenge(answer.headers.get("www-authenticate", [])):
                break
            stale = "stale=true" in answer.header("www-authenticate").lower().replace('"', "")
            answer = self._ask(method, url, headers or {})
            if not stale:
                break
        return answer

    def send(self, method: str, url: str, headers: dict[str, str] | None = None) -> None:
        """Send without waiting; `media` skips the answer."""
        self._open().sendall(self._compose(method, url, headers or {}))

    def _compose(self, method: str, url: str, headers: dict[str, str]) -> bytes:
        self._number += 1
        fields = {"CSeq": str(self._number), "User-Agent": f"Touchline/{__version__}", **headers}
        if self.session:
            fields["Session"] = self.session
        login = self._login.header(method, url)
        if login:
            fields["Authorization"] = login
        lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def media(self, timeout: float) -> tuple[int, bytes]:
        """The next interleaved packet (RFC 2326 10.12): its channel and data. `TimeoutError` after ``timeout``."""
        while True:
            item = self._next(timeout)
            if not isinstance(item, Answer):
                return item

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        self.send(method, url, headers)
        while True:
            item = self._next(ANSWER_S)
            if isinstance(item, Answer) and item.header("cseq") in ("", str(self._number)):
                return item

    def _next(self, timeout: float) -> Answer | tuple[int, bytes]:
        while True:
            self._need(4, timeout)
            if self._buffer[0] == 0x24:
                length = int.from_bytes(self._buffer[2:4], "big")
                self._need(4 + length, timeout)
                data = bytes(self._buffer[4 : 4 + length])
                channel = self._buffer[1]
                del self._buffer[: 4 + length]
                return channel, data
            answer = self._message(timeout)
            if answer:
                return answer

    def _message(self, timeout: float) -> Answer | None:
        """An answer, or None for a request of the server's (they want nothing that we could do)."""
        end = self._buffer.find(b"\r\n\r\n")
        while end < 0:
            if len(self._buffer) > MAX_MESSAGE or not _may_be_message(self._buffer):
                raise Confused
            self._read(timeout)
            end = self._buffer.find(b"\r\n\r\n")
        lines = bytes(self._buffer[:end]).decode("utf-8", "replace").split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        length = headers.get("content-length", ["0"])[0]
        size = whole_number(length) if length else 0
        if size is None or size > MAX_MESSAGE:
            raise Confused
        self._need(end + 4 + size, timeout)
        body = bytes(self._buffer[end + 4 : end + 4 + size]).decode("utf-8", "replace")
        del self._buffer[: end + 4 + size]
        words = lines[0].split(" ", 2)
        if words[-1].startswith("RTSP/"):
            return None
        if not words[0].startswith("RTSP/") or len(words) < 2:
            raise Confused
        status = whole_number(words[1])
        if status is None:
            raise Confused
        return Answer(status, headers, body)

    def _need(self, size: int, timeout: float) -> None:
        while len(self._buffer) < size:
            self._read(timeout)

    def _read(self, timeout: float) -> None:
        connection = self._open()
        connection.settimeout(timeout)
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            raise Closed from None
        if not data:
            raise Closed
        self._buffer += data

    def _open(self) -> socket.socket:
        with self._lock:
            if self._socket is None or self._interrupted:
                raise Closed
            return self._socket


def _may_be_message(start: bytearray) -> bool:
    """RTSP's first lines begin with capitals, whether answer or request."""
    return re.match(rb"[A-Z_]{4}", start) is not None


def _shut(connection: socket.socket) -> None:
    # For reading, so that the session can still be ended. Fails where it is not connected: nothing blocks then.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
