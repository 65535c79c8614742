"""``touchline model compile --target mcu`` and ``touchline model run``, as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from tests.needs import need
from tests.tiny.zoo import model
from touchline.tiny import reference
from touchline.tiny.import_tflite import read_tflite


def touchline(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "touchline", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled model beside its .tflite."""
    need("cc")
    home = tmp_path_factory.mktemp("mcu")
    (home / "net.tflite").write_bytes(model(["residual"], 4)[0])
    done = touchline("model", "compile", home / "net.tflite", "--target", "mcu", "--out", home / "net", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["path"] == str(home / "net")
    return home / "net"


def test_the_folder_holds_what_the_interface_says(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    for key in ("ram_bytes", "weight_bytes", "code_bytes", "macs"):
        assert report[key] > 0
    assert report["instructions"]["cortex-m4"] > report["macs"] / 2
    low, high = report["energy_uj"]
    assert 0 < low < high
    assert "STM32L4R5" in report["sources"]["energy_uj"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["target"] == "mcu"
    assert "host" in manifest["verified"]["on"]
    assert ElementTree.parse(folder / "memory.svg").getroot().tag.endswith("svg")  # noqa: S314 - made here
    header = (folder / "model.h").read_text()
    assert f"#define NET_ARENA_BYTES {report['ram_bytes']}\n" in header


@pytest.mark.parametrize("option", ["--output", "--out"])
@pytest.mark.parametrize("on", ["host", "qemu:cortex-m4", "qemu:cortex-m55"])
def test_a_run_gives_the_reference_s_bits(folder: Path, tmp_path: Path, on: str, option: str) -> None:
    if on != "host":
        need("arm-none-eabi-gcc", "qemu-system-arm")
    graph = read_tflite(folder.parent / "net.tflite")
    x = np.random.default_rng(1).integers(-128, 128, graph.tensors[graph.inputs[0]].shape).astype(np.int8)
    np.save(tmp_path / "x.npy", x)
    done = touchline("model", "run", folder, "--input", tmp_path / "x.npy", option, tmp_path / "y.npy", "--on", on)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), reference.run(graph, x)[0])


@pytest.mark.parametrize("name", ["model", "int", "比"])
def test_any_name_will_do(name: str, tmp_path: Path) -> None:
    """Names that the harness, C or nobody could use as they are."""
    need("cc")
    file = tmp_path / f"{name}.tflite"
    file.write_bytes(model(["residual"], 4)[0])
    done = touchline("model", "compile", file, "--target", "mcu", "--out", tmp_path / "net")
    assert done.returncode == 0, done.stderr


def test_what_knows_nothing_of_mcu_says_so(folder: Path) -> None:
    for words in (("verify", folder), ("bench", folder), ("gate", folder, "--against", folder)):
        done = touchline("model", *words)
        assert done.returncode == 2
        assert "is C for microcontrollers" in done.stderr
        assert done.stderr.count("\n") == 1


def test_wrong_input_is_one_line(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 2), np.float32))
    (tmp_path / "no.tflite").write_bytes(b"no model")
    for words, wanted in (
        (("model", "run", folder, "--input", tmp_path / "x.npy"), "must be int8"),
        (("model", "run", folder, "--input", tmp_path / "none.npy"), "no such file"),
        (("model", "run", folder, "--input", tmp_path / "x.npy", "--on", "qemu:z80"), "--on qemu:z80"),
        (("model", "run", tmp_path, "--input", tmp_path / "x.npy"), "manifest.json"),
        (
            ("model", "compile", tmp_path / "no.tflite", "--target", "mcu", "--out", tmp_path / "a"),
            "no .tflite file",
        ),
        (("model", "compile", folder.parent / "net.tflite", "--target", "mcu", "--out", folder), "exists already"),
    ):
        done = touchline(*words)
        assert done.returncode == 2, words
        assert wanted in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "a").exists()


def test_a_pytorch_module_is_quantised_and_compiled(tmp_path: Path) -> None:
    """From FILE.py:FUNCTION and real inputs to C that takes float32 at the command line."""
    need("cc")
    (tmp_path / "net.py").write_text(
        "import torch\n\ndef make():\n    torch.manual_seed(0)\n"
        "    return torch.nn.Sequential(torch.nn.Linear(10, 6), torch.nn.ReLU(), torch.nn.Linear(6, 1)), "
        "torch.zeros(1, 10)\n"
    )
    rng = np.random.default_rng(0)
    (tmp_path / "real").mkdir()
    for i in range(8):
        np.save(tmp_path / "real" / f"{i}.npy", rng.normal(size=(1, 10)).astype(np.float32))
    words = ("model", "compile", f"{tmp_path / 'net.py'}:make", "--target", "mcu", "--out", tmp_path / "net")
    bare = touchline(*words)
    assert bare.returncode == 2
    assert "--calibration" in bare.stderr
    done = touchline(*words, "--calibration", tmp_path / "real", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "make"
    x = tmp_path / "real" / "0.npy"
    done = touchline("model", "run", tmp_path / "net", "--input", x, "--output", tmp_path / "y.npy")
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "y.npy").dtype == np.float32
    assert json.loads((tmp_path / "net" / "manifest.json").read_text())["deviation"]["passed"]


def test_a_model_of_motion_becomes_firmware(tmp_path: Path) -> None:
    need("cc")
    done = touchline("model", "firmware", "motion", "--event", "jump", "--out", tmp_path / "wrist", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["events"] == ["jump"]
    assert said["ram_bytes"] is None or said["ram_bytes"] < 4000
    assert (tmp_path / "wrist" / "main.c").is_file()
    assert '{"jump", 2, 3, ' in (tmp_path / "wrist" / "node_config.h").read_text()
    for words, what in (
        (("athlete", "--out", tmp_path / "no"), "says no features"),
        (("motion", "--event", "swim", "--out", tmp_path / "no"), "rules for swim"),
    ):
        refused = touchline("model", "firmware", *words)
        assert refused.returncode == 2
        assert what in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
