"""Run a `Capture` in a thread and wait for what it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from touchline.media.annexb import nal_type
from touchline.media.capture import Capture
from touchline.types import CameraState, Packet, StreamInfo, split_nals


class Taking:
    """A running capture: all it gave and said, with the second of its clock when it did."""

    def __init__(self, source: str, *, loop: bool = False) -> None:
        self.infos: list[StreamInfo] = []
        self.packets: list[Packet] = []
        self.times: list[float] = []
        self.bare_keys = 0
        self.said: list[tuple[float, CameraState, str | None]] = []
        self.stop = threading.Event()
        self._start = time.monotonic()
        self._changed = threading.Condition()
        self.capture = Capture(source, clock=self.clock, stop=self.stop, on_state=self._state, loop=loop)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def clock(self) -> float:
        """The box's media time."""
        return time.monotonic() - self._start

    def _state(self, state: CameraState, message: str | None) -> None:
        with self._changed:
            self.said.append((self.clock(), state, message))
            self._changed.notify_all()

    def _run(self) -> None:
        for item in self.capture.packets():
            with self._changed:
                if isinstance(item, StreamInfo):
                    self.infos.append(item)
                else:
                    self.packets.append(item)
                    self.bare_keys += lacks_sets(self.infos[-1], item)
                    self.times.append(self.clock())
                self._changed.notify_all()

    def wait(self, what: Callable[[], bool], seconds: float = 20.0) -> None:
        """Until ``what()`` holds; fails after ``seconds``."""
        with self._changed:
            held = self._changed.wait_for(what, seconds)
        assert held, f"not within {seconds} s; said {self.said}, {len(self.packets)} packets"

    def wait_state(self, state: CameraState, seconds: float = 20.0) -> str | None:
        """Until the last thing said is ``state``; the message that came with it."""
        self.wait(lambda: bool(self.said) and self.said[-1][1] is state, seconds)
        return self.said[-1][2]

    def wait_packets(self, more: int, seconds: float = 20.0) -> None:
        """Until ``more`` further packets have come."""
        target = len(self.packets) + more
        self.wait(lambda: len(self.packets) >= target, seconds)

    @property
    def pts(self) -> list[float]:
        """Seconds, of all packets."""
        return [packet.pts / 90_000 for packet in self.packets]

    def __enter__(self) -> Taking:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self.thread.join(5)
        assert not self.thread.is_alive(), "capture did not stop"
        assert self.bare_keys == 0, "key packets without their parameter sets"


def read_all(source: str, *, loop: bool = False, most: int = 10_000) -> tuple[list[StreamInfo], list[Packet]]:
    """Everything of a recording, as ``analyse`` reads it."""
    capture = Capture(
        source,
        clock=lambda: 0.0,
        stop=threading.Event(),
        on_state=lambda state, message: None,
        loop=loop,
        realtime=False,
    )
    infos: list[StreamInfo] = []
    packets: list[Packet] = []
    for item in capture.packets():
        if isinstance(item, StreamInfo):
            infos.append(item)
        else:
            assert not lacks_sets(infos[-1], item), "a key packet without its parameter sets"
            packets.append(item)
        if len(packets) >= most:
            break
    return infos, packets


def lacks_sets(info: StreamInfo, packet: Packet) -> bool:
    """Whether it breaks what `Packet` promises of key packets. Asked of every packet that any test takes."""
    if info.codec not in ("h264", "hevc") or not packet.is_key:
        return False
    sets = {7, 8} if info.codec == "h264" else {32, 33, 34}
    return not sets <= {nal_type(info.codec, nal) for nal in split_nals(packet.data)}  # type: ignore[arg-type]


def decode_sizes(info: StreamInfo, packets: list[Packet]) -> list[tuple[int, int]]:
    """The sizes of the pictures that FFmpeg's decoder makes of ``packets``, fed nothing else."""
    import av

    context = av.CodecContext.create(info.codec, "r")
    if info.extradata and info.codec not in ("h264", "hevc"):
        context.extradata = info.extradata
    sizes: list[tuple[int, int]] = []
    for packet in [*packets, None]:
        unit = None if packet is None else av.Packet(packet.data)
        sizes += [(frame.width, frame.height) for frame in context.decode(unit)]  # type: ignore[arg-type]
    return sizes
