"""How sensor nodes, and the links they are heard by, are doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

ALL_CAMERAS = "*"
"""The camera of a fact that belongs to none alone; no camera can have this id."""


class Refusal(StrEnum):
    """Why a node's message became no fact. ``doubled``: came before. ``late``: of too long ago. ``flood``: the
    node sends too much. ``twins``: two devices seem to use its id. ``retained``: kept by the broker, of unknown
    age. ``size``, ``json``, ``fields``: not as
    docs/sensors.md has it."""

    DOUBLED = "doubled"
    LATE = "late"
    FLOOD = "flood"
    TWINS = "twins"
    RETAINED = "retained"
    SIZE = "size"
    JSON = "json"
    FIELDS = "fields"


class LinkState(StrEnum):
    """``connecting``: not yet up. ``up``: nodes are heard. ``down``: was lost or refused, and is tried again."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"


@dataclass(slots=True)
class LinkStatus:
    """A broker or a serial line. Counters begin at the box's start."""

    __pydantic_config__: ClassVar[dict[str, bool]] = {"use_attribute_docstrings": True}

    name: str
    """The broker's address, or the line's device."""
    state: LinkState = LinkState.CONNECTING
    """How it is doing."""
    error: str | None = None
    """What is wrong and what to do; null while nothing is."""
    reconnects: int = 0
    """How often it was lost and found again."""
    dropped: int = 0
    """Messages that came faster than they were taken."""


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """What a node told."""

    __pydantic_config__: ClassVar[dict[str, bool]] = {"use_attribute_docstrings": True}

    kind: str
    """What happened."""
    score: float | None
    """How sure the node is, 0 to 1."""
    media_time: float
    """When it happened: media time, s."""


@dataclass(slots=True)
class NodeStatus:
    """One node. Counters begin at the box's start."""

    __pydantic_config__: ClassVar[dict[str, bool]] = {"use_attribute_docstrings": True}

    id: str
    """As in venue.toml."""
    kind: str
    """What it senses, as in venue.toml."""
    camera: str
    """The camera it belongs to; * where it belongs to none alone."""
    facts: int = 0
    """Messages that became facts."""
    last: NodeEvent | None = None
    """The last of these that came; null before the first."""
    heartbeats: int = 0
    """Messages that only say that it is there, and what its clock says."""
    refused: dict[Refusal, int] = field(default_factory=dict[Refusal, int])
    """Messages that became none, by reason."""
    reason: str | None = None
    """What was wrong with the last one that was not as it should be."""
    flooding: bool = False
    """It sends too much and is not listened to now."""
    heard: float | None = None
    """Media time at which its last message came, s; null before the first."""
    ahead: int = 0
    """Messages stamped more than a second ahead of its clock as it is known: placed when they came."""
    restarts: int = 0
    """How often its clock or numbers began anew."""
    drift_ppm: float | None = None
    """How much faster the box's clock runs than its; null while too little was heard."""
    delay_ms: float | None = None
    """How much longer its last message took than its quickest."""
