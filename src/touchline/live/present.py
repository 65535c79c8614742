"""A frame as viewers get it, where they don't get the camera's own packets."""

from __future__ import annotations

import threading
from collections.abc import Callable

from touchline.live.display import Window
from touchline.live.job import CameraJob
from touchline.live.user_step import Context, UserStep
from touchline.media.colour import frame_from_rgb, rgb_from_frame
from touchline.media.draw import draw_tracks
from touchline.media.encode import Encoder
from touchline.types import MEDIA_CLOCK, Frame, Packet, StreamInfo, Tracks


class Presenter:
    """The user's step, the tracks drawn in, the window and the encoder: each only where it is asked for."""

    def __init__(
        self,
        job: CameraJob,
        send: Callable[[StreamInfo | Packet], None],
        wants_key: threading.Event,
        closed: Callable[[], None],
    ) -> None:
        self._job = job
        self._send = send
        self._wants_key = wants_key
        self._closed = closed
        self._step = UserStep(job.process) if job.process else None
        self._window: Window | None = None
        self._encoder: Encoder | None = None
        self._sent_info: StreamInfo | None = None

    @property
    def alters(self) -> bool:
        """Whether what viewers see differs from what the camera sent."""
        return self._step is not None or self._job.burn_in

    def show(self, frame: Frame, tracks: Tracks, fps: float, *, encode: bool) -> None:
        """Present one frame; ``fps`` is the stream's declared rate in Hz, or 0."""
        drawn = self._drawn(frame, tracks)
        if encode:
            self._encode(drawn if self.alters else frame, fps)
        if self._job.display:
            self._display(drawn)

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()

    def _drawn(self, frame: Frame, tracks: Tracks) -> Frame:
        if self._step is None and not (self._job.burn_in or self._job.display):
            return frame
        image = rgb_from_frame(frame)
        scale = (1.0, 1.0)
        if self._step is not None:
            made = self._step(image, Context(self._job.id, frame.pts / MEDIA_CLOCK, tracks))
            image = rgb_from_frame(frame) if made is None else made
            if made is not None and (self._job.burn_in or self._job.display):
                image = made.copy()  # what the user's function returned is theirs, and may be read-only
            scale = (image.shape[1] / frame.width, image.shape[0] / frame.height)
        if self._job.burn_in or self._job.display:
            draw_tracks(image, tracks, scale)
        return frame_from_rgb(image, frame.pts)

    def _encode(self, frame: Frame, fps: float) -> None:
        if self._encoder is None:
            self._encoder = Encoder(frame.width, frame.height, fps or 30.0, bitrate=self._job.bitrate)
        wanted = self._wants_key.is_set()
        if wanted:
            self._wants_key.clear()
        packets = self._encoder.encode(frame, force_key=wanted)
        info = self._encoder.info
        if info != self._sent_info:
            self._sent_info = info
            self._send(info)
        for packet in packets:
            self._send(packet)

    def _display(self, frame: Frame) -> None:
        if self._window is None:
            self._window = Window(self._job.name or self._job.id)
        if not self._window.show(rgb_from_frame(frame)):
            self._closed()
