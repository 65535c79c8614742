"""A frame as people get it, where they don't get the camera's own packets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from touchline.live.display import Window
from touchline.live.job import CameraJob, Signals
from touchline.live.latest import Latest
from touchline.live.mailbox import Mailbox
from touchline.live.user_step import Context, UserStep
from touchline.media.colour import frame_from_rgb, rgb_from_frame
from touchline.media.draw import draw_tracks
from touchline.media.encode import Encoder
from touchline.types import MEDIA_CLOCK, Frame, Packet, StreamInfo, Tracks

PICTURES_HELD = 2
BOXES_S = 0.1
"""So long the local window waits for a picture's boxes; then those of the last picture must do."""


class Presenter:
    """The user's step, the tracks burnt in, the encoder and the local window: each only where it is asked for.

    `begin` is called at each stream's begin, `show` once per picture, in whichever thread has all that the picture
    needs; `window` in a thread of its own, so that a slow screen holds up nobody.
    """

    def __init__(
        self, job: CameraJob, send: Callable[[StreamInfo | Packet], None], signals: Signals, latest: Latest
    ) -> None:
        self.too_late = 0
        self._job = job
        self._send = send
        self._signals = signals
        self._latest = latest
        self._step = UserStep(job.process) if job.process else None
        self._encodes = False
        self._fps = 0.0
        self._encoder: Encoder | None = None
        self._encoded_fps = 0.0
        self._sent_info: StreamInfo | None = None
        self._pictures = Mailbox[tuple[Frame, tuple[int, int]]](PICTURES_HELD, signals.stop, lossy=True)

    @property
    def alters(self) -> bool:
        """Whether what viewers see differs from what the camera sent."""
        return self._step is not None or self._job.burn_in

    @property
    def watched(self) -> bool:
        """Whether people see the decoded pictures."""
        return self._encodes or self._job.display

    def begin(self, fps: float, *, encode: bool) -> None:
        """A stream of declared rate ``fps``, Hz or 0, begins. ``encode``: viewers cannot have its own packets."""
        self._encodes, self._fps = encode, fps

    def show(self, frame: Frame, *, late: bool = False) -> None:
        """Present one frame; a ``late`` one is but counted."""
        if late:
            self.too_late += 1
            return
        shown = self._altered(frame) if self.alters else frame
        if self._encodes:
            self._encode(shown)
        if self._job.display:
            self._pictures.put((shown, (frame.width, frame.height)))

    def close(self) -> None:
        """No more pictures will come."""
        self._pictures.close()

    def window(self) -> None:
        """Show the pictures on this machine's screen until the user closes the window."""
        if not self._job.display:
            return
        window = Window(self._job.name or self._job.id)
        for shown in self._pictures.ticking():
            if shown is not None:
                picture, size = shown
                image = rgb_from_frame(picture)
                if not self._job.burn_in:
                    draw_tracks(image, self._latest.at(picture.pts, BOXES_S), _scale(image, size))
                window.show(image)
            if window.wants_to_close():  # asked for without a picture too: a camera may freeze
                self._signals.quit.set()
                break
        window.close()

    def _altered(self, frame: Frame) -> Frame:
        tracks, size = self._latest.tracks, (frame.width, frame.height)
        image = rgb_from_frame(frame)
        if self._step is not None:
            made = self._step(image, Context(self._job.id, frame.pts / MEDIA_CLOCK, _in(image, size, tracks)))
            if made is None and self._step.error and not self._signals.faults:
                self._signals.faults.append(self._step.error)
            image = rgb_from_frame(frame) if made is None else made
            if made is not None and self._job.burn_in:
                image = made.copy()  # what the user's function returned is theirs, and may be read-only
        if self._job.burn_in:
            draw_tracks(image, tracks, _scale(image, size))
        return frame_from_rgb(image, frame.pts)

    def _encode(self, frame: Frame) -> None:
        if self._encoder is None or self._encoded_fps != self._fps:
            self._encoded_fps = self._fps
            self._encoder = Encoder(frame.width, frame.height, self._fps, bitrate=self._job.bitrate)
        wanted = self._signals.key.is_set()
        if wanted:
            self._signals.key.clear()
        packets = self._encoder.encode(frame, force_key=wanted)
        info = self._encoder.info
        if info != self._sent_info:
            self._sent_info = info
            self._send(info)
        for packet in packets:
            self._send(packet)


def _scale(image: NDArray[np.uint8], size: tuple[int, int]) -> tuple[float, float]:
    """px of ``image`` per px of a frame of ``size`` (width, height), across and down."""
    return image.shape[1] / size[0], image.shape[0] / size[1]


def _in(image: NDArray[np.uint8], size: tuple[int, int], tracks: Tracks) -> Tracks:
    """``tracks`` of a frame of ``size`` (width, height), in px of ``image``."""
    scale = _scale(image, size)
    return tracks if scale == (1, 1) else replace(tracks, boxes=tracks.boxes * np.array(scale * 2, np.float32))
