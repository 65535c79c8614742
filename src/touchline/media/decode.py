"""Packets → frames."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.codec.context import Flags, Flags2, ThreadType
from av.error import FFmpegError
from av.sidedata.sidedata import SideDataContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from touchline.media.numbering import Numbering
from touchline.media.sources.aspect import plausible
from touchline.media.upright import turn
from touchline.types.errors import InputError
from touchline.types.frame import Frame
from touchline.types.packet import MEDIA_CLOCK, Packet, StreamInfo

_TICK = Fraction(1, MEDIA_CLOCK)
_BT709 = 1  # AVCOL_SPC_BT709
_MATRICES_601 = (4, 5, 6, 7)  # AVCOL_SPC_FCC, BT470BG, SMPTE170M, SMPTE240M: all nearer to 601 than to 709
_UNSPECIFIED = 2
_FULL = 2  # AVCOL_RANGE_JPEG
_HD_HEIGHT = 720

# AVMotionVector (libavutil/motion_vector.h), little-endian: which bytes, and which int16 of its 20, say what.
_MV_BYTES, _MV_WIDTH, _MV_HEIGHT = 40, 4, 5
_MV_X, _MV_Y, _MV_DX, _MV_DY = 5, 6, 12, 14

HEALING = MEDIA_CLOCK
"""How long pictures after damage are kept back where no key frame comes."""


class Decoder:
    """One stream's packets, decoded at once: every packet gives its picture before the next is read.

    ``info``: what the packets hold. ``motion``: give h264 frames the motion vectors that their blocks were
    coded with. ``threads``: that share one picture's slices; 1 is cheapest. ``skip_loop_filter``: leave
    out deblocking, which saves about 6 % and which people see but detectors do not.

    Pictures come upright, whichever way the camera was held.

    Pictures before the first key frame are not given, for decoders fill them with grey; nor those after a damaged
    packet until the next key frame, or in H.264 for `HEALING` where that is longer to come: what was damaged has
    mostly been drawn over by then, and nobody is lost for all of a long GOP. ``errors`` counts damaged packets,
    without what only lacks its key frame.

    Not in H.265: FFmpeg's decoder puts grey where H.264's puts the last picture, and it stays where nothing moves.
    Of three people in a clip of one GOP, a detector finds all in H.264's pictures, from the lost packet on, but
    none for a second in H.265's, and one or two after three.

    ``first_number``: the first picture's number; what was lost before it comes on top where it is not 1.

    Raises `InputError` where this build of FFmpeg cannot decode ``info.codec``.
    """

    def __init__(
        self,
        info: StreamInfo,
        *,
        motion: bool = False,
        threads: int = 1,
        skip_loop_filter: bool = False,
        first_number: int = 1,
    ) -> None:
        self.errors = 0
        self._numbering = Numbering(first_number)
        self._codec = _open(info, motion=motion, threads=threads, skip_loop_filter=skip_loop_filter)
        self._motion = motion and info.codec == "h264"
        # This decoder keeps pictures to itself until they are whole, also where they get so bit by bit
        # (intra refresh) and no key frame ever comes; after damage it draws on what it has.
        self._recovers = info.codec == "h264"
        self._reorders = info.has_b_frames
        self._turns = info.turns
        self._sample_aspect = info.sample_aspect
        # Those of the others are read ahead of the decoder: another shape is another `StreamInfo`.
        self._tells_aspect = info.codec not in ("h264", "hevc")
        self._told_aspect: float | None = None
        self._reformatter = VideoReformatter()
        self._whole = False  # a key frame came, and nothing was damaged of late
        self._damaged: int | None = None  # when something was

    @property
    def waits(self) -> bool:
        """Whether pictures are kept back, for something was damaged."""
        return self._damaged is not None and not self._whole

    @property
    def next_number(self) -> int:
        """The number of the next picture; after `flush` all that were lost count."""
        return self._numbering.next

    def decode(self, packet: Packet) -> list[Frame]:
        """The frames, in presentation order, that ``packet`` completes: one, or none, or with B-frames more."""
        self._numbering.packet(packet.pts, torn=packet.torn)
        expected = self._whole or packet.is_key
        if not packet.data:  # FFmpeg would take it for the end of the stream
            self.errors += 1
            self._hurt(packet.pts, begun=expected)
            return []
        unit = av.Packet(packet.data)
        unit.pts, unit.time_base = packet.pts, _TICK
        unit.is_keyframe = packet.is_key
        frames, damaged = self._frames(unit)
        if damaged:
            self.errors += expected
            self._hurt(packet.pts, begun=expected)
        return frames

    def flush(self) -> list[Frame]:
        """The frames still held back for reordering. The next packet starts anew, at a key frame."""
        frames, damaged = self._frames(None)
        self.errors += damaged
        if damaged:
            self._numbering.damage()
        self._numbering.end()
        self._restart()
        return frames

    def _frames(self, unit: av.Packet[Any] | None) -> tuple[list[Frame], bool]:
        """The frames up to the first damaged one, and whether there is one."""
        try:
            pictures = self._codec.decode(unit)
        except FFmpegError:
            return [], True
        frames: list[Frame] = []
        for picture in pictures:
            if picture.is_corrupt and (self._whole or self._recovers):
                return frames, True
            self._whole = self._whole or picture.key_frame or self._healed(picture.pts)
            if self._whole and picture.pts is not None:
                frames.append(self._frame(picture, picture.pts))
        return frames, False

    def _hurt(self, pts: int, *, begun: bool) -> None:
        """Something at ``pts`` is damaged; ``begun``: of a stream that pictures had come of."""
        self._numbering.damage()
        if begun or self._damaged is not None:
            self._whole, self._damaged = False, pts
        else:
            self._restart()

    def _healed(self, pts: int | None) -> bool:
        """Whether a picture that is no key frame is fit to be seen."""
        if self._damaged is None or not self._recovers:
            return self._recovers
        return pts is not None and not 0 <= pts - self._damaged < HEALING

    def _restart(self) -> None:
        self._codec.flush_buffers()
        self._whole, self._damaged = False, None

    def _frame(self, picture: VideoFrame, pts: int) -> Frame:
        self._reorders = self._reorders or picture.pict_type == PictureType.B or self._codec.has_b_frames
        # With B-frames a block's reference is not the picture shown before it, in interlaced ones half of it.
        usable = self._motion and not self._reorders and not picture.interlaced_frame
        motion = _motion(picture) if usable else None
        is_key = picture.key_frame
        full_range = picture.color_range == _FULL or picture.format.name.startswith("yuvj")
        bt709 = _is_bt709(picture)
        if picture.format.name not in ("yuv420p", "yuvj420p"):
            full_range = full_range and not picture.format.is_rgb
            picture = self._to_420(picture, full_range=full_range, bt709=bt709)
        y, u, v = (_view(plane) for plane in picture.planes)
        number = self._numbering.picture(pts)
        aspect = self._aspect()
        return turn(Frame(pts, y, u, v, is_key, full_range, bt709, motion, picture, number, aspect), self._turns)

    def _aspect(self) -> float:
        """SAR, as ``info`` has it until the pictures themselves say another than they began with."""
        if self._tells_aspect:
            told = plausible(self._codec.sample_aspect_ratio)
            if self._told_aspect not in (None, told):
                self._sample_aspect = told
            self._told_aspect = told
        return self._sample_aspect

    def _to_420(self, picture: VideoFrame, *, full_range: bool, bt709: bool) -> VideoFrame:
        matrix = Colorspace.ITU709 if bt709 else Colorspace.ITU601
        extent = ColorRange.JPEG if full_range else ColorRange.MPEG
        rgb = picture.format.is_rgb
        return self._reformatter.reformat(
            picture,
            format="yuv420p",
            src_colorspace=None if rgb else matrix,
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG if rgb else extent,
            dst_color_range=extent,
            threads=1,
        )


def _open(info: StreamInfo, *, motion: bool, threads: int, skip_loop_filter: bool) -> VideoCodecContext:
    # FFmpeg's own "av1" only drives hardware.
    name = "libdav1d" if info.codec == "av1" else info.codec
    try:
        codec = av.CodecContext.create(name, "r")
    except UnknownCodecError as error:
        raise InputError(
            f"codec {info.codec}: this FFmpeg has no decoder for it; have the camera send H.264"
        ) from error
    if not isinstance(codec, VideoCodecContext):
        raise InputError(f"codec {info.codec}: is not video; give a stream with a picture")
    codec.extradata = info.extradata or None
    codec.thread_count = threads
    codec.thread_type = ThreadType.SLICE if threads > 1 else ThreadType.NONE  # FRAME would delay
    if info.codec == "h264" and not info.has_b_frames:
        codec.flags |= Flags.low_delay  # h264 alone would wait; others know when they need not
    if info.codec == "hevc":
        codec.flags |= Flags.output_corrupt  # or it says nothing of pictures whose forerunners are missing
    if motion:
        codec.flags2 |= Flags2.export_mvs
    if skip_loop_filter:
        codec.options = {"skip_loop_filter": "all"}
    codec.width, codec.height = info.width, info.height  # some codecs' packets do not say
    if info.codec == "rawvideo":
        codec.pix_fmt = info.pixel_format
    return codec


def _is_bt709(picture: VideoFrame) -> bool:
    space = picture.colorspace
    if space == _UNSPECIFIED or picture.format.is_rgb:
        return picture.height >= _HD_HEIGHT
    return space not in _MATRICES_601


def _view(plane: VideoPlane) -> NDArray[np.uint8]:
    """The plane's pixels (H, W) where they lie; the view keeps the picture alive."""
    stride = abs(plane.line_size)
    rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, stride)[: plane.height, : plane.width]
    return rows if plane.line_size > 0 else rows[::-1]


def _motion(picture: VideoFrame) -> NDArray[np.int16] | None:
    """`Frame.motion`. Copied, and read through a container of our own: ``picture.side_data`` would tie
    picture and container into a cycle that holds the picture's memory until the garbage collector runs."""
    side_data = cast(Any, SideDataContainer)(picture)
    if "MOTION_VECTORS" not in side_data:
        return None
    raw = np.frombuffer(side_data["MOTION_VECTORS"], np.uint8).reshape(-1, _MV_BYTES)
    halves = raw.view(np.int16)
    vectors = np.empty((len(raw), 6), np.int16)
    # Column by column: four times as fast as two at a time.
    vectors[:, 0] = halves[:, _MV_X]
    vectors[:, 1] = halves[:, _MV_Y]
    np.negative(halves[:, _MV_DX], out=vectors[:, 2])  # FFmpeg points back to where the block came from
    np.negative(halves[:, _MV_DY], out=vectors[:, 3])
    vectors[:, 4] = raw[:, _MV_WIDTH]
    vectors[:, 5] = raw[:, _MV_HEIGHT]
    return vectors
