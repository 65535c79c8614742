"""Tracks drawn into a picture."""

from __future__ import annotations

import re
from pathlib import Path

import touchline
from touchline.media.draw import COLOURS, colour_of


def test_a_track_has_the_page_s_colour() -> None:
    page = (Path(touchline.__file__).parent / "app" / "web" / "colours.js").read_text()
    assert tuple(re.findall(r"#[0-9a-f]{6}", page)) == COLOURS
    assert colour_of(8) == (0xF5, 0xA6, 0x23)
