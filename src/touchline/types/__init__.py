"""What travels through Touchline. Imports nothing of ours, and no av, torch or nats."""

from touchline.types.camera import CameraState, CameraStatus
from touchline.types.detections import Detections
from touchline.types.errors import (
    CheckFailed,
    ConfigError,
    DeviceHeld,
    InputError,
    ModelError,
    ShapeError,
    SourceError,
    TouchlineError,
)
from touchline.types.fact import Fact, JsonValue, fact_id
from touchline.types.factjson import FactJson
from touchline.types.frame import Frame
from touchline.types.key_gate import KeyGate
from touchline.types.nal import split_nals
from touchline.types.packet import MEDIA_CLOCK, Packet, StreamInfo
from touchline.types.sensor import ALL_CAMERAS, LinkState, LinkStatus, NodeEvent, NodeStatus, Refusal
from touchline.types.tracks import Tracks

__all__ = [
    "ALL_CAMERAS",
    "MEDIA_CLOCK",
    "CameraState",
    "CameraStatus",
    "CheckFailed",
    "ConfigError",
    "Detections",
    "DeviceHeld",
    "Fact",
    "FactJson",
    "Frame",
    "InputError",
    "JsonValue",
    "KeyGate",
    "LinkState",
    "LinkStatus",
    "ModelError",
    "NodeEvent",
    "NodeStatus",
    "Packet",
    "Refusal",
    "ShapeError",
    "SourceError",
    "StreamInfo",
    "TouchlineError",
    "Tracks",
    "fact_id",
    "split_nals",
]
