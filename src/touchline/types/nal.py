"""The units of H.264 and H.265 in Annex B form, which media writes and deliver takes apart."""

from __future__ import annotations

from collections.abc import Iterator


def split_nals(annex_b: bytes) -> Iterator[bytes]:
    """The NAL units between start codes (H.264 and H.265, B.1), without leading and trailing zeros."""
    at = annex_b.find(b"\x00\x00\x01")
    while at >= 0:
        start = at + 3
        at = annex_b.find(b"\x00\x00\x01", start)
        nal = annex_b[start : at if at >= 0 else len(annex_b)].rstrip(b"\x00")
        if nal:
            yield nal
