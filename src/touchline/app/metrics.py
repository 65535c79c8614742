"""Camera health for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from touchline.types import CameraState, CameraStatus

_GAUGES = {
    "fps_in": "Packets a second from the camera",
    "fps_analysed": "Frames a second with tracks",
    "fps_detected": "Detections a second",
    "viewers": "Viewers now",
    "picture_age_ms": "How long ago the last picture was seen, ms",
    "latency_ms": "Age of a picture when it is handed to the viewers, ms",
}
_COUNTERS = {
    "packets_dropped": "Packets given up on the way to viewers",
    "frames_skipped": "Pictures that analysis could not take",
    "source_dropped": "Packets that came faster than they were taken",
    "line_dropped": "Packets that the box did not take from the camera's worker",
    "facts_dropped": "Facts that the box did not take from the camera's worker",
    "decode_errors": "Packets that were damaged and gave no picture",
    "pictures_late": "Pictures that came too late to be encoded",
    "reconnects": "Times that the source was lost and found again",
    "restarts": "Times that the camera's worker was replaced",
}


class _Cameras(Collector):
    def __init__(self, cameras: Iterable[CameraStatus]) -> None:
        self._cameras = list(cameras)

    def collect(self) -> Iterator[Metric]:
        state = GaugeMetricFamily("touchline_camera_state", "1 for the state it is in", labels=["camera", "state"])
        for status in self._cameras:
            for name in CameraState:
                state.add_metric([status.id, str(name)], float(status.state is name))
        yield state
        for family, table in ((GaugeMetricFamily, _GAUGES), (CounterMetricFamily, _COUNTERS)):
            for name, text in table.items():
                metric = family(f"touchline_camera_{name}", text, labels=["camera"])
                for status in self._cameras:
                    value = getattr(status, name)
                    if value is not None:
                        metric.add_metric([status.id], float(value))
                yield metric


def render(cameras: Iterable[CameraStatus]) -> bytes:
    """The metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Cameras(cameras))
    return generate_latest(registry)
