"""Files, good and bad, read for analysis and played live."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest

from tests import clips
from tests.clips import write_clip, write_sound
from tests.media.taking import Taking, decode_sizes, read_all
from touchline.media.capture import Capture
from touchline.types import CameraState, Packet, SourceError

FORMATS = [
    ("plain.mp4", {"codec": "libx264"}, "h264", False),
    ("reordered.mp4", {"codec": "libx264", "b_frames": 2}, "h264", True),
    ("reordered.ts", {"codec": "libx264", "b_frames": 2}, "h264", True),
    ("plain.mkv", {"codec": "libx264"}, "h264", False),
    ("plain.flv", {"codec": "libx264"}, "h264", False),
    ("plain.h264", {"codec": "libx264"}, "h264", False),
    ("hevc.mp4", {"codec": "libx265"}, "hevc", True),
    ("mjpeg.avi", {"codec": "mjpeg", "pixel_format": "yuvj420p", "width": 853, "height": 481}, "mjpeg", False),
    ("mpeg2.mpg", {"codec": "mpeg2video"}, "mpeg2video", True),
    ("vp9.webm", {"codec": "libvpx-vp9", "width": 160, "height": 90}, "vp9", False),
    ("portrait.mp4", {"codec": "libx264", "width": 360, "height": 640}, "h264", False),
    ("slow.mp4", {"codec": "libx264", "fps": 1}, "h264", False),
    ("fast.mp4", {"codec": "libx264", "fps": 60}, "h264", False),
]

NOBODY = 65534


@pytest.mark.parametrize(("name", "how", "codec", "reorders"), FORMATS, ids=[f[0] for f in FORMATS])
def test_a_recording_is_read_whole(
    tmp_path: Path, name: str, how: dict[str, int], codec: str, reorders: bool
) -> None:
    path = write_clip(tmp_path / name, frames=20, **how)  # type: ignore[arg-type]
    infos, packets = read_all(str(path))
    (info,) = infos
    size = (how.get("width", 640), how.get("height", 360))
    assert (info.codec, info.width, info.height, info.has_b_frames) == (codec, *size, reorders)
    assert decode_sizes(info, packets) == [size] * 20
    fps = how.get("fps", 25)
    assert info.fps == fps
    shown = sorted(packet.pts for packet in packets)
    # Matroska and FLV keep milliseconds.
    assert all(abs(pts - at * 90_000 / fps) <= 90 for at, pts in enumerate(shown))
    if not reorders:
        assert [packet.pts for packet in packets] == shown
    assert packets[0].is_key


def test_a_loop_goes_on_without_a_seam(tmp_path: Path) -> None:
    for name, b_frames in (("plain.mp4", 0), ("reordered.mp4", 2), ("plain.h264", 0)):
        path = write_clip(tmp_path / name, frames=10, b_frames=b_frames)
        infos, packets = read_all(str(path), loop=True, most=35)
        assert len(infos) == 1
        # Of the pictures of the last, unfinished round some may not have come yet.
        shown = sorted(packet.pts for packet in packets)[:30]
        assert shown == [at * 3600 for at in range(30)]


def text(path: Path) -> None:
    path.write_text("This is not a video.\n" * 200)


def cut(path: Path) -> None:
    data = write_clip(path.with_name("whole.mp4"), frames=30).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(100_000))


def empty(path: Path) -> None:
    path.touch()


def directory(path: Path) -> None:
    path.mkdir()


def sound(path: Path) -> None:
    write_sound(path)


def strange_codec(path: Path) -> None:
    # A video track whose four-character code nobody knows.
    data = write_clip(path, frames=5).read_bytes()
    assert data.count(b"avc1") > 0
    path.write_bytes(data.replace(b"avc1", b"zzzz"))


def missing(path: Path) -> None:
    pass


BAD = [
    (missing, "no such file"),
    (directory, "is a directory"),
    (empty, "is empty"),
    (text, "is not a video"),
    (noise, "is not a video"),
    (cut, "cut short"),
    (sound, "has no video"),
    (strange_codec, "cannot be decoded"),
]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "named.mp4"])
@pytest.mark.parametrize("loop", [False, True])
def test_a_single_picture_is_no_video(tmp_path: Path, name: str, loop: bool) -> None:
    path = tmp_path / name
    drawn = tmp_path / name.replace(".mp4", ".png")
    # FFmpeg knows a JPEG of a few kilobytes by what is in it, a larger one by its name.
    side = 640 if name == "a.jpg" else 64
    assert cv2.imwrite(str(drawn), np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8))
    drawn.rename(path)
    with pytest.raises(SourceError) as caught:
        read_all(str(path), loop=loop)
    assert str(caught.value) == f"{path}: is a single picture; give a video"
    assert not caught.value.retry


def test_a_video_of_one_picture_is_a_video(tmp_path: Path) -> None:
    for name, how in (("one.mp4", {}), ("one.avi", {"codec": "mjpeg", "pixel_format": "yuvj420p"})):
        _, packets = read_all(str(write_clip(tmp_path / name, frames=1, **how)))  # type: ignore[arg-type]
        assert len(packets) == 1


@pytest.mark.parametrize(("spoil", "what"), BAD, ids=[b[0].__name__ for b in BAD])
def test_a_bad_file_gives_one_line(tmp_path: Path, spoil, what: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "bad.mp4"
    spoil(path)
    with pytest.raises(SourceError) as caught:
        read_all(str(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert what in message
    assert "\n" not in message
    assert not caught.value.retry


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=3)
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)  # root may read everything
    try:
        with pytest.raises(SourceError, match="may not be read"):
            read_all(str(path))
    finally:
        os.seteuid(user)


def test_a_stream_cut_short_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.ts", frames=50)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    _, packets = read_all(str(path))
    assert 20 < len(packets) < 50


def test_a_change_of_size_is_told_before_its_first_packet(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "a.h264", frames=10, width=320, height=240)
    second = write_clip(tmp_path / "b.h264", frames=10, width=480, height=270)
    both = tmp_path / "both.h264"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    infos, packets = read_all(str(both))
    assert [(info.width, info.height) for info in infos] == [(320, 240), (480, 270)]
    assert decode_sizes(infos[0], packets) == [(320, 240)] * 10 + [(480, 270)] * 10


@pytest.mark.parametrize(("former", "latter"), [("libx264", "libx265"), ("libx265", "libx264")])
def test_a_change_of_codec_is_noticed_with_its_first_packet(tmp_path: Path, former: str, latter: str) -> None:
    """The switch comes in the middle of a group: the next key picture is nearly a second away."""
    first = write_clip(tmp_path / "first.ts", codec=former, frames=100)
    second = write_clip(tmp_path / "second.ts", codec=latter, frames=40)
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + clips.cut(second, 0, 5).read_bytes())
    packets: list[Packet] = []
    capture = Capture(str(both), clock=lambda: 0.0, stop=Event(), on_state=lambda *_: None, realtime=False)
    named = {"libx264": "h264", "libx265": "hevc"}
    with pytest.raises(SourceError, match=f"is no longer {named[former]} from here on"):
        packets += (item for item in capture.packets() if isinstance(item, Packet))
    assert 95 < len(packets) <= 100


def test_a_path_is_never_taken_for_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(Path("clip.mp4"), frames=5)
    Path("clip.mp4").rename("concat:odd.mp4")
    assert len(read_all("concat:odd.mp4")[1]) == 5


def test_live_a_file_keeps_its_pace_and_ends_as_stale(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", frames=40)
    with Taking(str(path)) as taking:
        message = taking.wait_state(CameraState.STALE)
        taking.thread.join(5)
        assert not taking.thread.is_alive()
    assert message is not None
    assert "has ended" in message
    assert [state for _, state, _ in taking.said] == [
        CameraState.CONNECTING,
        CameraState.LIVE,
        CameraState.STALE,
    ]
    assert len(taking.packets) == 40
    # Never before it is due; how long after depends on the machine.
    assert all(at >= pts - 0.001 for at, pts in zip(taking.times, taking.pts, strict=True))
    assert taking.times[-1] - taking.times[0] >= 39 * 0.04 - 0.01


def test_live_a_bad_file_is_told_and_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchline.media.capture.USER_WAIT_S", 0.5)
    path = tmp_path / "clip.mp4"
    with Taking(str(path)) as taking:
        message = taking.wait_state(CameraState.FAILED)
        assert message is not None
        assert "no such file" in message
        write_clip(tmp_path / "other.mp4", frames=50).rename(path)
        taking.wait_state(CameraState.LIVE)


def test_there_is_no_camera_here() -> None:
    number = next(n for n in range(90, 200) if not Path(f"/dev/video{n}").exists())
    for source in (str(number), f"/dev/video{number}"):
        with pytest.raises(SourceError, match="there is no such camera"):
            read_all(source)
