"""An artifact from elsewhere → this user's shelf. Nothing of it is trusted until it is proved here."""

from __future__ import annotations

import contextlib
import functools
import http.client
import shutil
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from touchline.runtime import manifest, shelf
from touchline.runtime.verify import MOST, tolerance_of, verify
from touchline.types.errors import ConfigError, ModelError

MOST_BYTES = 1_000_000_000
"""Of all files of an artifact."""
_MANIFEST_BYTES = 1_000_000
_WAIT_S = 20
"""For each answer of a server, and each piece of it."""
_WHOLE_S = 900
"""For all files of an artifact together."""
_PIECE = 1 << 16
_CARD = "CARD.md"
_PROVED = ("server", "edge", "phone")
_DATA = {".onnx", ".tflite", ".pte", ".npz", ".md", ".json", ".svg", ".txt", ".c", ".h"}
"""What an artifact is made of. Nothing that is unpickled or run as a script."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """Where a model lies now, and whether it was there before."""

    folder: Path
    name: str
    fresh: bool


def pull(source: str, *, name: str | None = None, content: str | None = None) -> Pulled:
    """Fetch the artifact at ``source``, prove it on this device, and keep it under its name.

    ``source``: the http(s) address of an artifact's folder (or its manifest.json), a folder here, or the name of a
    model that is there already. ``name``: another name for it. ``content``: what its manifest's content hash must
    be; plain http, which anybody on the way can change, needs it.

    Raises `ConfigError`: the name is taken, or plain http without ``content``. `ModelError`: cannot be fetched,
    too large, or not an artifact of plain data files with the hashes it names. `CheckFailed`: does not
    answer here as its float reference did. Whatever is raised, nothing is kept.
    """
    there = shelf.named()
    if source in there and name is None and content is None:
        return Pulled(there[source], source, fresh=False)
    place = shelf.user_shelf()
    try:
        place.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(dir=place, prefix=".pulling-")
    except OSError as error:
        raise ConfigError(f"{place}: cannot be written ({error.strerror}); make room there") from error
    with work as scratch:
        draft = Path(scratch) / "artifact"
        draft.mkdir()
        if urlsplit(source).scheme in ("http", "https"):
            _from_web(source, draft, content)
        else:
            _from_folder(Path(source), draft)
        said = manifest.read(draft).manifest
        if content is not None and said["content"] != content:
            raise ModelError(f"{source}: its content is {said['content']}, not {content}; ask whoever named it")
        called = shelf.check_name(str(name or said.get("name", "")))
        if called in there:
            if manifest.read(there[called]).manifest["content"] == said["content"]:
                return Pulled(there[called], called, fresh=False)
            raise ConfigError(f"{called}: {there[called]} is another model; pull this one under another --name")
        _prove(draft, said, source)
        try:
            draft.rename(place / called)
        except OSError as error:
            raise ConfigError(f"{place / called}: is in the way ({error.strerror}); remove it") from error
    return Pulled(place / called, called, fresh=True)


def _prove(draft: Path, said: Mapping[str, Any], source: str) -> None:
    target = said.get("target", "server")
    if target not in _PROVED:
        raise ModelError(
            f"{source}: is for target {target!r}, which cannot be proved here; pull takes {', '.join(_PROVED)}"
        )
    tolerance = tolerance_of(said, draft)
    if tolerance > MOST:
        raise ModelError(
            f"{source}: grants itself a tolerance of {tolerance:g}, {MOST:g} at most; do not trust it"
        )
    verify(draft).require()


def _from_folder(folder: Path, draft: Path) -> None:
    if not folder.is_dir():
        known = ", ".join(sorted(shelf.named()))
        raise ModelError(f"{folder}: no model, folder or http(s) address; there are the models {known}")
    files = _files(manifest.read(folder).manifest, str(folder))
    for name in ("manifest.json", *files):
        try:
            shutil.copyfile(folder / name, draft / name)
        except OSError as error:
            raise ModelError(f"{folder}: {name[:80]} cannot be copied ({error.strerror}); check it") from error
    if (folder / _CARD).is_file():
        shutil.copyfile(folder / _CARD, draft / _CARD)


def _from_web(source: str, draft: Path, content: str | None) -> None:
    if urlsplit(source).scheme == "http" and content is None:
        raise ConfigError(
            f"{source}: plain http can be changed on its way; give https, or --content with the hash that the "
            "manifest must have"
        )
    base = source.removesuffix("manifest.json").rstrip("/")
    until = time.monotonic() + _WHOLE_S
    _fetch(f"{base}/manifest.json", draft / "manifest.json", _MANIFEST_BYTES, until)
    for name, size in _files(manifest.parse(draft / "manifest.json"), source).items():
        _fetch(f"{base}/{name}", draft / name, size, until)


def _files(said: Any, source: str) -> dict[str, int]:
    """Names and sizes of a manifest's files. Raises `ModelError` for all that no artifact holds."""
    found: dict[str, int] = {}
    for name, facts in cast(dict[str, Any], said["files"]).items():
        if Path(name).name != name or name.startswith(".") or not name.isascii() or not name.isprintable():
            raise ModelError(f"{source}: names a file {name!r}, which would lie elsewhere; do not trust it")
        if Path(name).suffix not in _DATA:
            raise ModelError(f"{source}: holds {name}, which is no kind of file an artifact has; do not trust it")
        size = facts.get("bytes") if isinstance(facts, dict) else None  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ModelError(f"{source}: does not say how large {name} is; compile it again")
        found[name] = size
    if sum(found.values()) > MOST_BYTES:
        raise ModelError(
            f"{source}: has {sum(found.values()):,} bytes, {MOST_BYTES:,} are allowed; fetch it by hand"
        )
    return found


def _fetch(address: str, target: Path, most: int, until: float) -> None:
    """One file of at most ``most`` bytes."""
    with contextlib.closing(_Timed(until)) as timed:
        # The scheme is http or https, here and wherever a redirection leads.
        opener = urllib.request.build_opener(_Careful(), timed)
        try:
            with opener.open(address, timeout=_WAIT_S) as answer, target.open("wb") as file:
                held = 0
                for piece in _pieces(answer.read1):
                    held += len(piece)
                    if held > most:
                        raise ModelError(
                            f"{address}: is larger than the {most:,} bytes it may have; do not trust it"
                        )
                    file.write(piece)
        except urllib.error.HTTPError as error:
            raise ModelError(
                f"{address}: the server says {error.code} {error.reason}; check the address"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not timed.out:
                reason = getattr(error, "reason", error)
                raise ModelError(f"{address}: cannot be fetched ({reason}); check address and network") from error
        # A connection that was cut can look like an answer at its end.
        if timed.out:
            raise ModelError(f"{address}: not fetched in {_WHOLE_S} s; try again on a better line")


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while piece := read(_PIECE):
        yield piece


class _Careful(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to the web alone, and never from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        was, becomes = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if becomes not in ("http", "https") or (was == "https" and becomes == "http"):
            raise urllib.error.URLError(f"it leads from {was} to {becomes}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Timed(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Cuts its connections at ``until``: a socket's own time-out begins anew with each byte that drips in."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self.out = False
        """Whether a connection was cut."""
        self._until = until
        self._watched = contextlib.ExitStack()

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_Plain, watch=self._watch), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_Secure, watch=self._watch), req)

    def close(self) -> None:
        self._watched.close()

    def _watch(self, connected: socket.socket) -> None:
        # A second handle of the connection: the first is closed, and its number given away, by whoever reads it.
        handle = self._watched.enter_context(socket.fromfd(connected.fileno(), connected.family, connected.type))
        timer = threading.Timer(max(0.0, self._until - time.monotonic()), self._cut, [handle])
        timer.daemon = True
        self._watched.callback(timer.cancel)
        timer.start()

    def _cut(self, handle: socket.socket) -> None:
        self.out = True
        # One that is closed already needs no more.
        with contextlib.suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)


class _Plain(http.client.HTTPConnection):
    """Tells ``watch`` of its socket."""

    def __init__(self, host: str, *, watch: Callable[[socket.socket], None], **options: Any) -> None:
        super().__init__(host, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch(self.sock)


class _Secure(http.client.HTTPSConnection):
    """Tells ``watch`` of its socket; the handshake before is as a whole within the socket's time-out."""

    def __init__(self, host: str, *, watch: Callable[[socket.socket], None], **options: Any) -> None:
        super().__init__(host, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch(self.sock)
