"""venue.toml: every key documented, every mistake named with its line and its remedy."""

import re
import tomllib
from pathlib import Path

import pytest

import touchline
from touchline.app.settings import documented_venue, expand, load_venue
from touchline.types import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "venue.toml"
    path.write_text(text)
    return path


def test_the_documented_file_is_valid_and_has_every_default(tmp_path: Path) -> None:
    venue = load_venue(write(tmp_path, documented_venue()))
    assert venue.cameras[0].source == "test:"
    assert venue.server.host == "127.0.0.1"
    plain = load_venue(write(tmp_path, '[[cameras]]\nid = "north"\nsource = "test:"\n'))
    assert venue == plain, "the file that init writes changes nothing"
    assert tomllib.loads(documented_venue())


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('[[cameras]]\nid = "a"\nsource = "test:"\nsorce = 1\n', 4, "did you mean 'source'"),
        ('[[cameras]]\nid = "a"\n', 1, "'cameras.0.source' is missing"),
        (
            '[[cameras]]\nid = "a"\nsource = "x"\n[[cameras]]\nid = "b"\nsource = "y"\ndetect_hz = "5"\n',
            7,
            "number",
        ),
        ('[[cameras]]\nid = "a b"\nsource = "x"\n', 2, "'a b'; write it with letters, digits, - and _"),
        ("[server]\n\nport = 70000\n", 3, "65535"),
        ('[analysis]\ndetect_hz = 4.0\ndevice = "gpu"\n', 3, "'analysis.device' is 'gpu'; choose auto, cpu"),
        ("[server]\n\n[servr]\nport = 1\n", 3, "did you mean 'server'"),
        ("[[cameras]]\nid = 'a'\nsource = 'x'\n[cameras.servr]\n", 4, "'cameras.0.servr'"),
        (
            '[[cameras]]\nid = "a"\nsource = "x"\n[[cameras]]\nid = "b"\nsource = "${NOT_SET}"\n',
            6,
            "camera b: ${NOT_SET}",
        ),
        ('[webrtc]\nturn = "turn:x"\nturn_credential = "${NOT_SET}"\n', 3, "turn_credential: ${NOT_SET}"),
        ("[server\n", None, "not valid TOML"),
        ('[sensors]\nbroker = "10.0.0.5"\n', 2, "write it with mqtt://"),
        ('[sensors]\nbroker = "mqtt://me:secret@b"\n', 2, "write it with mqtt://"),
        ('[sensors]\nprefix = "a/+/b"\n', 2, "write it with letters, digits, - and _, and /"),
        ('[sensors]\nbroker = "mqtt://b"\npassword = "${NOT_SET}"\n', 3, "password: ${NOT_SET}"),
        ('[sensors]\nbroker = "mqtt://b"\n[[sensors.nodes]]\nid = "a"\nkid = "x"\n', 5, "did you mean 'kind'"),
        ('[sensors]\nbroker = "mqtt://b"\n' + '[[sensors.nodes]]\nid = "a"\n' * 2, 6, "two nodes have 'a'"),
        ('[[sensors.nodes]]\nid = "a"\n', 2, "node 'a' has nothing to be heard by; set broker"),
        ('[[sensors.nodes]]\nid = "a"\nserial = "/dev/ttyS0"\nbaud = 5\n', 4, "9600"),
        ('[[cameras]]\nid = "a"\nsource = "x"\nname = "\u202eN"\n', 4, "'cameras.0.name' holds U+202E, which"),
        ('[[sensors.nodes]]\nid = "a"\nkind = "a\\nb"\n', 3, "'sensors.nodes.0.kind' holds U+000A, which"),
    ],
    ids=[
        *(
            "unknown",
            "missing",
            "type",
            "id",
            "range",
            "device",
            "table",
            "inner",
            "variable",
            "credential",
            "syntax",
        ),
        *("broker", "user in broker", "prefix", "broker password", "node", "two nodes", "deaf", "baud"),
        *("turned name", "broken kind"),
    ],
)
def test_mistakes_name_line_and_remedy(tmp_path: Path, text: str, line: int | None, what: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_venue(path)
    message = str(caught.value)
    assert what in message
    assert "pattern" not in message
    assert "secret" not in message
    assert "\n" not in message
    assert message.startswith(f"{path}:{line}: " if line else str(path))


@pytest.mark.parametrize("name", ["Süd", "شمال", "می\u200cخواهم", "👨\u200d👩\u200d👧", "a b"])
def test_names_are_written_as_people_write(tmp_path: Path, name: str) -> None:
    text = f'[[cameras]]\nid = "a"\nsource = "x"\nname = "{name}"\n'
    assert load_venue(write(tmp_path, text)).cameras[0].name == name


def test_of_several_mistakes_an_unknown_key_is_named_first(tmp_path: Path) -> None:
    text = '[server]\nport = 70000\n[[cameras]]\nid = "a"\nsorce = "test:"\n'
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_venue(path)
    told = f"{path}:5: unknown key 'cameras.0.sorce'; did you mean 'source'? (and 2 more)"
    assert str(caught.value) == told


def test_two_cameras_of_one_id(tmp_path: Path) -> None:
    text = '[[cameras]]\nid = "a"\nsource = "x"\n' * 2
    with pytest.raises(ConfigError, match="two cameras have the id 'a'"):
        load_venue(write(tmp_path, text))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="touchline init"):
        load_venue(tmp_path / "absent.toml")


def test_passwords_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_PASSWORD", "s3cret")
    assert expand("rtsp://u:${CAM_PASSWORD}@h/1") == "rtsp://u:s3cret@h/1"
    with pytest.raises(ConfigError, match="NOT_SET_ANYWHERE"):
        expand("${NOT_SET_ANYWHERE}")


def test_nothing_else_reads_the_environment() -> None:
    package = Path(touchline.__file__).parent
    reads = re.compile(r"os\.getenv|os\.environ(?!\s*\|=)")
    readers = [path for path in package.rglob("*.py") if reads.search(path.read_text())]
    assert readers == [package / "app" / "settings.py"]
