"""venue.toml and flags → what each part wants. The only file that reads the environment."""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from touchline.runtime.devices import AUTO, DEVICES
from touchline.types import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _known_device(word: str) -> str:
    if word not in DEVICES:
        raise PydanticCustomError(
            "device", "is {word}; choose {known}", {"word": repr(word), "known": ", ".join(DEVICES)}
        )
    return word


Device = Annotated[str, AfterValidator(_known_device)]


_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, ends of lines, and what turns the direction of writing (Unicode UAX #9): a name with them is drawn as
another one. Not what joins letters, which scripts and emoji need."""


def hidden_in(name: str) -> str | None:
    """The first character of ``name`` that no name may have, as "U+202E"; None where there is none."""
    found = _HIDDEN.search(name)
    return f"U+{ord(found[0]):04X}" if found else None


def without_hidden(name: str) -> str:
    """``name`` without the characters that no name may have."""
    return _HIDDEN.sub("", name)


def _all_seen(name: str) -> str:
    hidden = hidden_in(name)
    if hidden is not None:
        raise PydanticCustomError("hidden", "holds {hidden}", {"hidden": hidden})
    return name


Name = Annotated[str, AfterValidator(_all_seen)]


class ServerSettings(_Table):
    """Where the box listens."""

    host: str = Field(default="127.0.0.1", description="Address to listen on. Loopback unless you say otherwise.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="TCP port of the page and the API; 0 takes a free one."
    )


class WebRtcSettings(_Table):
    """How viewers' browsers reach this box."""

    addresses: list[str] = Field(
        default_factory=list[str],
        description="This box's addresses to offer to viewers; empty: those that the server listens on.",
    )
    stun: str | None = Field(default=None, description='e.g. "stun:stun.example.org:3478"')
    turn: str | None = Field(default=None, description='A relay, e.g. "turn:turn.example.org:3478?transport=udp"')
    turn_username: str | None = Field(default=None, description="User name at the relay.")
    turn_credential: str | None = Field(
        default=None, description="Password at the relay; ${VARIABLE} takes it from the environment."
    )
    max_viewers: int = Field(default=200, ge=1, le=5000, description="Viewers at once, over all cameras.")


class AnalysisSettings(_Table):
    """How all cameras are looked at, unless one says otherwise."""

    model: str = Field(
        default="athlete",
        description="A shipped detector's name, or the path of your own (.onnx, .tflite, folder).",
    )
    detect_hz: float = Field(
        default=5.0, gt=0, le=60, description="Detections a second; frames between are tracked."
    )
    detect_width: int | None = Field(
        default=None,
        ge=160,
        le=3840,
        description="Width in px of what the detector sees; left out: the model's own.",
    )
    device: Device = Field(
        default=AUTO,
        description='What the detector runs on: "auto" takes an accelerator that is found, else "cpu"; see '
        "`touchline doctor`.",
    )


class CameraSettings(_Table):
    """One camera."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        examples=["north"],
        description="Its name in URLs: letters, digits, - and _.",
    )
    source: str = Field(
        min_length=1,
        examples=["test:"],
        description='rtsp://…, rtmp://…, srt://…, http(s)://….m3u8, a file, 0 or /dev/video0, or "test:". '
        "${VARIABLE} takes a password from the environment.",
    )
    name: Name = Field(default="", max_length=80, description="Its name on the page; the id where left out.")
    loop: bool = Field(default=False, description="Play a file over and over.")
    model: str | None = Field(default=None, description="As in [analysis], for this camera alone.")
    detect_hz: float | None = Field(default=None, gt=0, le=60, description="As in [analysis].")
    detect_width: int | None = Field(default=None, ge=160, le=3840, description="As in [analysis].")
    device: Device | None = Field(default=None, description="As in [analysis].")
    process: str | None = Field(default=None, description='Your own step, "FILE.py:FUNCTION", on every picture.')
    burn_in: bool = Field(default=False, description="Draw boxes and numbers into the picture itself.")
    bitrate: int | None = Field(
        default=None,
        ge=100_000,
        le=100_000_000,
        description="Bits a second where the box must encode; else by size.",
    )


class NodeSettings(_Table):
    """One sensor node. What it sends: docs/sensors.md."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        examples=["mic"],
        description="Its name in the broker's topics: letters, digits, - and _.",
    )
    camera: str | None = Field(
        default=None, description="The camera whose facts its events are; left out: they are of all cameras."
    )
    kind: Name = Field(default="sensor", max_length=40, description='What it senses, e.g. "sound" or "motion".')
    serial: str | None = Field(
        default=None, description='A serial line that it is heard on instead of the broker, e.g. "/dev/ttyACM0".'
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] = Field(
        default=115200, description="Bits a second of the serial line."
    )


class SensorSettings(_Table):
    """Sensor nodes, and the MQTT broker that they publish to."""

    broker: str | None = Field(
        default=None,
        pattern=r"^mqtts?://([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$",
        description='Its address, e.g. "mqtt://10.0.0.5:1883", or with TLS "mqtts://broker.example.org:8883".',
    )
    user: str | None = Field(default=None, description="User name at the broker.")
    password: str | None = Field(
        default=None, description="Password at the broker; ${VARIABLE} takes it from the environment."
    )
    ca: str | None = Field(
        default=None, description="PEM file of the authorities to trust with mqtts; left out: the system's."
    )
    prefix: str = Field(
        default="touchline",
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,7}$",
        description="Nodes publish to PREFIX/ID/events.",
    )
    rate: float = Field(default=20.0, gt=0, le=1000, description="Messages a second that one node may send.")
    late: float = Field(
        default=30.0, gt=0, le=3600, description="How long ago, in s, what a message tells may have happened."
    )
    nodes: list[NodeSettings] = Field(default_factory=list[NodeSettings])


class Venue(_Table):
    """All of venue.toml."""

    server: ServerSettings = Field(default_factory=ServerSettings)  # pyright: ignore[reportArgumentType]
    webrtc: WebRtcSettings = Field(default_factory=WebRtcSettings)  # pyright: ignore[reportArgumentType]
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings)  # pyright: ignore[reportArgumentType]
    cameras: list[CameraSettings] = Field(default_factory=list[CameraSettings])
    sensors: SensorSettings = Field(default_factory=SensorSettings)  # pyright: ignore[reportArgumentType]


def load_venue(path: Path) -> Venue:
    """Read and check ``path``. Raises `ConfigError` naming file, line, what is wrong and the remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; `touchline init` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); check its rights and that it is UTF-8") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}; mend that place") from error
    try:
        venue = Venue.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(path, text, error)) from None
    check_ids(venue.cameras, str(path))
    _check_nodes(path, text, venue.sensors)
    _check_variables(path, text, venue)
    return venue


def check_ids(cameras: list[CameraSettings], where: str) -> None:
    """Raise `ConfigError` where two cameras share an id."""
    seen: set[str] = set()
    for camera in cameras:
        if camera.id in seen:
            raise ConfigError(f"{where}: two cameras have the id {camera.id!r}; give each its own")
        seen.add(camera.id)


def _check_nodes(path: Path, text: str, sensors: SensorSettings) -> None:
    """Raise `ConfigError` where two nodes share an id or a line, or one cannot be heard."""
    seen: set[str] = set()
    for index, node in enumerate(sensors.nodes):
        where = _where(path, text, ("sensors", "nodes", index, "id"))
        for taken in (node.id, node.serial):
            if taken in seen:
                raise ConfigError(f"{where}: two nodes have {taken!r}; give each its own")
        seen |= {node.id, node.serial or node.id}
        if node.serial is None and sensors.broker is None:
            raise ConfigError(
                f"{where}: node {node.id!r} has nothing to be heard by; set broker in [sensors], or serial"
            )


def _check_variables(path: Path, text: str, venue: Venue) -> None:
    """Raise `ConfigError` where a ``${VARIABLE}`` of the file is not set, while its line is still known."""
    values: list[tuple[tuple[int | str, ...], str, str]] = [
        (("cameras", index, "source"), f"camera {camera.id}", camera.source)
        for index, camera in enumerate(venue.cameras)
    ]
    if venue.webrtc.turn:
        credential = venue.webrtc.turn_credential or ""
        values.append((("webrtc", "turn_credential"), "turn_credential", credential))
    values += [
        (("sensors", name), name, value)
        for name, value in (("user", venue.sensors.user or ""), ("password", venue.sensors.password or ""))
    ]
    for place, whose, value in values:
        try:
            expand(value)
        except ConfigError as error:
            raise ConfigError(f"{_where(path, text, place)}: {whose}: {error}") from None


def expand(text: str) -> str:
    """Replace each ``${VARIABLE}`` by the environment's. Raises `ConfigError` where one is not set."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(f"${{{match[1]}}}: no such environment variable; set it before you start")
        return found

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", value, text)


def worker_environment() -> dict[str, str]:
    """The environment of the cameras' processes: this one's, one thread for each of their libraries, and for the
    window of ``--display`` its name, no greeting, and a real screen. Without one SDL shows windows to nobody."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    screens = {"SDL_VIDEODRIVER": "x11,wayland,kmsdrm"} if sys.platform == "linux" else {}
    window = {"PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEO_X11_WMCLASS": "touchline"}
    return screens | os.environ | threads | window


def cache_folder() -> Path:
    """Where what was fetched once is kept: ``$TOUCHLINE_CACHE``, else the user's cache folder (XDG)."""
    named = os.environ.get("TOUCHLINE_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "touchline"


_PATTERNS = {
    "broker": "mqtt:// or mqtts://, a host and perhaps a port (user and password have keys of their own)",
    "prefix": "letters, digits, - and _, and / between up to eight levels",
}


def _explain(path: Path, text: str, error: ValidationError) -> str:
    mistakes = error.errors(include_url=False)
    # A key that is written wrong is often the one that another mistake misses.
    first = min(mistakes, key=lambda mistake: mistake["type"] != "extra_forbidden")
    place = first["loc"]
    where = _where(path, text, place)
    key = ".".join(str(part) for part in place)
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(place[:-1])
        close = difflib.get_close_matches(str(place[-1]), known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
        return f"{where}: unknown key {key!r}; {hint}{more}"
    if first["type"] == "missing":
        return f"{where}: {key!r} is missing; add it{more}"
    if first["type"] == "string_pattern_mismatch":
        takes = _PATTERNS.get(str(place[-1]), "letters, digits, - and _, 63 at most, the first a letter or digit")
        # Who writes a password into an address has it shown to nobody.
        given = "is not of that form" if place[-1] == "broker" else f"is {first['input']!r}"
        return f"{where}: {key!r}: {given}; write it with {takes}{more}"
    if first["type"] == "device":
        return f"{where}: {key!r} {first['msg']}; `touchline doctor` tries each of them here{more}"
    if first["type"] == "hidden":
        return f"{where}: {key!r} {first['msg']}, which nobody sees but which changes the rest; leave it out{more}"
    return f"{where}: {key!r}: {first['msg']}; `touchline init` shows what it takes{more}"


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    model: Any = Venue
    for part in place:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        arguments = getattr(annotation, "__args__", ())
        model = arguments[0] if arguments else annotation
    return sorted(model.model_fields)


def _where(path: Path, text: str, place: tuple[int | str, ...]) -> str:
    line = _line_of(text, place)
    return f"{path}:{line}" if line else str(path)


def _line_of(text: str, place: tuple[int | str, ...]) -> int | None:
    """The line on which the key or table at ``place`` stands: a search, for tomllib keeps no lines."""
    lines = text.splitlines()
    at, tables = 0, [part for part in place[:-1] if isinstance(part, str)]
    index = next((part for part in place if isinstance(part, int)), 0)
    if tables:
        found = _headers(lines, tables)
        if not found:
            return None
        at = found[min(index, len(found) - 1)]
    key = re.compile(r"^\s*[\"']?" + re.escape(str(place[-1])) + r"[\"']?\s*=")
    for number in range(at, len(lines)):
        if key.match(lines[number]):
            return number + 1
        if number > at and lines[number].lstrip().startswith("["):
            break
    found = _headers(lines, [*tables, str(place[-1])])
    return found[0] + 1 if found else at + 1 if tables else None


def _headers(lines: list[str], tables: list[str]) -> list[int]:
    """The lines, from 0, that begin a table of this name."""
    header = re.compile(r"^\s*\[{1,2}\s*" + r"\s*\.\s*".join(map(re.escape, tables)) + r"\s*\]{1,2}")
    return [number for number, line in enumerate(lines) if header.match(line)]


def documented_venue() -> str:
    """A venue.toml in which every key stands with its meaning and default."""
    parts = [
        "# venue.toml: the cameras of this place and how they are looked at.",
        "# Run it with: touchline live --config venue.toml",
    ]
    for header, model in (
        ("[server]", ServerSettings),
        ("[webrtc]", WebRtcSettings),
        ("[analysis]", AnalysisSettings),
        ("[[cameras]]", CameraSettings),
        ("[sensors]", SensorSettings),
        ("# [[sensors.nodes]]", NodeSettings),
    ):
        parts += ["", f"# {model.__doc__}", header]
        for name, info in model.model_fields.items():
            if name == "nodes":
                continue
            line = _example_line(name, info)
            parts.append(f"# {info.description}")
            # A node is there only where somebody has one.
            parts.append(f"# {line}" if header.startswith("#") and not line.startswith("#") else line)
    return "\n".join(parts) + "\n"


def _example_line(name: str, info: Any) -> str:
    if info.examples:
        return f'{name} = "{info.examples[0]}"'
    default: Any = info.get_default(call_default_factory=True)
    match default:
        case None:
            return f"# {name} ="
        case bool():
            return f"{name} = {str(default).lower()}"
        case str():
            return f'{name} = "{default}"'
        case list():
            return f"{name} = []"
        case _:
            return f"{name} = {default}"
