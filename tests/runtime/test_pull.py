"""Models from elsewhere: pulled from a real server, proved, kept; and what a hostile one is told."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import shutil
import ssl
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import touchline
from tests.certificate import certificate
from tests.e2e.box import command
from tests.runtime.test_program import PICTURES, WEIGHT, artifact, reference
from touchline.runtime import golden, manifest, pull, shelf
from touchline.runtime.verify import MOST
from touchline.types import CheckFailed, ConfigError, ModelError


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files; and redirections, from /to/X to X."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/").replace("manifest.json", ""))
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server's address and its folder."""
    folder = tmp_path / "site"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def content(folder: Path) -> str:
    return manifest.read(folder).manifest["content"]


def nothing_is_kept() -> bool:
    return not shelf.user_shelf().exists() or not list(shelf.user_shelf().iterdir())


def test_what_is_pulled_goes_by_its_name(site: tuple[str, Path]) -> None:
    address, folder = site
    made = artifact(folder / "m", name="colours")
    pulled = pull.pull(f"{address}/m/", content=content(made))
    assert (pulled.name, pulled.fresh) == ("colours", True)
    np.testing.assert_allclose(touchline.load("colours").run(PICTURES[0]), reference(PICTURES[0]), rtol=1e-5)
    again = pull.pull(f"{address}/m/manifest.json", content=content(made))
    assert (again.folder, again.fresh) == (pulled.folder, False)
    assert [each.name for each in shelf.user_shelf().iterdir()] == ["colours"]


def test_a_folder_is_pulled_with_its_card_and_another_name(tmp_path: Path) -> None:
    made = artifact(tmp_path / "m")
    (made / "CARD.md").write_text("# t\n\x1b]0;owned\x07 \x1b[31mred")
    assert pull.pull(str(made), name="mine").folder == shelf.user_shelf() / "mine"
    shown = command("models", "show", "mine")
    assert shown.returncode == 0
    assert "red" in shown.stdout
    assert "\x1b" not in shown.stdout
    rows = json.loads(command("models", "list", "--json").stdout)
    assert [row["name"] for row in rows if not row["shipped"]] == ["mine"]
    assert {"athlete", "motion", "sound"} <= {row["name"] for row in rows if row["shipped"]}


def test_no_name_is_taken_twice(tmp_path: Path) -> None:
    pull.pull(str(artifact(tmp_path / "a", name="colours")))
    with pytest.raises(ConfigError, match="is another model; pull this one under another --name"):
        pull.pull(str(artifact(tmp_path / "b", name="colours", licence="x")))
    with pytest.raises(ConfigError, match="athlete"):
        pull.pull(str(artifact(tmp_path / "c", name="athlete")))


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "a" * 65, "a\nb"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a model"):
        pull.pull(str(artifact(tmp_path / "a", name=name)))
    assert nothing_is_kept()


def test_plain_http_needs_the_content_hash_and_it_must_be_right(site: tuple[str, Path]) -> None:
    address, folder = site
    artifact(folder / "m")
    with pytest.raises(ConfigError, match="plain http can be changed"):
        pull.pull(f"{address}/m")
    with pytest.raises(ModelError, match="its content is"):
        pull.pull(f"{address}/m", content="0" * 64)
    assert nothing_is_kept()


def test_another_model_under_its_name_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="not the same model"):
        pull.pull(str(artifact(tmp_path / "m", weight=WEIGHT.T)))
    assert nothing_is_kept()


def rewritten(folder: Path, **changes: Any) -> str:
    """A manifest with other ``files``, its content hash right; returns it."""
    said = json.loads((folder / "manifest.json").read_text())
    said["files"] |= changes
    said["content"] = manifest.content_hash(said)
    (folder / "manifest.json").write_text(json.dumps(said))
    return said["content"]


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("../../evil.onnx", {"sha256": "0", "bytes": 1}, "would lie elsewhere"),
        ("/etc/evil.onnx", {"sha256": "0", "bytes": 1}, "would lie elsewhere"),
        (".bashrc", {"sha256": "0", "bytes": 1}, "would lie elsewhere"),
        ("a\nb.onnx", {"sha256": "0", "bytes": 1}, "would lie elsewhere"),
        ("evil.pt", {"sha256": "0", "bytes": 1}, "no kind of file"),
        ("evil.py", {"sha256": "0", "bytes": 1}, "no kind of file"),
        ("big.onnx", {"sha256": "0", "bytes": 10**12}, "bytes, 1,000,000,000 are allowed"),
        ("odd.onnx", {"sha256": "0"}, "does not say how large"),
        ("odd.onnx", {"sha256": "0", "bytes": -1}, "does not say how large"),
        ("odd.onnx", [], "has no SHA-256"),
        ("model.onnx", {"sha256": "0", "bytes": 10}, "is larger than the 10 bytes"),
        ("absent.onnx", {"sha256": "0", "bytes": 10}, "the server says 404"),
    ],
)
def test_a_hostile_manifest_is_one_line(site: tuple[str, Path], name: str, facts: Any, words: str) -> None:
    address, folder = site
    told = rewritten(artifact(folder / "m"), **{name: facts})
    with pytest.raises(ModelError, match=words) as caught:
        pull.pull(f"{address}/m", content=told)
    assert "\n" not in str(caught.value)
    assert nothing_is_kept()


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"format": 1, "files": 3}'])
def test_no_manifest_is_one_line(site: tuple[str, Path], text: str) -> None:
    address, folder = site
    (folder / "m").mkdir()
    (folder / "m" / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.json"):
        pull.pull(f"{address}/m", content="0" * 64)
    assert nothing_is_kept()


def test_a_redirection_leads_to_the_web_alone(site: tuple[str, Path], tmp_path: Path) -> None:
    address, _ = site
    artifact(tmp_path / "m")
    with pytest.raises(ModelError, match="is not allowed"):
        pull.pull(f"{address}/to/file://{tmp_path}/m", content="0" * 64)
    with pytest.raises(ModelError, match="it leads from http to ftp"):
        pull.pull(f"{address}/to/ftp://127.0.0.1/m", content="0" * 64)
    assert nothing_is_kept()
    with pytest.raises(Exception, match="from https to http"):
        pull._Careful().redirect_request(
            pull.urllib.request.Request("https://a.example/m"), None, 302, "", {}, "http://a.example/m"
        )


class Dripping(http.server.BaseHTTPRequestHandler):
    """Sends what its path names, then byte by byte for some ten seconds, each sooner than a socket's time-out."""

    heard_out: ClassVar[list[str]] = []
    starts: ClassVar[dict[str, bytes]] = {
        "/header/manifest.json": b"HTTP/1.1 200 OK\r\nX: ",
        "/body/manifest.json": b"HTTP/1.1 200 OK\r\n\r\n",
        "/redirection/manifest.json": b"HTTP/1.1 302 Found\r\nLocation: /header/manifest.json\r\n\r\n",
    }

    def do_GET(self) -> None:
        self.wfile.write(self.starts[self.path])
        pace = threading.Event()
        with contextlib.suppress(OSError):
            for _ in range(500):
                pace.wait(0.02)
                self.wfile.write(b"a")
            self.heard_out.append(self.path)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("part", ["header", "body", "redirection"])
def test_a_server_that_drips_is_cut_off_at_the_whole_time(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(pull, "_WHOLE_S", 0.3)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(ModelError, match=r"not fetched in 0\.3 s; try again"):
                pull.pull(f"http://127.0.0.1:{server.server_port}/{part}", content="0" * 64)
        finally:
            server.shutdown()
            thread.join()
    assert Dripping.heard_out == []
    assert nothing_is_kept()


@pytest.mark.parametrize("part", ["header", "body"])
def test_over_tls_it_is_cut_off_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    cert, key = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    monkeypatch.setattr(pull, "_WHOLE_S", 1.0)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(ModelError, match=r"not fetched in 1\.0 s; try again"):
                pull.pull(f"https://127.0.0.1:{server.server_port}/{part}")
        finally:
            server.shutdown()
            thread.join()
    assert Dripping.heard_out == []
    assert nothing_is_kept()


def test_nobody_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be fetched"):
        pull.pull("http://127.0.0.1:9/m", content="0" * 64)
    with pytest.raises(ModelError, match="no model, folder or http"):
        pull.pull("no-such-model")
    done = command("models", "pull", "no-such-model")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_proof_that_unpacks_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    made = artifact(tmp_path / "m")
    with (
        zipfile.ZipFile(made / golden.FILE, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("0.in0.npy", "w") as f,
    ):
        piece = bytes(1 << 24)
        for _ in range(64):
            f.write(piece)
    said = json.loads((made / "manifest.json").read_text())
    manifest.write(made, said, list(said["files"]))
    with pytest.raises(ModelError, match="unpacks to"):
        pull.pull(str(made))
    assert nothing_is_kept()


def test_a_broken_model_on_the_shelf_is_told_in_its_row(tmp_path: Path) -> None:
    folder = pull.pull(str(artifact(tmp_path / "a", name="colours"))).folder
    (folder / "model.onnx").write_bytes(b"x")
    listed = command("models", "list")
    assert listed.returncode == 0
    assert "athlete" in listed.stdout
    assert "corrupt" in listed.stdout
    rows = json.loads(command("models", "list", "--json").stdout)
    assert "corrupt" in next(row["error"] for row in rows if row["name"] == "colours")
    shutil.rmtree(folder)


def test_a_wrong_model_does_not_prove_itself_by_what_it_grants_itself(tmp_path: Path) -> None:
    wide = artifact(tmp_path / "wide", weight=WEIGHT.T, tolerance=1.01 * MOST)
    with pytest.raises(ModelError, match="grants itself a tolerance"):
        pull.pull(str(wide))
    for target in ("mcu", ["x"], "else"):
        elsewhere = artifact(tmp_path / "elsewhere", weight=WEIGHT.T, target=target)
        with pytest.raises(ModelError, match="cannot be proved here"):
            pull.pull(str(elsewhere))
        shutil.rmtree(elsewhere)
    assert nothing_is_kept()


def npy(shape: tuple[int, ...]) -> bytes:
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    "member", [npy((10**13,)), npy((1 << 40, 1 << 40)), b"no array", b"", b"\x93NUMPY\x09\x09junk"]
)
def test_a_proof_that_is_no_archive_of_arrays_is_one_line(tmp_path: Path, member: bytes) -> None:
    with zipfile.ZipFile(tmp_path / golden.FILE, "w") as archive:
        archive.writestr("0.in0.npy", member)
    with pytest.raises(ModelError):
        golden.read(tmp_path / golden.FILE)


def test_a_lone_surrogate_in_a_manifest_is_one_line(tmp_path: Path) -> None:
    made = artifact(tmp_path / "m")
    said = (made / "manifest.json").read_text()
    (made / "manifest.json").write_text(said.replace('"name": "t"', '"name": "\\ud800"'))
    with pytest.raises(ModelError, match=r"content|changed|hash"):
        pull.pull(str(made))
