"""What a box does not begin with, and at the end of its ``--duration`` does not call a success."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Collection

from touchline.app.box import Box
from touchline.live.job import CameraJob
from touchline.media.sources import Kind, Location, faults
from touchline.media.sources.ffmpeg import FFmpegSource
from touchline.types import CameraState, CameraStatus, CheckFailed, InputError


def refuse_lone_source(jobs: Collection[CameraJob]) -> None:
    """Raises `SourceError` where there is but one camera, of no known kind, a file that is not there or a picture.

    Beside others such a camera only says so on its tile, and a file may come later.
    """
    if len(jobs) != 1:
        return
    (job,) = jobs
    location = Location.parse(job.source)
    if location.kind is Kind.FILE and not os.path.lexists(location.address):
        raise faults.no_file(location)
    if location.kind is Kind.FILE and (mimetypes.guess_type(location.address)[0] or "").startswith("image/"):
        next(FFmpegSource(location).read(), None)  # it is small, and may be an animation


def require_life(box: Box, duration: float) -> None:
    """Raises where no camera of ``box`` was ever live in its ``duration``, s: `InputError` if what each was given
    is to blame, else `CheckFailed`; both name every camera, its state and what is wrong with it."""
    if box.lived:
        return
    cameras = " · ".join(_life(status) for status in box.statuses.values())
    message = f"no camera was ever live in {duration:g} s: {cameras}; mend that, or give more with --duration"
    # Who has failed without a worker's end has said itself what is wrong with what it was given.
    if all(status.state is CameraState.FAILED and not status.restarts for status in box.statuses.values()):
        raise InputError(message)
    raise CheckFailed(message)


def _life(status: CameraStatus) -> str:
    still = "still " if status.state is CameraState.CONNECTING else ""
    return f"{status.id}: {still}{status.state}" + (f": {status.error}" if status.error else "")


def require_steps(box: Box) -> None:
    """Raises `CheckFailed` where the user's own step failed, with whichever camera."""
    faulty = [camera for camera in box.statuses if camera in box.faulty]
    if faulty:
        raise CheckFailed(
            f"{', '.join(faulty)}: your own step (--process) failed, and pictures passed untouched from then on; "
            "mend what is said of it above and start again"
        )
