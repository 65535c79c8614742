"""How sources are read and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.media.sources import Kind, Location, faults, redact
from touchline.types import SourceError


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("0", Kind.DEVICE),
        ("/dev/video3", Kind.DEVICE),
        ("match.mp4", Kind.FILE),
        ("a:b.mp4", Kind.FILE),
        ("rtsp://host/x", Kind.RTSP),
        ("RTSPS://host/x", Kind.RTSP),
        ("rtmp://host/live/x", Kind.RTMP),
        ("https://host/a/index.m3u8", Kind.HLS),
        ("srt://host:9000", Kind.SRT),
        ("test:", Kind.TEST),
        ("test:?fps=5", Kind.TEST),
    ],
)
def test_kinds(source: str, kind: Kind) -> None:
    assert Location.parse(source).kind is kind


@pytest.mark.parametrize("source", ["", "ftp://host/x", "rtsp:///path", "rtsp://[bad/x", "a\nb", "whip://x"])
def test_what_is_no_source_says_what_is(source: str) -> None:
    with pytest.raises(SourceError) as caught:
        Location.parse(source)
    assert "\n" not in str(caught.value)


@given(
    st.text(st.characters(blacklist_categories=["Z", "C"]), min_size=4).filter(lambda s: s.strip("*")),
    st.sampled_from(
        [
            "rtsp://user:{}@host/x",
            "rtsp://{}@host/x",
            "srt://host:9000?mode=caller&passphrase={}",
            "https://host/x.m3u8?token={}&a=b",
            "http://host/x.m3u8?api_key={}",
            "rtsp://host/user=admin&password={}&channel=1",
            "rtmp://host/live/{}",
            "RTMPS://host:443/app/instance/{}/",
            "rtmp://host/live/{}?start=0",
            "rtsp://admin:a blank {}@host/x",
            "https://host/a.m3u8?Policy={}&Expires=1",
            "https://host/a.m3u8?a=1&hdnts={}",
            "rtmp://host/live/x?k={}",
            "rtsp:/user:{}@host/x",
            "RTSP:user:{}@host/x",
            "rtmp:/host/live/{}",
            "https:/host/x.m3u8?hdnts={}",
        ]
    ),
)
def test_no_secret_is_shown(secret: str, pattern: str) -> None:
    if "=" in pattern or "/{}" in pattern:
        # In a path or parameter the reserved ones end it, so they are written quoted.
        secret = "".join(c for c in secret if c not in "&/?#;@") or "hidden"
    marked = "Q7" + secret
    shown = redact(pattern.format(marked))
    assert marked not in shown
    assert "***" in shown
    assert "host" in shown


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("rtsp:/host/x", "rtsp://host/x"),
        ("RTSP:host", "rtsp://host"),
        ("rtsp:/u:s3cret@host/x", "rtsp://***@host/x"),
        ("rtmp:/host/live/s3cret", "rtmp://host/live/***"),
        ("TEST:", "test:"),
        ("Test:?fps=5", "test:?fps=5"),
        ("a:b.mp4", ""),
        ("match.mp4", ""),
        ("file:rtsp:/host", ""),
    ],
)
def test_what_is_a_file_for_want_of_a_slash_is_known(source: str, meant: str) -> None:
    location = Location.parse(source)
    assert location.kind is Kind.FILE
    assert location.meant == meant
    told = str(faults.no_file(location))
    assert told.endswith(f"; did you mean {meant}?" if meant else "; check the path")
    assert "s3cret" not in told


def test_the_rest_stays_readable() -> None:
    assert redact("rtsp://u:p@10.0.0.7:554/court?channel=2") == "rtsp://***@10.0.0.7:554/court?channel=2"
    assert redact("rtmp://u:p@h:1935/live/key?start=0") == "rtmp://***@h:1935/live/***?start=***"
    assert redact("rtmp://h") == "rtmp://h"
    assert redact("rtsp://h/x@y") == "rtsp://***@y"
    assert redact("matches/a@b.mp4") == "matches/a@b.mp4"
    assert redact("srt://h:9?latency=80&passphrase=abc") == "srt://h:9?latency=80&passphrase=***"
