"""Packets in, frames out: real encoders' packets, whole, damaged, late and in every shape."""

from __future__ import annotations

import gc
import resource
import weakref

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scene import STEP, Luma, Scene, Sprite, coded, texture
from touchline.media.decode import Decoder
from touchline.types import MEDIA_CLOCK, Frame, InputError, Packet, StreamInfo

PAN = Scene(192, 128, camera=lambda k: (100 + 4 * k, 100 + 2 * k))
TO_AND_FRO = Scene(192, 128, camera=lambda k: (100 + 4 * abs(k % 20 - 10), 100))
STILL = Scene(192, 128, (Sprite(48, 64, lambda k: (140 + 4 * k, 130)),))


def pictures(scene: Scene, count: int) -> list[Luma]:
    return [scene.picture(k) for k in range(count)]


def decoded(decoder: Decoder, packets: list[Packet]) -> list[Frame]:
    return [frame for packet in packets for frame in decoder.decode(packet)] + decoder.flush()


def video_range(luma: Luma) -> np.ndarray:
    return luma.astype(float) * 219 / 255 + 16


@pytest.mark.parametrize(
    "codec", ["libx264", "libx265", "libvpx", "libvpx-vp9", "libsvtav1", "mpeg4", "mpeg2video"]
)
def test_every_picture_comes_once_in_order_and_right(codec: str) -> None:
    shown = pictures(PAN, 12)
    info, packets = coded(shown, codec)
    decoder = Decoder(info)
    frames = decoded(decoder, packets)
    assert [frame.pts for frame in frames] == [k * STEP for k in range(12)]
    assert decoder.errors == 0
    for frame, luma in zip(frames, shown, strict=True):
        assert np.abs(frame.y - video_range(luma)).mean() < 6
    assert frames[0].is_key
    assert not frames[5].is_key


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx", "mjpeg"])
def test_a_picture_does_not_wait_for_the_next_packet(codec: str) -> None:
    shown = pictures(PAN, 6)
    info, packets = coded(shown, codec, pixel_format="yuvj420p" if codec == "mjpeg" else "yuv420p")
    decoder = Decoder(info, threads=2)
    assert [[frame.pts for frame in decoder.decode(packet)] for packet in packets] == [
        [k * STEP] for k in range(6)
    ]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("codec", "options"), [("libx264", {"bf": "3"}), ("libx265", {"x265-params": "bframes=3:log-level=none"})]
)
def test_b_frames_come_in_presentation_order_and_without_motion(
    codec: str, options: dict[str, str], told: bool
) -> None:
    info, packets = coded(pictures(STILL, 20), codec, options)
    assert [packet.pts for packet in packets] != sorted(packet.pts for packet in packets)
    info = StreamInfo(info.codec, info.width, info.height, has_b_frames=told)
    frames = decoded(Decoder(info, motion=True), packets)
    assert [frame.pts for frame in frames] == [k * STEP for k in range(20)]
    assert all(frame.motion is None for frame in frames)


@pytest.mark.parametrize(("width", "height"), [(190, 126), (191, 127), (98, 190)])
def test_odd_and_portrait_sizes(width: int, height: int) -> None:
    scene = Scene(width, height)
    info, packets = coded(pictures(scene, 3), "mjpeg" if width % 2 else "libx264", pixel_format="yuvj420p")
    frames = decoded(Decoder(info), packets)
    assert len(frames) == 3
    assert frames[0].y.shape == (height, width)
    assert frames[0].u.shape == ((height + 1) // 2, (width + 1) // 2)
    assert np.abs(frames[0].y.astype(float) - scene.picture(0)).mean() < 6


def test_planes_are_the_decoders_own_memory() -> None:
    info, packets = coded(pictures(PAN, 2))
    frame = Decoder(info).decode(packets[0])[0]
    picture = frame.native
    assert isinstance(picture, av.VideoFrame)
    for view, plane in zip((frame.y, frame.u, frame.v), picture.planes, strict=True):
        assert view.ctypes.data == plane.buffer_ptr
        assert view.strides == (plane.line_size, 1)


def test_a_frame_outlives_its_decoder() -> None:
    shown = pictures(PAN, 20)
    info, packets = coded(shown)
    decoder = Decoder(info)
    first = decoder.decode(packets[0])[0]
    before = first.y.copy()
    for packet in packets[1:]:
        decoder.decode(packet)
    del decoder
    gc.collect()
    assert np.array_equal(first.y, before)


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuvj422p", "yuvj444p"])
def test_mjpeg_keeps_its_full_range(pixel_format: str) -> None:
    luma = texture(192, 128, 3, 0, 255)
    info, packets = coded([luma], "mjpeg", pixel_format=pixel_format)
    frame = decoded(Decoder(info), packets)[0]
    assert frame.full_range
    assert frame.u.shape == (64, 96)
    assert np.abs(frame.y.astype(float) - luma).mean() < 5
    assert frame.y.min() < 8
    assert frame.y.max() > 247


def test_ten_bits_become_eight() -> None:
    luma = texture(192, 128, 3)
    info, packets = coded([luma], "libx264", pixel_format="yuv420p10le")
    frame = decoded(Decoder(info), packets)[0]
    assert not frame.full_range
    assert np.abs(frame.y - video_range(luma)).mean() < 4


@pytest.mark.parametrize(("height", "bt709"), [(128, False), (720, True)])
def test_rgb_takes_the_matrix_of_its_size(height: int, bt709: bool) -> None:
    red = np.zeros((height, 64, 3), np.uint8)
    red[..., 0] = 255
    info = StreamInfo("rawvideo", 64, height, pixel_format="rgb24")
    frame = Decoder(info).decode(Packet(red.tobytes(), 90, True))[0]
    assert (frame.pts, frame.is_key, frame.full_range, frame.bt709) == (90, True, False, bt709)
    assert abs(int(frame.y[5, 5]) - (63 if bt709 else 81)) <= 2  # 16 + 219 · (0.2126 or 0.299)
    assert abs(int(frame.v[5, 5]) - 240) <= 2


@pytest.mark.parametrize(
    ("parameters", "pixel_format", "full", "bt709"),
    [
        ("colormatrix=bt709", "yuvj420p", True, True),
        ("colormatrix=smpte170m", "yuv420p", False, False),
        ("colormatrix=bt470bg", "yuv420p", False, False),
        ("", "yuv420p", False, False),
    ],
)
def test_colour_is_what_the_stream_says(parameters: str, pixel_format: str, full: bool, bt709: bool) -> None:
    options = {"x264-params": parameters} if parameters else {}
    info, packets = coded(pictures(PAN, 1), options=options, pixel_format=pixel_format)
    frame = decoded(Decoder(info), packets)[0]
    assert (frame.full_range, frame.bt709) == (full, bt709)


def test_unspecified_hd_is_bt709() -> None:
    info, packets = coded([texture(64, 720, 0)])
    assert decoded(Decoder(info), packets)[0].bt709


def test_motion_is_the_movement_since_the_former_picture() -> None:
    info, packets = coded(pictures(PAN, 10))
    frames = decoded(Decoder(info, motion=True), packets)
    assert frames[0].motion is None
    for frame in frames[2:]:
        motion = frame.motion
        assert motion is not None
        assert (motion.dtype, motion.shape[1]) == (np.int16, 6)
        # The camera goes right and down, so the picture goes left and up, in quarter px.
        assert np.median(motion[:, 2:4], axis=0).tolist() == [-16, -8]
        assert motion[:, 0].max() < 192
        assert motion[:, 1].max() < 128
        assert set(np.unique(motion[:, 4:])) <= {4, 8, 16}
    area = (motion[:, 4].astype(int) * motion[:, 5]).sum()
    assert 0.8 * 192 * 128 < area <= 192 * 128


def test_motion_only_where_asked_and_told() -> None:
    info, packets = coded(pictures(PAN, 4))
    assert all(frame.motion is None for frame in decoded(Decoder(info), packets))
    info, packets = coded(pictures(PAN, 4), "libx265")
    assert all(frame.motion is None for frame in decoded(Decoder(info, motion=True), packets))


def _pictures_alive() -> int:
    return sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())


def test_motion_keeps_no_picture_alive() -> None:
    """Without the garbage collector, frames let go are gone at once, and memory stays flat."""
    info, packets = coded([texture(640, 480, k % 3) for k in range(30)], key_every=30)
    gc.collect()
    gc.disable()
    alive = _pictures_alive()
    try:
        decoder = Decoder(info, motion=True)
        seen: list[weakref.ref[np.ndarray]] = []
        peak = 0
        for turn in range(10):
            for packet in packets:
                for frame in decoder.decode(Packet(packet.data, packet.pts + turn * 30 * STEP, packet.is_key)):
                    seen.append(weakref.ref(frame.y.base))
                    del frame
            if turn == 0:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        assert len(seen) == 300
        assert sum(ref() is not None for ref in seen) <= 1
        assert _pictures_alive() - alive <= 2
        assert grown < 30_000, "KiB; 270 pictures of 640×480 would be 120 MB"
    finally:
        gc.enable()


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx"])
def test_nothing_is_shown_before_a_key_frame(codec: str) -> None:
    info, packets = coded(pictures(STILL, 30), codec, key_every=12)
    keys = [packet.pts for packet in packets if packet.is_key]
    decoder = Decoder(info)
    frames = decoded(decoder, packets[4:])
    assert frames[0].pts == keys[1] > 0
    assert frames[0].is_key
    assert decoder.errors == 0  # to join late is no damage


@pytest.mark.parametrize(
    ("codec", "key_unit"),
    [
        ("libx264", b"\0\0\1\x65"),
        ("libx265", b"\0\0\1\x28"),
        ("mpeg4", b"\0\0\1\xb6"),
        ("mpeg2video", b"\0\0\1\0"),
    ],
)
def test_parameter_sets_alone_do_not_open_the_gate(codec: str, key_unit: bytes) -> None:
    info, packets = coded(pictures(STILL, 30), codec, key_every=12)
    head = packets[0].data[: packets[0].data.index(key_unit)]
    info = StreamInfo(info.codec, info.width, info.height, extradata=head)
    first = decoded(Decoder(info), packets[4:])[0]
    assert first.is_key
    assert first.pts in [packet.pts for packet in packets if packet.is_key]


def test_a_stream_that_refreshes_bit_by_bit_starts_once_it_is_whole() -> None:
    shown = pictures(STILL, 30)
    info, packets = coded(shown, options={"x264-params": "intra-refresh=1:keyint=10"})
    frames = decoded(Decoder(info), packets[5:])
    assert frames
    for frame in frames:
        assert np.abs(frame.y - video_range(shown[frame.pts // STEP])).mean() < 6


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx"])
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_damage_costs_pictures_only_until_the_next_key_frame(codec: str, damage: str) -> None:
    shown = pictures(STILL, 40)
    info, packets = coded(shown, codec, key_every=10)
    bad, data = 13, bytearray(packets[13].data)
    if damage == "cut":
        data = data[: len(data) // 3]
    elif damage == "noise":
        data[6:] = np.random.default_rng(0).integers(0, 256, len(data) - 6, np.uint8).tobytes()
    else:
        data.clear()
    packets[bad] = Packet(bytes(data), packets[bad].pts, packets[bad].is_key)
    decoder = Decoder(info)
    frames = decoded(decoder, packets)
    after = {frame.pts // STEP for frame in frames}
    assert set(range(13)) <= after
    assert set(range(20, 40)) <= after
    if codec == "libx264" or damage == "empty":
        assert decoder.errors == 1
    if decoder.errors:
        assert not after & set(range(13, 20))
    for frame in frames:
        if frame.pts >= 20 * STEP:
            assert np.abs(frame.y - video_range(shown[frame.pts // STEP])).mean() < 6


@pytest.mark.parametrize("damage", ["flipped", "empty"])
def test_damage_in_a_long_gop_costs_a_second(damage: str) -> None:
    info, packets = coded(pictures(STILL, 90), key_every=1000)
    whole = packets[13].data
    half = len(whole) // 2
    data = b"" if damage == "empty" else whole[:half] + bytes(byte ^ 0xFF for byte in whole[half:])
    packets[13] = Packet(data, packets[13].pts, is_key=False)
    decoder = Decoder(info)
    frames: list[Frame] = []
    for packet in packets:
        frames += decoder.decode(packet)
        assert decoder.waits == (packets[13].pts <= packet.pts < packets[13].pts + MEDIA_CLOCK)
    lost = set(range(90)) - {frame.pts // STEP for frame in [*frames, *decoder.flush()]}
    assert lost == set(range(13, 13 + MEDIA_CLOCK // STEP))
    assert decoder.errors == 1


def test_damage_while_damage_heals_costs_a_second_from_there() -> None:
    info, packets = coded(pictures(STILL, 90), key_every=1000)
    for bad in (13, 20):
        packets[bad] = Packet(b"", packets[bad].pts, is_key=False)
    lost = set(range(90)) - {frame.pts // STEP for frame in decoded(Decoder(info), packets)}
    assert lost == set(range(13, 20 + MEDIA_CLOCK // STEP))


@pytest.mark.parametrize(
    "options", [None, {"preset": "medium", "x265-params": "bframes=3:log-level=none:keyint=40"}]
)
@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_packet_of_h265_is_noticed_and_waited_for(lost: int, options: dict[str, str] | None) -> None:
    shown = pictures(TO_AND_FRO, 90)
    info, packets = coded(shown, "libx265", options, key_every=40)
    key = next(packet.pts for packet in packets[20:] if packet.is_key)
    del packets[14 : 14 + lost]
    decoder = Decoder(info)
    waited: list[int] = []
    frames: list[Frame] = []
    for packet in packets:
        frames += decoder.decode(packet)
        if decoder.waits:
            waited.append(packet.pts)
    frames += decoder.flush()
    assert decoder.errors == 1
    assert waited
    assert max(waited) <= key + 4 * STEP, "with B-frames, what is shown before a key picture comes after it"
    assert min(waited) < 24 * STEP
    assert not decoder.waits
    after = [frame for frame in frames if frame.pts >= min(waited)]
    assert after[0].pts == key
    assert [frame.pts for frame in after] == list(range(key, 90 * STEP, STEP))
    assert after[0].number == key // STEP + 1 - lost
    for frame in frames:
        assert np.abs(frame.y - video_range(shown[frame.pts // STEP])).mean() < 6


def test_damage_in_a_long_gop_of_h265_waits_for_its_key_picture() -> None:
    """Longer than `HEALING`: what heals in H.264 stays grey in H.265."""
    info, packets = coded(pictures(TO_AND_FRO, 80), "libx265", key_every=75)
    del packets[14]
    decoder = Decoder(info)
    shown = {frame.pts // STEP for packet in packets for frame in decoder.decode(packet)}
    shown |= {frame.pts // STEP for frame in decoder.flush()}
    assert set(range(14)) <= shown
    assert not shown & set(range(20, 75))
    assert set(range(75, 80)) <= shown


def test_who_joins_late_waits_for_nothing_damaged() -> None:
    for codec in ("libx264", "libx265"):
        info, packets = coded(pictures(STILL, 30), codec, key_every=12)
        decoder = Decoder(info)
        for packet in packets[4:]:
            decoder.decode(packet)
            assert not decoder.waits


_INFO, _PACKETS = coded(pictures(STILL, 16), key_every=8)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.tuples(st.integers(0, 15), st.integers(0, 400), st.binary(max_size=40)),
        ),
        max_size=12,
    )
)
def test_no_bytes_stop_the_stream(damage: list[bytes | tuple[int, int, bytes]]) -> None:
    decoder = Decoder(_INFO, motion=True)
    for k, what in enumerate(damage):
        if isinstance(what, bytes):
            data = what
        else:
            whole, at, patch = _PACKETS[what[0]].data, what[1], what[2]
            data = whole[:at] + patch + whole[at + len(patch) :]
        decoder.decode(Packet(data, k * STEP, k % 2 == 0))
    decoder.flush()
    later = [Packet(packet.data, packet.pts + 100 * STEP, packet.is_key) for packet in _PACKETS]
    frames = [frame for packet in later for frame in decoder.decode(packet)]
    assert [frame.pts for frame in frames][-8:] == [(100 + k) * STEP for k in range(8, 16)]


def test_an_empty_packet_is_not_the_end() -> None:
    info, packets = coded(pictures(STILL, 4))
    decoder = Decoder(info)
    assert decoder.decode(Packet(b"", 0, True)) == []
    assert len(decoded(decoder, packets)) == 4
    assert decoder.errors == 1


def test_a_new_size_simply_comes() -> None:
    info, small = coded(pictures(PAN, 3))
    _, large = coded(pictures(Scene(256, 160), 3))
    later = [Packet(packet.data, packet.pts + 10 * STEP, packet.is_key) for packet in large]
    frames = decoded(Decoder(info, motion=True), [*small, *later])
    assert [(frame.width, frame.height) for frame in frames] == [(192, 128)] * 3 + [(256, 160)] * 3


def test_a_flushed_decoder_starts_anew() -> None:
    info, packets = coded(pictures(PAN, 4))
    decoder = Decoder(info)
    assert len(decoded(decoder, packets)) == 4
    assert decoder.flush() == []
    assert len(decoded(decoder, packets)) == 4


@pytest.mark.parametrize("codec", ["nonsense", "aac"])
def test_what_cannot_be_decoded_is_said_at_once(codec: str) -> None:
    with pytest.raises(InputError, match=codec):
        Decoder(StreamInfo(codec, 64, 64))
