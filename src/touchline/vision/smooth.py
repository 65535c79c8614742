"""Tracks with hindsight: what files, clips and late viewers get. Pure; time is in the tracks' pts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from touchline.types import MEDIA_CLOCK, InputError, Tracks


@dataclass(frozen=True, slots=True)
class SmootherConfig:
    """``hold_s``: seconds for which a frame waits at least, beyond the next detection, so that longer gaps can be
    filled; 0 gives every frame as soon as the next detection is in. ``gap_s``: longest gap in seconds between two
    detections of one track that is filled. ``frames``: most frames held; the oldest leaves when one more comes."""

    hold_s: float = 1.0
    gap_s: float = 1.0
    frames: int = 512


HANDED_ON = 1.0
"""Who moves further than so many of its own heights from one frame to the next, to where another was, has got the
number that the other was wrongly called by."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A track's box where a detector really saw it. ``follows``: it is who was seen at the one before."""

    pts: int
    box: NDArray[np.float32]
    score: float
    label: int
    follows: bool


class Smoother:
    """Takes causal tracks frame by frame and gives them back one detection later.

    Between two detections of a track its boxes lie on the straight line in time between them, also where the
    tracker had not shown it, and they begin with its first detection, of which the tracker could not be sure then.
    Where a track was not seen again its causal boxes stay, and where its number was found to be another's. Tracks
    that come back from a gap longer than ``gap_s`` are not filled.
    """

    def __init__(self, config: SmootherConfig | None = None) -> None:
        self._config = config or SmootherConfig()
        self._held: deque[tuple[Tracks, int]] = deque()
        self._anchors: dict[int, deque[_Anchor]] = {}
        self._last_pts: int | None = None
        self._last_detection: int | None = None

    def push(self, tracks: Tracks, pts: int, begun: Iterable[tuple[Tracks, int]] = ()) -> list[tuple[Tracks, int]]:
        """Take the tracks of the frame at ``pts`` (1/90,000 s, rising) and return those that are final, in order.

        ``begun``: where those who are new in ``tracks`` were detected in earlier frames, and the frames' pts.
        Raises `InputError` when ``pts`` does not rise.
        """
        if self._last_pts is not None and pts <= self._last_pts:
            raise InputError(f"smoother: pts {pts} does not come after {self._last_pts}; pass frames in order")
        self._last_pts = pts
        if tracks.detected.any():
            self._last_detection = pts
            follows = _carried(self._held[-1][0], tracks) if self._held else np.ones(len(tracks), np.bool_)
            for seen, at in begun:
                rows = {int(identity): row for row, identity in enumerate(tracks.ids)}
                for row, identity in enumerate(seen.ids):
                    now = rows[int(identity)]
                    if self._add(seen, row, at, follows=bool(follows[now])):
                        follows[now] = True
            for row in np.flatnonzero(tracks.detected):
                self._add(tracks, row, pts, follows=bool(follows[row]))
        self._held.append((tracks, pts))
        count = max(0, len(self._held) - self._config.frames)
        if self._last_detection is not None:
            ripe = min(self._last_detection, pts - round(self._config.hold_s * MEDIA_CLOCK) + 1)
            while count < len(self._held) and self._held[count][1] < ripe:
                count += 1
        return self._release(count)

    def _add(self, tracks: Tracks, row: int | np.intp, pts: int, *, follows: bool) -> bool:
        """Remember where ``row`` was detected at ``pts``. False where its number was somewhere else since."""
        anchors = self._anchors.setdefault(int(tracks.ids[row]), deque())
        if anchors and anchors[-1].pts >= pts:
            return False
        anchors.append(
            _Anchor(pts, tracks.boxes[row], float(tracks.scores[row]), int(tracks.classes[row]), follows)
        )
        return True

    def flush(self) -> list[tuple[Tracks, int]]:
        """What is still held, at the end of the stream."""
        return self._release(len(self._held))

    def _release(self, count: int) -> list[tuple[Tracks, int]]:
        out: list[tuple[Tracks, int]] = []
        for _ in range(count):
            tracks, pts = self._held.popleft()
            out.append((self._smoothed(tracks, pts), pts))
        if out:
            self._forget(out[-1][1])
        return out

    def _smoothed(self, tracks: Tracks, pts: int) -> Tracks:
        rows = {int(identity): row for row, identity in enumerate(tracks.ids)}
        boxes, detected = tracks.boxes.copy(), tracks.detected.copy()
        added: list[tuple[int, NDArray[np.float32], _Anchor]] = []
        for identity, anchors in self._anchors.items():
            between = _around(anchors, pts, round(self._config.gap_s * MEDIA_CLOCK))
            if between is None:
                continue
            before, after = between
            share = (pts - before.pts) / max(1, after.pts - before.pts)
            box = (before.box + share * (after.box - before.box)).astype(np.float32)
            if identity in rows:
                boxes[rows[identity]] = box
                detected[rows[identity]] |= after.pts == pts
            else:
                added.append((identity, box, after))
        if not added:
            return Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, detected, tracks.labels)
        return Tracks(
            np.concatenate([tracks.ids, np.array([identity for identity, _, _ in added], np.int32)]),
            np.concatenate([boxes, np.stack([box for _, box, _ in added])]),
            np.concatenate([tracks.scores, np.array([after.score for _, _, after in added], np.float32)]),
            np.concatenate([tracks.classes, np.array([after.label for _, _, after in added], np.int16)]),
            np.concatenate([detected, np.array([after.pts == pts for _, _, after in added], np.bool_)]),
            tracks.labels,
        )

    def _forget(self, pts: int) -> None:
        """Keep of each track the last anchor up to ``pts`` and those after it; drop tracks long gone."""
        oldest = pts - round(self._config.gap_s * MEDIA_CLOCK)
        for identity, anchors in list(self._anchors.items()):
            while len(anchors) > 1 and anchors[1].pts <= pts:
                anchors.popleft()
            if anchors[-1].pts < oldest:
                del self._anchors[identity]


def _carried(former: Tracks, tracks: Tracks) -> NDArray[np.bool_]:
    """Which of ``tracks`` (N,) do not stand far from where they were and nearer to where another was."""
    carried = np.ones(len(tracks), np.bool_)
    rows = {int(identity): row for row, identity in enumerate(former.ids)}
    again = np.array([row for row, identity in enumerate(tracks.ids) if int(identity) in rows], np.intp)
    if len(again):
        now, before = ((box[:, :2] + box[:, 2:]) / 2 for box in (tracks.boxes[again], former.boxes))
        far = np.hypot(*(now[:, None] - before).transpose(2, 0, 1))
        own = far[np.arange(len(again)), [rows[int(identity)] for identity in tracks.ids[again]]]
        height = tracks.boxes[again, 3] - tracks.boxes[again, 1]
        carried[again] = (own <= HANDED_ON * height) | (own <= far.min(axis=1))
    return carried


def _around(anchors: deque[_Anchor], pts: int, gap: int) -> tuple[_Anchor, _Anchor] | None:
    """The two neighbouring anchors that ``pts`` lies between, unless they are more than ``gap`` apart or two
    people's; twice the same where there is one at ``pts``."""
    for anchor in anchors:
        if anchor.pts == pts:
            return anchor, anchor
    for before, after in pairwise(anchors):
        if before.pts < pts < after.pts:
            return (before, after) if after.follows and after.pts - before.pts <= gap else None
        if before.pts >= pts:
            return None
    return None
