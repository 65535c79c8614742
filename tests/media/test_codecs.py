"""Codecs are tried out, so that what is broken is found: here each is broken in turn."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import av
import numpy as np
import pytest

from touchline.media import codecs
from touchline.media.codecs import probe_codecs


def test_all_work_here() -> None:
    found = {each.name: each for each in probe_codecs()}
    assert list(found) == ["H.264 decoder", "H.265 decoder", "H.264 encoder (x264)", "ffmpeg program", "SRT"]
    for each in found.values():
        assert each.works, each
        assert each.remedy == ""


def broken() -> dict[str, str]:
    return {each.name: each.found for each in probe_codecs() if not each.works}


@pytest.mark.parametrize(("half", "wanted"), [("_BRIGHT", "60 and 180"), ("_DARK", "180 and 200")])
def test_a_clip_that_decodes_to_another_picture_is_noticed(
    half: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs, half, 180)
    found = broken()
    for name in ("H.264 decoder", "H.265 decoder", "ffmpeg program"):
        assert f"gave luma 60 and 200, not {wanted}" in found[name]


@pytest.mark.parametrize(("name", "constant"), [("H.264 decoder", "H264"), ("H.265 decoder", "H265")])
def test_a_decoder_that_gives_nothing_or_fails_is_noticed(
    name: str, constant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = base64.b85decode(getattr(codecs, constant))
    for data in (b"", whole[: len(whole) // 3], np.random.default_rng(0).bytes(300)):
        monkeypatch.setattr(codecs, constant, base64.b85encode(data).decode())
        assert name in broken()


def test_an_encoder_that_is_not_there_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = av.CodecContext.create

    def create(codec: str, mode: str) -> object:
        if mode == "w":
            raise av.error.EncoderNotFoundError(0, f"no {codec}")
        return real(codec, mode)

    monkeypatch.setattr(av.CodecContext, "create", create)
    assert "no libx264" in broken()["H.264 encoder (x264)"]


@pytest.mark.parametrize(
    "script",
    ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho cat\n", "#!/bin/sh\n", "no program"],
    ids=["status 3", "cat", "nothing", "text"],
)
def test_an_ffmpeg_that_does_nothing_is_noticed(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ffmpeg"
    file.write_text(script)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(codecs.imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(file))
    found = broken()
    assert "SRT" in found
    assert "\n" not in found["ffmpeg program"]
