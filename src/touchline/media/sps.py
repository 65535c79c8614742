"""What a sequence parameter set says about the pictures after it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from touchline.media.annexb import VideoCodec

_ASPECTS = (
    *((0, 0), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11), (80, 33)),
    *((18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1)),
)
MOST_BYTES = 1024
"""No real set is as large, and the time that it takes to read one grows with the square of its size."""
_H264_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """``width`` and ``height`` in px after cropping; ``pixel_format`` FFmpeg's name; ``reorders``: whether
    pictures leave their decoding order (B-frames), None where the set does not say; ``fps``: Hz, 0.0 where it
    does not say; ``sample_aspect``: SAR, None where it does not say or, as H.265's, is not read."""

    width: int
    height: int
    pixel_format: str
    reorders: bool | None
    fps: float = 0.0
    sample_aspect: Fraction | None = None


def read_sps(codec: VideoCodec, sps: bytes) -> SequenceInfo | None:
    """Parse ``sps`` (a unit without start code); None if it is damaged, or what is read here does not end within
    `MOST_BYTES`."""
    bits = _Bits(sps[:MOST_BYTES].replace(b"\x00\x00\x03", b"\x00\x00"))
    try:
        info = _read_h264(bits) if codec == "h264" else _read_hevc(bits)
    except EOFError:
        return None
    return info if 0 < info.width <= 1 << 15 and 0 < info.height <= 1 << 15 else None


def is_b_slice(nal: bytes) -> bool:
    """Whether an H.264 slice unit (type 1 or 5) is bi-predicted (H.264 7.3.3, 7.4.3)."""
    bits = _Bits(nal[:24].replace(b"\x00\x00\x03", b"\x00\x00"))
    try:
        bits.take(8)
        bits.unsigned()
        return bits.unsigned() % 5 == 1
    except EOFError:
        return False


class _Bits:
    """Reads bits and Exp-Golomb codes (H.264 9.1). Raises `EOFError` at the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.take(1) == 1

    def unsigned(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise EOFError
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def _pixel_format(chroma: int, depth: int) -> str:
    base = ("gray", "yuv420p", "yuv422p", "yuv444p")[min(chroma, 3)]
    return base if depth == 8 else f"{base}{depth}le"


def _read_h264(bits: _Bits) -> SequenceInfo:
    """H.264 7.3.2.1.1."""
    bits.take(8)
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma, depth, separate = 1, 8, False
    if profile in _H264_WITH_CHROMA:
        chroma = bits.unsigned()
        separate = chroma == 3 and bits.flag()
        depth = bits.unsigned() + 8
        bits.unsigned()
        bits.flag()
        if bits.flag():
            for index in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.unsigned()
    order_type = bits.unsigned()
    if order_type == 0:
        bits.unsigned()
    elif order_type == 1:
        bits.flag()
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    bits.unsigned()
    bits.flag()
    columns = bits.unsigned() + 1
    rows = bits.unsigned() + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    left = right = top = bottom = 0
    if bits.flag():
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    unit_x, unit_y = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
    if separate:
        unit_x = unit_y = 1
    lines = 1 if frames_only else 2
    width = columns * 16 - unit_x * (left + right)
    height = rows * 16 * lines - unit_y * lines * (top + bottom)
    aspect, fps, reorders = _read_h264_vui(bits)
    # Baseline has no B slices (A.2.1); order type 2 is output in decoding order (8.2.1.3).
    if profile == 66 or order_type == 2:
        reorders = False
    return SequenceInfo(width, height, _pixel_format(chroma, depth), reorders, fps, aspect)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    """H.264 7.3.2.1.1.1."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _read_h264_vui(bits: _Bits) -> tuple[Fraction | None, float, bool | None]:
    """SAR, rate in Hz and whether max_num_reorder_frames > 0 (H.264 E.1.1); None, 0.0 and None where not there."""
    aspect, fps = None, 0.0
    if not bits.flag():
        return aspect, fps, None
    if bits.flag():
        aspect = _read_aspect(bits)
    if bits.flag():
        bits.flag()
    if bits.flag():
        bits.take(4)
        if bits.flag():
            bits.take(24)
    if bits.flag():
        bits.unsigned()
        bits.unsigned()
    if bits.flag():
        # A tick is a field, so a picture has two (E.2.1).
        units, scale = bits.take(32), bits.take(32)
        fps = scale / (2 * units) if units else 0.0
        bits.flag()
    nal_hrd = bits.flag()
    if nal_hrd:
        _skip_hrd(bits)
    vcl_hrd = bits.flag()
    if vcl_hrd:
        _skip_hrd(bits)
    if nal_hrd or vcl_hrd:
        bits.flag()
    bits.flag()
    if not bits.flag():
        return aspect, fps, None
    bits.flag()
    for _ in range(4):
        bits.unsigned()
    return aspect, fps, bits.unsigned() > 0


def _read_aspect(bits: _Bits) -> Fraction | None:
    """H.264 table E-1."""
    kind = bits.take(8)
    across, down = (bits.take(16), bits.take(16)) if kind == 255 else _ASPECTS[kind if kind < len(_ASPECTS) else 0]
    return Fraction(across, down) if across and down else None


def _skip_hrd(bits: _Bits) -> None:
    """H.264 E.1.2."""
    count = bits.unsigned() + 1
    bits.take(8)
    for _ in range(count):
        bits.unsigned()
        bits.unsigned()
        bits.flag()
    bits.take(20)


def _read_hevc(bits: _Bits) -> SequenceInfo:
    """H.265 7.3.2.2.1, up to the reordering."""
    bits.take(16 + 4)
    layers = bits.take(3)
    bits.flag()
    bits.take(88 + 8)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.unsigned()
    chroma = bits.unsigned()
    separate = chroma == 3 and bits.flag()
    width, height = bits.unsigned(), bits.unsigned()
    if bits.flag():
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width -= (2 if chroma in (1, 2) and not separate else 1) * (left + right)
        height -= (2 if chroma == 1 and not separate else 1) * (top + bottom)
    depth = bits.unsigned() + 8
    bits.unsigned()
    bits.unsigned()
    reorder = 0
    for _ in range(layers + 1 if bits.flag() else 1):
        bits.unsigned()
        reorder = bits.unsigned()
        bits.unsigned()
    return SequenceInfo(width, height, _pixel_format(chroma, depth), reorder > 0)
