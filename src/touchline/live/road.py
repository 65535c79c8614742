"""THE FRAME ROAD: source → packets → frames → tracks, and out to the box.

Threads, joined by bounded boxes, so that none holds up the one before it::

    capture ─┬─packets──────────────────→ viewers      H.264 without B-frames, untouched
             └─PacketBox─→ decode ─┬─encode─→ viewers  all else, and the user's own step
                                   ├─Mailbox─→ window  on this machine's screen, with ``--display``
                                   └─FrameBox─→ look ─→ facts

One arrow goes back: ``decode`` tells ``capture`` what it made of the packets, so that a source of which no picture
comes is connected anew (`Capture.refuse`), and one of which some do counts as live (`Capture.seen`).

With ``--burn-in`` alone, a picture is encoded after it was looked at, for its boxes are in it.

A recording takes the same road (``job.realtime`` False): its boxes then wait instead of dropping.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from touchline.live.job import CameraJob, Clocks, Signals
from touchline.live.latest import Latest
from touchline.live.mailbox import FrameBox, PacketBox
from touchline.live.pace import Pace
from touchline.live.present import Presenter
from touchline.live.pulse import Pulse
from touchline.live.register import Register, tracks_data
from touchline.live.shed import LoadMeter, Shedder
from touchline.live.threads import run_together, yield_to_video
from touchline.live.undecoded import Undecoded
from touchline.media.capture import Capture
from touchline.media.decode import Decoder
from touchline.types import (
    MEDIA_CLOCK,
    Fact,
    Frame,
    InputError,
    KeyGate,
    Packet,
    SourceError,
    StreamInfo,
    Tracks,
    fact_id,
)
from touchline.vision.detect import load_detector
from touchline.vision.propagate import Propagator
from touchline.vision.smooth import Smoother
from touchline.vision.track import Tracker
from touchline.vision.zoom import Zoom

PACKETS_HELD_S = 1.5
FRAMES_HELD = 4
LEAST_WIDTH = 160
LATE_S = 0.25
"""A picture older than this is not worth encoding while newer ones wait."""


class Out(Protocol):
    """Where the road ends: an `Outlet` in a worker, files in ``analyse``."""

    def send(self, message: StreamInfo | Packet | Fact, /) -> None:
        """Take ``message``, never blocking a live road."""


def passes_through(info: StreamInfo) -> bool:
    """Whether every browser can show the camera's own packets: H.264, 4:2:0 of 8 bits, no B-frames, upright."""
    plain = info.pixel_format in ("", "yuv420p", "yuvj420p")
    return info.codec == "h264" and plain and not info.has_b_frames and not info.turns


def frame_road(job: CameraJob, out: Out, clocks: Clocks, signals: Signals, pulse: Pulse) -> None:
    """Run the road until ``signals.stop`` or the recording's end.

    Raises `InputError` where the job cannot be done: no such model, no such function, and over a recording a
    source that cannot be read. A live source's faults are told to ``pulse`` and tried again.
    """
    live, stop = job.realtime, signals.stop
    capture = Capture(
        job.source, clock=clocks.media, stop=stop, on_state=pulse.state, loop=job.loop, realtime=live
    )
    detector = load_detector(job.model, width=job.detect_width, device=job.device)
    full_width = detector.width
    zoom = Zoom(full_width, detector.least_width)
    tracker = Tracker(first_id=job.first_track)
    propagator, smoother, register = Propagator(), Smoother(), Register()
    # Boxes that are burnt in are wanted in every picture.
    shedder = Shedder(job.detect_hz, sizes=detector.resizable, keys=not job.burn_in)
    pace, meter = Pace(), LoadMeter()
    latest = Latest(Tracks.empty(detector.labels))
    presenter = Presenter(job, out.send, signals, latest)
    packets = PacketBox(PACKETS_HELD_S, stop, lossy=live)
    frames = FrameBox(FRAMES_HELD, stop, lossy=live)
    damaged, waits = 0, False  # written by decode alone
    pulse.watch(
        reconnects=lambda: capture.reconnects,
        retry_at=lambda: capture.retry_at,
        source_dropped=lambda: capture.dropped,
        frames_skipped=lambda: packets.dropped + frames.dropped,
        decode_errors=lambda: damaged,
        pictures_late=lambda: presenter.too_late,
        analysis_waits=lambda: waits,
    )

    def take() -> None:
        """Source → packets. Those that browsers can play leave for the viewers here, untouched."""
        as_it_is = False
        for item in capture.packets():
            if isinstance(item, StreamInfo):
                as_it_is = untouched(item)
                pulse.stream(item, passthrough=as_it_is)
            else:
                pulse.count("fps_in", clocks.media())
            if as_it_is:
                out.send(item)
            packets.put(item)
        packets.close()

    def decode() -> None:
        """Packets → frames, and where viewers cannot have the camera's packets, encoded once for all."""
        nonlocal damaged, waits
        decoder: Decoder | None = None
        gate, missing = KeyGate(), Undecoded()
        for item in packets:
            if isinstance(item, StreamInfo):
                if not live:
                    rest(decoder)
                presenter.begin(item.fps, encode=live and not untouched(item))
                decoder = open_decoder(item, first_number=decoder.next_number if decoder else 1)
                waits = False
                continue
            if shedder.plan.keys_only and not presenter.watched:
                gate.shut()
                missing.picture()
            elif live and missing.packet(item.pts, is_key=item.is_key):
                missing.picture()
                capture.refuse()
            if decoder and gate.passes(is_key=item.is_key):
                errors = decoder.errors
                with pulse.progress.busy("decode"):
                    for frame in decoder.decode(item):
                        missing.picture()
                        capture.seen()
                        if frame.is_key or not shedder.plan.keys_only:
                            frames.put(frame)
                        if presenter.watched and not job.burn_in:
                            presenter.show(frame, late=late(frame))
                damaged += decoder.errors - errors
                waits = decoder.waits
        rest(decoder)
        if not live:
            pulse.set(pictures=decoder.next_number - 1 if decoder else 0)
        frames.close()

    def rest(decoder: Decoder | None) -> None:
        """The pictures that are still held back for reordering."""
        for frame in decoder.flush() if decoder and not stop.is_set() else ():
            frames.put(frame)

    def look() -> None:
        """Frames → detections now and then, tracks at every one → facts."""
        if live:
            yield_to_video()
        tracks, size, last = latest.tracks, (0, 0), -1
        held = deque[tuple[int, int, int]]()  # number, width and height of the pictures that wait for hindsight
        for frame in frames:
            if frame.pts <= last:  # a stream that lies about its order; time goes one way here
                continue
            with pulse.progress.busy("look"):
                last = frame.pts
                started, seconds = clocks.media(), frame.pts / MEDIA_CLOCK
                size = frame.width, frame.height
                tracker.resized(*size)
                held.append((frame.number, *size))
                if pace.due(frame.pts, shedder.plan.detect_hz, is_key=frame.is_key):
                    afforded = max(LEAST_WIDTH, round(full_width * shedder.plan.width_scale))
                    detector.set_width(zoom.width(seconds, afforded))
                    found = detector.detect(frame)
                    zoom.update(found, size, seconds, frame.sample_aspect)
                    tracks = tracker.update(found, seconds)
                    propagator.start(frame)
                    pulse.count("fps_detected", started)
                else:
                    tracks = tracker.coast(seconds, propagator.follow(frame, tracks.boxes))
                latest.set(tracks, frame.pts)
                # A recording can wait for the next detection, and has its boxes smoothed between the two.
                begun = [(seen, round(at * MEDIA_CLOCK)) for seen, at in tracker.begun]
                for final, pts in [(tracks, frame.pts)] if live else smoother.push(tracks, frame.pts, begun):
                    tell(final, pts, *held.popleft())
                if job.burn_in:  # the one picture that waits for its tracks: the user asked for it
                    presenter.show(frame)
                pulse.count("fps_analysed", started)
                load = meter.frame(started, clocks.media(), seconds, frames.dropped)
                if live and load is not None:
                    shedder.update(load)
                    pulse.set(shed=shedder.shed())
        for final, pts in smoother.flush():
            tell(final, pts, *held.popleft())
        presenter.close()

    def untouched(info: StreamInfo) -> bool:
        """Whether viewers get the camera's own packets."""
        return live and passes_through(info) and not presenter.alters

    def open_decoder(info: StreamInfo, *, first_number: int) -> Decoder:
        # Analysis does not see the difference that the loop filter makes; people do.
        skip = not presenter.watched
        try:
            return Decoder(info, motion=True, skip_loop_filter=skip, first_number=first_number)
        except InputError as error:
            what, _, remedy = str(error).partition("; ")
            raise SourceError(job.name or job.id, what, remedy, retry=False) from error

    def late(frame: Frame) -> bool:
        return live and len(packets) > 2 and clocks.media() - frame.pts / MEDIA_CLOCK > LATE_S

    def tell(tracks: Tracks, pts: int, number: int, width: int, height: int) -> None:
        here = tracks_data(tracks, width, height)
        if not live:
            here["frame"] = number
        for kind, data in [("tracks", here), *register.update(tracks, pts)]:
            out.send(Fact(fact_id(clocks.unix_ms()), job.id, kind, pts, data))

    run_together(stop, take, decode, look, presenter.window)
