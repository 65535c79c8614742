"""What the API's answers look like. Facts are sent as they were serialised: theirs is documentation alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from touchline.types import CameraState, CameraStatus, LinkStatus, NodeStatus

Answers = dict[int | str, dict[str, Any]]
"""Status → what FastAPI's ``responses`` takes."""


class _Model(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")


class Problem(_Model):
    """Why a request was not met."""

    detail: str
    """One line: what, where, what to do."""


class Cameras(_Model):
    """Every camera of the box."""

    cameras: list[CameraStatus]
    """In the order in which they were named."""
    unguarded: bool
    """Whether others than this machine's users can reach the box: nothing guards it."""
    media_time: float
    """The box's media time now, s."""


class IceServer(_Model):
    """As RTCPeerConnection takes it."""

    urls: str | list[str]
    """stun: or turn: addresses."""
    username: str | None = None
    """Of a relay."""
    credential: str | None = None
    """Of a relay."""


class IceServers(_Model):
    """What a viewer's browser is to use, beside the box's own addresses."""

    iceServers: list[IceServer]
    """None where no STUN and no TURN server is configured."""


class Health(_Model):
    """Whether every camera is live, or coming up for the first time."""

    ok: bool
    """False where one is stale or failed, comes up after a failure, or is started again and again."""
    cameras: dict[str, CameraState]
    """Each camera's id and state."""


class Sensors(_Model):
    """Sensor nodes and how they are heard."""

    links: list[LinkStatus]
    """The broker first, where there is one, then serial lines."""
    nodes: list[NodeStatus]
    """In the order in which they were named."""
    unknown: int
    """Messages of nodes that venue.toml does not name: refused."""
    unknown_last: str | None
    """The name that the last of these went by."""


class _Fact(_Model):
    id: str
    """A UUID of version 7: unique for ever."""
    camera: str
    """The camera's id; * where it is of no camera alone."""
    media_time: float
    """When it was the case: media time, s since the box's start."""
    match_time: float | None
    """Seconds of play; null where no match clock is mapped."""


class Track(_Model):
    """Somebody, or the ball, in one picture."""

    id: int = Field(ge=1)
    """The number it keeps, never given twice."""
    label: str
    """Of the `athlete` detector: player, goalkeeper, referee or ball."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom, px of the picture."""
    score: float = Field(ge=0, le=1)
    """The detector's, when it last saw it."""
    detected: bool
    """Detected in this very picture rather than carried here from an earlier one."""


class TracksFact(_Fact):
    """Who is where in one picture."""

    kind: Literal["tracks"]
    """The fact's kind."""
    width: int
    """Of the picture, px."""
    height: int
    """Of the picture, px."""
    tracks: list[Track]
    """All that are known to be in it."""


class TrackStarted(_Fact):
    """Somebody has come."""

    kind: Literal["track_started"]
    """The fact's kind."""
    track: int
    """The track's number."""
    label: str
    """As in its tracks."""


class TrackEnded(_Fact):
    """Somebody was not seen for 3 s, or the camera's worker ended, and the next one knows nobody."""

    kind: Literal["track_ended"]
    """The fact's kind."""
    track: int
    """The track's number."""
    label: str
    """As in its tracks."""
    seconds: float
    """From its first picture to its last; to the camera's last, where its worker ended."""


class SensorFact(_Fact):
    """What a sensor node told. It holds what else the node sent: numbers, texts, true, false or null."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="allow")

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    """What happened, in the node's word: `whistle`."""
    node: str
    """The node's id."""
    sensor: str
    """What the node senses."""
    seq: int
    """The message's number, of that node's."""
    score: float = Field(ge=0, le=1)
    """How sure the node is."""


Fact = Annotated[TracksFact | TrackStarted | TrackEnded, Field(discriminator="kind")] | SensorFact


class Facts(_Model):
    """A page of facts, in the order in which they became known."""

    facts: list[Fact]
    """At most `limit`."""


def problems(**whens: str) -> Answers:
    """Refusals, each with the JSON that says why: ``_404="no such camera"``."""
    return {int(name[1:]): {"model": Problem, "description": text} for name, text in whens.items()}


def text(media_type: str, description: str, **more: Any) -> dict[str, Any]:
    """An answer that is no JSON."""
    return {"description": description, "content": {media_type: {"schema": {"type": "string"}}}, **more}


def body(media_type: str, description: str) -> dict[str, Any]:
    """A request's body that is no JSON."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {"requestBody": {"required": True, "description": description, "content": content}}


NO_CAMERA = "no camera of this id"
BAD_BODY = problems(
    _400="what was sent is not whole, or not of its kind",
    _404=NO_CAMERA,
    _408="the body did not come in time",
    _413="the body is too large",
    _415="the body is of another type",
)
