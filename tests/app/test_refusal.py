"""What a box does not begin with, and what it does not call a success at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.clips import write_clip
from touchline.app.box import Box
from touchline.app.refusal import refuse_lone_source, require_life, require_steps
from touchline.app.settings import CameraSettings, ServerSettings, Venue
from touchline.app.wire import make_box, run
from touchline.live.job import CameraJob
from touchline.live.link import Report
from touchline.types import CheckFailed, InputError, SourceError, TouchlineError

FAILED: dict[str, str | int] = {"state": "failed", "error": "x: there is no such file; check the path"}


@pytest.fixture
def box() -> Box:
    return make_box(Venue(cameras=[CameraSettings(id=name, source="test:") for name in ("north", "south")]))


def hear(box: Box, *reports: Mapping[str, str | int]) -> None:
    for camera, fields in zip(box.statuses, reports, strict=True):
        box.hear(camera, Report(dict(fields)))


def test_what_the_user_gave_is_to_blame_where_all_say_so(box: Box) -> None:
    hear(box, FAILED, FAILED)
    with pytest.raises(InputError, match=r"no camera was ever live in 2\.5 s: "):
        require_life(box, 2.5)


def test_each_camera_is_named_with_its_state_and_what_is_wrong(box: Box) -> None:
    hear(box, {"state": "connecting"}, FAILED)
    with pytest.raises(CheckFailed) as caught:
        require_life(box, 4)
    assert str(caught.value) == (
        "no camera was ever live in 4 s: north: still connecting · "
        "south: failed: x: there is no such file; check the path; mend that, or give more with --duration"
    )


@pytest.mark.parametrize("other", [{"state": "connecting"}, FAILED | {"restarts": 3}])
def test_else_it_is_not_known_to_be_the_user(box: Box, other: Mapping[str, str | int]) -> None:
    hear(box, FAILED, other)
    with pytest.raises(CheckFailed, match="no camera was ever live in 3 s: "):
        require_life(box, 3)


def test_one_camera_that_was_live_is_enough(box: Box) -> None:
    hear(box, {"state": "live"}, FAILED)
    hear(box, FAILED, FAILED)
    require_life(box, 1)


def test_a_step_that_failed_is_remembered_whatever_comes_after(box: Box) -> None:
    require_steps(box)
    hear(box, {"state": "live"}, {"state": "live", "fault": "--process my.py:f: RuntimeError: boom; mend it"})
    hear(box, {"state": "live"}, {"state": "connecting", "restarts": 1})
    hear(box, {"state": "live"}, {"state": "live"})
    require_life(box, 1)
    with pytest.raises(CheckFailed, match=r"^south: your own step \(--process\) failed, ") as caught:
        require_steps(box)
    assert "\n" not in str(caught.value)


def run_briefly(folder: Path, *reports: Mapping[str, str | int]) -> int:
    """A box over two files that are not there, whose workers said ``reports``; its exit status."""
    cameras = [CameraSettings(id=name, source=str(folder / f"{name}.mp4")) for name in ("north", "south")]
    venue = Venue(server=ServerSettings(port=0), cameras=cameras)
    return asyncio.run(run(venue, ready=lambda _url, box: hear(box, *reports), duration=0.1))


def test_duration_ends_a_box_by_itself(tmp_path: Path) -> None:
    assert run_briefly(tmp_path, {"state": "live"}, {"state": "connecting"}) == 0


def test_at_the_end_of_its_duration_a_box_owns_up(tmp_path: Path) -> None:
    with pytest.raises(TouchlineError, match=r"no camera was ever live in 0\.1 s: "):
        run_briefly(tmp_path, {"state": "connecting"}, {"state": "connecting"})
    with pytest.raises(CheckFailed, match=r"^north: your own step \(--process\) failed, "):
        run_briefly(tmp_path, {"state": "live", "fault": "x"}, {"state": "live"})


@pytest.mark.parametrize("source", ["absent.mp4", "file:absent.mp4", "ftp://host/x", "rstp://host/x", "rtsp:///x"])
def test_a_source_that_cannot_be_used_is_refused_only_alone(source: str) -> None:
    job = CameraJob("cam1", source)
    with pytest.raises(SourceError):
        refuse_lone_source([job])
    refuse_lone_source([job, CameraJob("cam2", source)])


def test_a_single_picture_is_refused_alone_and_an_animation_is_none(tmp_path: Path) -> None:
    picture, animation = CameraJob("cam1", str(tmp_path / "a.jpg")), CameraJob("cam1", str(tmp_path / "a.gif"))
    assert cv2.imwrite(picture.source, np.zeros((48, 64, 3), np.uint8))
    write_clip(Path(animation.source), codec="gif", pixel_format="rgb8", frames=3)
    with pytest.raises(SourceError, match=r"a\.jpg: is a single picture; give a video"):
        refuse_lone_source([picture])
    refuse_lone_source([picture, CameraJob("cam2", "test:")])
    refuse_lone_source([animation])


def test_what_may_come_is_waited_for(tmp_path: Path) -> None:
    for source in ("/dev/video63", "rtsp://127.0.0.1:9/x", "test:", str(tmp_path)):
        refuse_lone_source([CameraJob("cam1", source)])
