"""Keeps a stream's `StreamInfo` true while its packets go by: sizes change, and B-frames may show late."""

from __future__ import annotations

from dataclasses import replace

from touchline.media.annexb import AnnexB, VideoCodec, is_picture, nal_type
from touchline.media.sources.aspect import aspect_of_hevc, plausible
from touchline.media.sps import is_b_slice, read_sps
from touchline.types import MEDIA_CLOCK, StreamInfo, split_nals


class Format:
    """Puts h264 and hevc packets into Annex B form and learns from them; other codecs pass.

    ``info`` starts with what the container declares; parameter sets overrule it, but for ``sample_aspect``
    where the container has a word of its own on that (``own_aspect``): somebody has put it right afterwards.
    """

    def __init__(self, declared: StreamInfo, *, own_aspect: bool = False) -> None:
        self.info = declared
        self._own_aspect = own_aspect
        self._form: AnnexB | None = None
        self._codec: VideoCodec = "hevc" if declared.codec == "hevc" else "h264"
        self._sps = b""
        self._settled = False
        self._highest: int | None = None
        if declared.codec in ("h264", "hevc"):
            self._form = AnnexB(self._codec, declared.extradata)
            self.info = replace(declared, extradata=self._form.parameter_sets)
            self._take_sps()

    def update_extradata(self, extradata: bytes) -> None:
        """The container has new parameter sets."""
        if self._form:
            self._form.update_extradata(extradata)
        else:
            self.info = replace(self.info, extradata=extradata)

    def packet(self, data: bytes, pts: int | None, *, is_key: bool) -> tuple[bytes, bool]:
        """The packet as it travels on, and whether ``info`` is another from it on."""
        former = self.info
        if self._form:
            data = self._form.packet(data, is_key=is_key)
        if is_key:
            self._take_sps()
        if not self.info.has_b_frames and not self._settled:
            b_slice = self._form is not None and self._codec == "h264" and not is_key and _has_b_slice(data)
            if self._goes_back(pts) or b_slice:
                self.info = replace(self.info, has_b_frames=True)
        return data, self.info is not former

    def _goes_back(self, pts: int | None) -> bool:
        """Whether ``pts`` is before one we had. By a second or more is a source that started anew."""
        if pts is None:
            return False
        highest = pts if self._highest is None else self._highest
        back = highest - MEDIA_CLOCK < pts < highest
        self._highest = highest if back else pts
        return back

    def _take_sps(self) -> None:
        if not self._form or self._form.sps == self._sps:
            return
        self._sps = self._form.sps
        said = read_sps(self._codec, self._sps)
        if said is None:
            return
        self._settled = said.reorders is not None
        # FFmpeg calls 8-bit full-range formats yuvj…; the set itself does not.
        aspect = aspect_of_hevc(self._form.parameter_sets) if self._codec == "hevc" else said.sample_aspect
        same_pixels = self.info.pixel_format.replace("yuvj", "yuv") == said.pixel_format
        info = replace(
            self.info,
            width=said.width,
            height=said.height,
            fps=self.info.fps or said.fps,
            pixel_format=self.info.pixel_format if same_pixels else said.pixel_format,
            has_b_frames=self.info.has_b_frames if said.reorders is None else said.reorders,
            sample_aspect=self.info.sample_aspect if self._own_aspect else plausible(aspect),
        )
        if info != self.info:
            self.info = replace(info, extradata=self._form.parameter_sets)


def _has_b_slice(data: bytes) -> bool:
    for nal in split_nals(data[:4096]):
        if is_picture("h264", nal_type("h264", nal)):
            return is_b_slice(nal)
    return False
