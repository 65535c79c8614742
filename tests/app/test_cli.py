"""The command line: help everywhere, one line for every mistake, the exit statuses that users script against."""

from pathlib import Path

import pytest

from tests.e2e.box import command
from touchline.app.cli import cameras_of
from touchline.types import ConfigError


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("demo",),
        ("live",),
        ("analyse",),
        ("init",),
        ("model",),
        ("model", "evaluate"),
        ("model", "train"),
        ("model", "specialise"),
        ("models",),
    ],
    ids=" ".join,
)
def test_help_at_every_level(arguments: tuple[str, ...]) -> None:
    done = command(*arguments, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert "Example: touchline" in done.stdout
    assert command(*arguments, "-h").stdout == done.stdout


@pytest.mark.parametrize("arguments", [(), ("model",), ("models",)], ids=["touchline", "model", "models"])
def test_a_group_alone_shows_its_help_and_nothing_else(arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stdout
    assert done.stderr == ""


def test_who_speaks_is_said_once() -> None:
    assert command("--nonsense").stderr.startswith("touchline: No such option")
    assert command("live", "--nonsense").stderr.startswith("touchline live: No such option")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("live",), "no camera"),
        (("live", "--nmae", "x=y"), "No such option"),
        (("live", "--name", "north"), "NAME=SOURCE"),
        (("live", "--config", "absent.toml"), "touchline init"),
        (("live", ""), "SOURCE is empty"),
        (("live", "absent.mp4", "--port", "0"), "absent.mp4: there is no such file"),
        (("live", "ftp://host/x", "--port", "0"), "ftp:// is not a kind of source"),
        (
            ("live", "rstp://host/x", "--port", "0"),
            "rstp:// is not a kind of source; give rtsp://, rtmp://, srt://",
        ),
        (("live", "rtsp:/host/x", "--port", "0"), "there is no such file; did you mean rtsp://host/x?"),
        (("live", "TEST:", "--port", "0"), "there is no such file; did you mean test:?"),
        (("live", "side:a:.mp4", "--port", "0"), "side:a:.mp4: there is no such file"),
        (("live", "test:", "--port", "99999"), "65535"),
        (("live", "test:", "--process", "absent.py:f", "--port", "0"), "no file absent.py"),
        (("live", "test:", "--model", "no-such-model", "--port", "0"), "no-such-model"),
        (("live", "--name", "a=test:", "--name", "a=test:"), "two cameras"),
        (("live", "test:", "--host", "203.0.113.7", "--port", "0"), "cannot listen"),
        (("analyse", "absent.mp4", "--out", "/tmp/never"), "absent.mp4"),
        (("analyse", "test:", "--out", "/tmp/never"), "touchline: test: is live"),
        (("analyse",), "Missing argument"),
        (("nonsense",), "No such command"),
        (("model", "evaluate", "no-such", "--data", "."), "no-such"),
        (("model", "evaluate", "athlete", "--data", "absent"), "absent"),
        (("model", "evaluate", "tracker", "--data", "absent"), "absent"),
        (("model", "train", "absent.toml"), "absent.toml"),
        (("model", "specialise", "--teacher", "absent.onnx", "--video", "."), "absent.onnx"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line_and_exit_2(arguments: tuple[str, ...], says: str) -> None:
    done = command(*arguments)
    lines = done.stderr.splitlines()
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_init_writes_what_live_reads_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "venue.toml"
    assert command("init", str(path)).returncode == 0
    before = path.read_text()
    again = command("init", str(path))
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert path.read_text() == before == command("init").stdout


def test_a_source_without_a_name_is_called_as_it_is_written_but_for_its_secrets() -> None:
    sources = {
        "matches/final.mp4": "final.mp4",
        "0": "/dev/video0",
        "rtsp://user:s3cret@10.0.0.7/main": "rtsp://***@10.0.0.7/main",
        "rtmp://host/live/s3cret": "rtmp://host/live/***",
        "nosuch://user:s3cret@host/x": "nosuch://***@host/x",
        "test:": "test:",
        "rtsp:/user:s3cret@10.0.0.7": "***@10.0.0.7",
        "file:matches/cup.mp4": "cup.mp4",
        "m" * 200: "m" * 80,
    }
    cameras = cameras_of(list(sources), ["south=south.mp4"], taken={"cam2"})
    assert [(camera.id, camera.name) for camera in cameras[:1]] == [("south", "south")]
    assert [camera.name for camera in cameras[1:]] == list(sources.values())
    assert [camera.id for camera in cameras[1:]] == ["cam1", *(f"cam{number}" for number in range(3, 11))]
    assert [camera.source for camera in cameras[1:]] == list(sources)


def test_version() -> None:
    done = command("--version")
    assert done.returncode == 0
    assert done.stdout.strip()


def test_a_name_without_its_source_shows_no_password() -> None:
    with pytest.raises(ConfigError) as caught:
        cameras_of([], ["rtsp://admin:hunter2@10.0.0.7/1"], set())
    assert "hunter2" not in str(caught.value)
    assert "10.0.0.7" in str(caught.value)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200f", "\x1b", "\n"])
def test_no_name_is_drawn_as_another(hidden: str) -> None:
    with pytest.raises(ConfigError, match=f"holds U\\+{ord(hidden):04X}, which") as caught:
        cameras_of([], [f"no{hidden}rth=x.mp4"], set())
    assert str(caught.value).isprintable()
    assert hidden not in cameras_of([f"/clips/no{hidden}rth.mp4"], [], set())[0].name
