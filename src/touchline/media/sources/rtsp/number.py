"""Numbers in what a server says."""

from __future__ import annotations

import re


def whole_number(text: str) -> int | None:
    """``text`` as a number ≥ 0; None where it is none that fits 60 bits. A server may send 5,000 digits."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None
