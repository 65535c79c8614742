"""The demo's clips as they are played."""

from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from touchline.app.demo import FPS, HEIGHT, WIDTH, make_loop

FRAMES = 12


def test_a_loop_goes_forth_and_back_and_shows_no_repeated_columns(tmp_path: Path) -> None:
    """Each picture brighter than the one before; what repeats, at the right, white."""
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=2 * FPS, options={"preset": "ultrafast", "crf": "10"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1088, 1920, "yuv420p"
        for at in range(2 * FRAMES):
            image = np.full((1920, 1088, 3), 20 + 5 * at, np.uint8)
            image[:, 1054:] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    make_loop(tmp_path / "clip.mp4", tmp_path / "loop.mp4")
    with av.open(str(tmp_path / "loop.mp4")) as container:
        assert container.streams.video[0].average_rate == FPS
        assert not container.streams.video[0].codec_context.has_b_frames
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert {picture.shape for picture in pictures} == {(HEIGHT, WIDTH)}
    assert all(np.ptp(picture.mean(axis=0)) < 8 for picture in pictures), "the right is as the rest"
    light = [int(picture.mean()) for picture in pictures]
    assert len(light) == 2 * FRAMES - 2
    assert light[:FRAMES] == sorted(set(light[:FRAMES]))
    assert np.allclose(light[FRAMES:], light[FRAMES - 2 : 0 : -1], atol=2)
