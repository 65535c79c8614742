"""What a node's firmware would say of a recording, line by line: the bits of ``csrc/touchline_node.c``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.tiny.features import ImuWindow
from touchline.tiny.firmware.events import Change, Follower
from touchline.tiny.firmware.node import Node, Port, thousandths
from touchline.types.errors import ShapeError

Network = Callable[[NDArray[np.int8]], NDArray[np.int8]]
"""One input as the artifact takes it, flat → its scores, flat."""


def hear(
    node: Node, manifest: Mapping[str, Any], network: Network, samples: NDArray[np.int16], boot: int = 1
) -> list[bytes]:
    """The lines of a node that is started and given ``samples``: int16 (n,) of sound, (n, axes) of motion.

    ``manifest``: of the compiled network; ``network``: what computes its bits. What fills no chunk is not heard.

    Raises `ShapeError` where samples are others, `ModelError` where the network is.
    """
    if samples.dtype != np.int16 or samples.shape[1:] != ((node.axes,) if node.is_motion else ()):
        raise ShapeError(
            f"node: expected int16 samples of {node.axes} axes, got {samples.dtype} {samples.shape}; convert them"
        )
    source, scores = node.ports(manifest, str(manifest.get("name")))
    chunk = node.chunk * node.samples
    samples = samples[: len(samples) // chunk * chunk]
    features = node.fitted(source)
    windows = (
        features.compute(samples) if isinstance(features, ImuWindow) else features.inputs(samples)[:: node.every]
    )
    voice = _Voice(node, scores, boot)
    followers = {
        index: Follower(rule.need, rule.of, *node.thresholds(rule, scores))
        for index, kind in enumerate(node.classes)
        if (rule := node.rules.get(kind))
    }
    voice.tell_life(0)
    for index, window in enumerate(windows):
        now = node.first + index * node.step
        voice.live_until(now)
        said = network(np.ascontiguousarray(window).ravel())
        for each, follower in followers.items():
            change = follower.update(int(said[each]))
            if change:
                voice.tell(node.classes[each], change, now)
    voice.live_until(len(samples))
    return voice.lines


class _Voice:
    """Lines, their numbers, and the next sign of life."""

    def __init__(self, node: Node, scores: Port, boot: int) -> None:
        self._node, self._scores, self._boot = node, scores, boot
        self._alive, self._told_ms = 0, 0
        self.lines: list[bytes] = []

    def live_until(self, samples: int) -> None:
        """Say that the node lives, each time that it is due up to then."""
        while self._alive < samples:
            self._alive += self._node.samples
            now_ms = self._node.ms_after(self._alive)
            if now_ms - self._told_ms >= self._node.heartbeat_ms:
                self.tell_life(now_ms)

    def tell_life(self, now_ms: int) -> None:
        self._told_ms = now_ms
        self._line(now_ms, '"kind":"heartbeat"')

    def tell(self, kind: str, change: Change, now: int) -> None:
        node = self._node
        score = thousandths(change.score, self._scores)
        said = f'"sent_ms":{node.ms_after(now)},"kind":"{kind}","score":{score // 1000}.{score % 1000:03}'
        said += ',"phase":"begin"' if change.begins else ',"phase":"end"'
        if not change.begins:
            said += f',"lasted_ms":{node.ms_after(change.lasted * node.step)}'
        self._line(node.ms_after(now - change.back * node.step), said)

    def _line(self, t_ms: int, said: str) -> None:
        seq = len(self.lines)
        self.lines.append(f'{{"seq":{seq},"boot":{self._boot},"t_ms":{t_ms},{said}}}'.encode())
