"""Health of cameras and sensors for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from touchline.types import CameraState, CameraStatus, LinkState, LinkStatus, NodeStatus, Refusal

GAUGES = {
    "fps_in": "Packets a second from the camera",
    "fps_analysed": "Frames a second with tracks",
    "fps_detected": "Detections a second",
    "analysis_waits": "1 while analysis waits for a whole picture, after damage",
    "viewers": "Viewers now",
    "picture_age_ms": "How long ago the last picture was seen, ms",
    "latency_ms": "Age of a picture when it is handed to the viewers, ms",
}
COUNTERS = {
    "packets_dropped": "Packets given up on the way to viewers",
    "frames_skipped": "Pictures that analysis could not take",
    "source_dropped": "Packets that came faster than they were taken",
    "line_dropped": "Packets that the box did not take from the camera's worker",
    "facts_dropped": "Facts that the box did not take from the camera's worker",
    "facts_unsent": "Facts given up on the way to viewers",
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
        for family, table in ((GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS)):
            for name, text in table.items():
                metric = family(f"touchline_camera_{name}", text, labels=["camera"])
                for status in self._cameras:
                    value = getattr(status, name)
                    if value is not None:
                        metric.add_metric([status.id], float(value))
                yield metric


class _Listeners(Collector):
    def __init__(self, unheard: int) -> None:
        self._unheard = unheard

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "touchline_stream_facts_dropped",
            "Facts that listeners to /api/v1/facts/stream were too slow for",
            value=float(self._unheard),
        )


class _Sensors(Collector):
    def __init__(self, nodes: Iterable[NodeStatus], links: Iterable[LinkStatus], strangers: int) -> None:
        self._nodes, self._links, self._strangers = list(nodes), list(links), strangers

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("touchline_sensor_link_up", "1 where nodes are heard by it", labels=["link"])
        lost = CounterMetricFamily(
            "touchline_sensor_link_reconnects", "Times it was lost and found", labels=["link"]
        )
        dropped = CounterMetricFamily(
            "touchline_sensor_link_dropped", "Messages that came faster than they were taken", labels=["link"]
        )
        for link in self._links:
            up.add_metric([link.name], float(link.state is LinkState.UP))
            lost.add_metric([link.name], float(link.reconnects))
            dropped.add_metric([link.name], float(link.dropped))
        yield from (up, lost, dropped)
        facts = CounterMetricFamily("touchline_sensor_facts", "Messages that became facts", labels=["node"])
        refused = CounterMetricFamily(
            "touchline_sensor_refused", "Messages that became none", labels=["node", "reason"]
        )
        ahead = CounterMetricFamily(
            "touchline_sensor_ahead", "Messages stamped far ahead of the node's clock", labels=["node"]
        )
        for node in self._nodes:
            facts.add_metric([node.id], float(node.facts))
            ahead.add_metric([node.id], float(node.ahead))
            for reason in Refusal:
                refused.add_metric([node.id, str(reason)], float(node.refused.get(reason, 0)))
        yield from (facts, ahead, refused)
        yield CounterMetricFamily(
            "touchline_sensor_unknown",
            "Messages of nodes that venue.toml does not name",
            value=float(self._strangers),
        )


def render(
    cameras: Iterable[CameraStatus],
    nodes: Iterable[NodeStatus] = (),
    links: Iterable[LinkStatus] = (),
    strangers: int = 0,
    unheard: int = 0,
) -> bytes:
    """The metrics in Prometheus' text format. ``strangers``: messages of nodes that nobody named; ``unheard``:
    facts that listeners to the stream were too slow for."""
    registry = CollectorRegistry()
    registry.register(_Listeners(unheard))
    registry.register(_Cameras(cameras))
    registry.register(_Sensors(nodes, links, strangers))
    return generate_latest(registry)
