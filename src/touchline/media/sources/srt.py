"""SRT, which PyAV's build of FFmpeg lacks: imageio-ffmpeg's program receives it, unchanged, into a pipe.

The URL with its passphrase travels by the child's standard input, as an ffconcat script, because a
command line can be read by every user of the machine. The packets come back as NUT, whose demuxer, unlike
that of MPEG-TS, need not wait for the next picture to know that one is complete.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator
from io import FileIO
from typing import cast

import av
import av.error
import imageio_ffmpeg

from touchline.media.sources import faults
from touchline.media.sources.container import read_container
from touchline.media.sources.location import Location
from touchline.media.sources.source import Traits
from touchline.media.timeline import Sample
from touchline.types import SourceError, StreamInfo

# prctl(PR_SET_PDEATHSIG, SIGKILL), then become FFmpeg. Not as preexec_fn, which may deadlock where threads run.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "if os.getppid() == int(sys.argv[1]):\n"
    "    os.execv(sys.argv[2], sys.argv[2:])\n"
)
_END_S = 2.0


class SrtSource:
    """One SRT connection; as caller, or with ``mode=listener`` in the URL as listener."""

    def __init__(self, location: Location) -> None:
        # As listener it waits for its sender as long as that takes.
        self.traits = Traits(open_s=math.inf) if "mode=listener" in location.address else Traits()
        self._location = location
        self._child: subprocess.Popen[bytes] | None = None
        self._interrupted = False
        self._lock = threading.Lock()

    def interrupt(self) -> None:
        """Kill the child; its pipe then ends."""
        with self._lock:
            self._interrupted = True
            if self._child:
                self._child.kill()

    def read(self) -> Generator[StreamInfo | Sample]:
        """See `Source.read`."""
        child = self._start()
        if child is None:
            return
        # Unbuffered, so that a read returns what is there rather than waiting for a full block.
        pipe, stdin = cast("FileIO", child.stdout), cast("FileIO", child.stdin)
        said = _Said(cast("FileIO", child.stderr))
        try:
            with stdin:
                stdin.write(_script(self._location.address))
            yield from self._packets(pipe)
        except (SourceError, BrokenPipeError):
            child.kill()
            said.wait()
            raise self._explain(said) from None
        finally:
            child.kill()
            child.wait(_END_S)
            said.wait()
            pipe.close()

    def _packets(self, pipe: FileIO) -> Generator[StreamInfo | Sample]:
        try:
            container = av.open(pipe, "r", format="nut", options={"probesize": "200000"})
        except av.error.FFmpegError as error:
            raise faults.fault(self._location, error, opened=False) from None
        with container:
            yield from read_container(container, self._location)

    def _start(self) -> subprocess.Popen[bytes] | None:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        command = [ffmpeg, "-hide_banner", "-nostats", "-loglevel", "warning"]
        command += ["-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,fd,srt,udp", "-i", "pipe:0"]
        command += ["-map", "0:v:0", "-c", "copy", "-flush_packets", "1", "-f", "nut", "pipe:1"]
        with self._lock:
            if self._interrupted:
                return None
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # Ctrl-C in the terminal is for us; we end the child.
                start_new_session=True,
            )
            return self._child

    def _explain(self, said: _Said) -> SourceError:
        # Without the URL, which may hold any word.
        text = re.sub(r"srt://\S*", "", said.text.lower())
        shown = self._location.shown
        if any(word in text for word in ("passphrase", "badsecret", "unsecure", "encryption")):
            return SourceError(
                shown, "the passphrase is wrong", "put the right one into the URL: ?passphrase=…", retry=False
            )
        if "resolve hostname" in text:
            return faults.unknown_host(self._location)
        if "impossible to open" in text:
            return faults.no_answer(self._location)
        if "matches no streams" in text:
            return faults.no_video(self._location)
        return SourceError(shown, "the connection ended", "check that the sender is on and its settings")


class _Said:
    """The last lines of a child's error output, read as they come so that it never blocks on them."""

    def __init__(self, stream: FileIO) -> None:
        self._lines: deque[bytes] = deque(maxlen=40)
        self._stream = stream
        self._thread = threading.Thread(target=self._read, name="srt-errors", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            self._lines.extend(iter(lambda: self._stream.read(4096), b""))

    def wait(self) -> None:
        """Until the child has said its last."""
        self._thread.join(_END_S)

    @property
    def text(self) -> str:
        return b"".join(self._lines).decode(errors="replace")


def _script(url: str) -> bytes:
    quoted = url.replace("'", "'\\''")
    lines = ["ffconcat version 1.0", f"file '{quoted}'"]
    lines += ["option analyzeduration 1000000", "option probesize 1000000"]
    return ("\n".join(lines) + "\n").encode()
