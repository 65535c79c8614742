"""A real browser looks at a real box: the picture moves, and the boxes lie on the athletes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.chromium import ARGS
from tests.e2e.box import Box, running
from tests.needs import need

pytestmark = pytest.mark.browser


# Where the two athletes are in the first picture of a loop, px: drawn by hand, not by any detector.
ATHLETES = {
    "gym-2": [(27, 423, 240, 982), (270, 263, 498, 748)],
    "gym-4": [(105, 318, 442, 945), (432, 270, 635, 625)],
}
LOOP_FRAMES = 98

MOST_DOUBLED = 0.2
"""Share of athletes, over all pictures looked at, with a second box on them. None of 222 had one when this was
measured; some twenty are looked at, so this leaves room for one athlete boxed twice in one round of the loop."""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def counters(page: Page, camera: str) -> dict[str, Any]:
    return page.evaluate("id => window.touchline?.cameras[id] ?? {}", camera)


def wait_for_pictures(page: Page, camera: str, frames: int) -> None:
    page.wait_for_function(
        "([id, n]) => (window.touchline?.cameras[id]?.frames ?? 0) > n", arg=[camera, frames], timeout=60_000
    )


def iou(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, wide) * max(0.0, high)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


def test_the_demo_plays_and_its_boxes_lie_on_the_athletes(page: Page, tmp_path: Path) -> None:
    with running(tmp_path, "demo") as box:
        for number in (1, 2, 3, 4):
            box.wait(f"gym-{number}", lambda camera: camera["fps_analysed"] > 0, 60)
        page.goto(box.url)
        for number in (1, 2, 3, 4):
            wait_for_pictures(page, f"gym-{number}", 60)
            seen = counters(page, f"gym-{number}")
            assert seen["mode"] == "in-step"
            assert seen["exact"] + seen["late"] + seen["mended"] > 0, "boxes are drawn, too"
        check_picture_moves(page)
        check_overlay_is_painted(page)
        doubled = [twice for camera, athletes in ATHLETES.items() for twice in check_boxes(box, camera, athletes)]
        share = sum(doubled) / len(doubled)
        assert share <= MOST_DOUBLED, f"{share:.0%} of the athletes have a second box on them"
        assert box.camera("gym-1")["viewers"] == 1


def check_picture_moves(page: Page) -> None:
    read = """() => {
      const video = document.querySelector("video");
      const canvas = new OffscreenCanvas(64, 64);
      const context = canvas.getContext("2d");
      context.drawImage(video, 0, 0, 64, 64);
      return Array.from(context.getImageData(0, 0, 64, 64).data);
    }"""
    first = page.evaluate(read)
    page.wait_for_timeout(700)
    second = page.evaluate(read)
    changed = sum(abs(a - b) > 12 for a, b in zip(first, second, strict=True))
    assert max(first) > 60, "it is not black"
    assert changed > 100, "it moves"


def check_overlay_is_painted(page: Page) -> None:
    page.wait_for_function(
        """() => {
          const overlays = [...document.querySelectorAll("canvas.overlay")];
          window.painted ??= new Set();
          for (const canvas of overlays) {
            if (!canvas.width || !canvas.height) continue;
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            let count = 0;
            for (let at = 3; at < data.length; at += 4) count += data[at] > 0;
            if (count > 200) window.painted.add(canvas);
          }
          return overlays.length === 4 && window.painted.size === 4;
        }""",
        timeout=30_000,
    )


def check_boxes(box: Box, camera: str, athletes: list[tuple[int, ...]]) -> list[bool]:
    """Whether a second box lies on an athlete, for each of them in each picture looked at."""
    facts = box.tracks(camera)
    start = facts[0]["media_time"]
    covered: list[list[float]] = []
    doubled: list[bool] = []
    for fact in facts:
        at = round(fact["media_time"] * 30) % LOOP_FRAMES  # a loop's place follows from the box's clock
        if fact["media_time"] - start < 3 or min(at, LOOP_FRAMES - at) > 1:
            continue
        boxes = [tuple(track["box"]) for track in fact["tracks"] if track["label"] != "ball"]
        covered.append([max((iou(found, athlete) for found in boxes), default=0.0) for athlete in athletes])
        doubled += [sum(iou(found, athlete) > 0.3 for found in boxes) > 1 for athlete in athletes]
    assert covered, "the loop's first picture was seen again"
    for athlete, found in zip(athletes, zip(*covered, strict=True), strict=True):
        good = sum(best > 0.5 for best in found) / len(found)
        assert good >= 0.7, f"{camera}: a box lies on {athlete} in {good:.0%} of the pictures: {covered}"
    return doubled


def test_the_user_s_own_step_is_what_viewers_see(page: Page, tmp_path: Path) -> None:
    step = tmp_path / "my.py"
    step.write_text(
        "import cv2\n"
        "def process_frame(frame, context):\n"
        "    frame[:] = (200, 30, 30)\n"
        "    return cv2.resize(frame, (800, 600))\n"
    )
    with running(tmp_path, "live", "test:", "--process", f"{step}:process_frame") as box:
        box.wait("cam1", lambda camera: camera["state"] == "live")
        page.goto(box.url + "watch/cam1")
        wait_for_pictures(page, "cam1", 10)
        size, colour = page.evaluate(
            """() => {
              const video = document.querySelector("video");
              const context = new OffscreenCanvas(1, 1).getContext("2d");
              context.drawImage(video, 0, 0, 1, 1);
              return [[video.videoWidth, video.videoHeight], Array.from(context.getImageData(0, 0, 1, 1).data)];
            }"""
        )
        assert size == [800, 600]
        assert colour[0] == pytest.approx(200, abs=12)
        assert colour[1] == pytest.approx(30, abs=12)
        assert colour[2] == pytest.approx(30, abs=12)


def test_a_viewer_comes_back_after_its_camera_s_worker_was_killed(page: Page, tmp_path: Path) -> None:
    import os
    import signal

    with running(tmp_path, "live", "test:") as box:
        box.wait("cam1", lambda camera: camera["state"] == "live")
        page.goto(box.url)
        wait_for_pictures(page, "cam1", 30)
        os.kill(box.worker_of("cam1"), signal.SIGKILL)
        box.wait("cam1", lambda camera: camera["restarts"] == 1 and camera["state"] == "live")
        wait_for_pictures(page, "cam1", counters(page, "cam1")["frames"] + 30)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_camera_whose_pixels_are_not_square_is_shown_right(page: Page, tmp_path: Path, codec: str) -> None:
    """720 × 576 px of a 16:9 place: a white square in it is one on the screen, passed through and encoded here."""
    clip = tmp_path / "anamorphic.mp4"
    scene = "color=0x404040:size=1048x576:rate=25:duration=4,drawbox=x=400:y=180:w=240:h=240:color=white:t=fill"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", scene]
    command += ["-vf", "scale=720:576,setsar=16/11", "-c:v", codec, "-bf", "0", "-g", "25", "-preset", "ultrafast"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(clip)], check=True, timeout=60)
    with running(tmp_path, "live", str(clip), "--loop") as box:
        camera = box.wait("cam1", lambda camera: camera["state"] == "live" and camera["sample_aspect"] != 1)
        assert camera["sample_aspect"] == pytest.approx(16 / 11)
        assert camera["passthrough"] == (codec == "libx264")
        page.goto(box.url + "watch/cam1")
        wait_for_pictures(page, "cam1", 20)
        shown = cv2.imdecode(np.frombuffer(page.locator("video").screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
        rows, columns = np.nonzero(shown > 200)
        high, wide = (float(np.percentile(at, 99.5) - np.percentile(at, 0.5)) for at in (rows, columns))
        assert high > 100
        assert wide / high == pytest.approx(1, abs=0.03)
