"""Four 720p25 RTSP cameras on one box: is every packet delivered, every frame tracked, and how often detected?

    .venv/bin/python -m bench.cameras [--seconds 60] [--cameras 4]

A real RTSP server on loopback sends the demo's gym clips, cropped to 1280×720 at 25 fps; `touchline live` takes
them; one real WHEP viewer per camera counts what arrives. Beside it, in the same run: the same four streams
decoded by FFmpeg (PyAV) alone, the least that any analysis costs. Prints a table and a JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
import urllib.request
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from aiortc import RTCSessionDescription
from av.video.frame import PictureType

from bench.fanout import Viewer
from tests.e2e.box import Box, children, running
from tests.media.rtsp_server import RtspServer
from touchline.app.demo import demo_clips

FPS, WIDTH, HEIGHT = 25, 1280, 720
Snapshot = dict[str, Any]
TICKS = os.sysconf("SC_CLK_TCK")


def camera_file(clip: Path, target: Path) -> Path:
    """The middle of ``clip`` as 1280×720 at 25 fps, H.264 without B-frames, in Annex B form."""
    with av.open(str(clip)) as source, av.open(str(target), "w", format="h264") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "bf": "0",
            "g": str(FPS),
            "b": "3M",
            "maxrate": "3M",
            "bufsize": "1M",
        }
        for at, frame in enumerate(source.decode(video=0)):
            image = frame.to_ndarray(format="rgb24")
            top = (image.shape[0] - image.shape[1] * 9 // 16) // 2
            cut = image[top : top + image.shape[1] * 9 // 16]
            picture = av.VideoFrame.from_ndarray(cut, "rgb24").reformat(WIDTH, HEIGHT, "yuv420p")
            picture.pts, picture.time_base, picture.pict_type = at, Fraction(1, FPS), PictureType.NONE
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return target


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the processes so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def decode_cost(files: list[Path], seconds: float) -> float:
    """CPU seconds that decoding ``seconds`` of every file takes, and nothing else."""
    spent = 0.0
    for file in files:
        left = round(seconds * FPS)
        while left > 0:
            with av.open(str(file)) as container:
                container.streams.video[0].thread_count = 1
                begin = time.process_time()
                for _ in zip(range(left), container.decode(video=0), strict=False):
                    left -= 1
                spent += time.process_time() - begin
    return spent


def post(url: str, offer: str) -> str:
    request = urllib.request.Request(url, offer.encode(), {"Content-Type": "application/sdp"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


async def watch(
    box: Box, cameras: list[str], seconds: float
) -> tuple[list[Viewer], dict[str, Any], dict[str, Any]]:
    """One viewer per camera for ``seconds``; the cameras' health before and after."""
    viewers = [Viewer() for _ in cameras]
    for viewer, camera in zip(viewers, cameras, strict=True):
        answer = await asyncio.to_thread(post, f"{box.url}whep/{camera}", await viewer.offer())
        await viewer.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.sleep(8)
    before = await asyncio.to_thread(snapshot, box, cameras)
    for viewer in viewers:
        viewer.packets = viewer.lost = viewer.facts = 0
    await asyncio.sleep(seconds)
    after = await asyncio.to_thread(snapshot, box, cameras)
    await asyncio.gather(*(viewer.pc.close() for viewer in viewers))
    return viewers, before, after


def snapshot(box: Box, cameras: list[str]) -> Snapshot:
    pids = [box.process.pid, *children(box.process.pid)]
    health = {camera["id"]: camera for camera in box.get("api/v1/cameras")["cameras"]}
    return {"time": time.monotonic(), "cpu": cpu_seconds(pids), "health": {name: health[name] for name in cameras}}


def tracked(box: Box, camera: str) -> tuple[int, float, float]:
    """Frames with tracks, frames per second of media time, and detections per second, of the facts still held."""
    facts = box.tracks(camera)[-(FPS * 30) :]
    span = facts[-1]["media_time"] - facts[0]["media_time"]
    detected = sum(any(track["detected"] for track in fact["tracks"]) for fact in facts)
    return len(facts), (len(facts) - 1) / span, detected / span


async def main(seconds: float, count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = demo_clips(lambda _: None)
        files = {f"cam{at + 1}": camera_file(clips[at % 4], folder / f"{at}.h264") for at in range(count)}
        floor = decode_cost(list(files.values()), seconds)
        server = RtspServer(files, rate=FPS)
        server.start()
        try:
            sources = [server.url(mount) for mount in files]
            with running(folder, "live", *sources) as box:
                for camera in files:
                    await asyncio.to_thread(box.wait, camera, lambda health: health["fps_analysed"] > 20, 60)
                viewers, before, after = await watch(box, list(files), seconds)
                rows = report(box, list(files), viewers, before, after)
        finally:
            server.stop()
    spent = after["cpu"] - before["cpu"]
    took = after["time"] - before["time"]
    print(f"box: {100 * spent / took:.0f} % of one core; decoding alone {100 * floor / seconds:.0f} %")
    print(
        json.dumps(
            {"bench": "cameras", "seconds": seconds, "cpu_s": spent, "decode_only_cpu_s": floor, "cameras": rows}
        )
    )


def report(
    box: Box, cameras: list[str], viewers: list[Viewer], before: dict[str, Any], after: dict[str, Any]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    print(f"{'camera':8}{'RTP packets':>12}{'lost':>6}{'dropped':>8}{'tracked fps':>12}{'detected Hz':>12}  shed")
    for camera, viewer in zip(cameras, viewers, strict=True):
        was, now = before["health"][camera], after["health"][camera]
        _, fps, hz = tracked(box, camera)
        row = {
            "camera": camera,
            "rtp_packets": viewer.packets,
            "rtp_lost": viewer.lost,
            "packets_dropped": now["packets_dropped"] - was["packets_dropped"],
            "frames_skipped": now["frames_skipped"] - was["frames_skipped"],
            "fps_tracked": round(fps, 2),
            "hz_detected": now["fps_detected"],
            "hz_with_detections": round(hz, 2),
            "latency_ms": now["latency_ms"],
            "shed": now["shed"],
        }
        rows.append(row)
        print(
            f"{camera:8}{row['rtp_packets']:>12}{row['rtp_lost']:>6}{row['packets_dropped']:>8}"
            f"{row['fps_tracked']:>12}{row['hz_detected']:>12}  {', '.join(row['shed']) or '-'}"
        )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cameras", type=int, default=4)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.seconds, arguments.cameras))
