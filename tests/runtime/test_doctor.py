"""What this box has, tried out for real; and what is said of runtimes that are broken or not there."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tests.e2e.box import command
from tests.runtime.test_load import onnx_file, tflite_file
from touchline.runtime import doctor, probe
from touchline.runtime.devices import ACCELERATORS, DEVICES
from touchline.runtime.doctor import Candidate, probe_runtimes, try_out
from touchline.runtime.load import load
from touchline.types import ConfigError, ModelError

X = np.ones((3, 2), np.float32)


def candidate(suffix: str = "onnx", device: str = "cpu") -> Candidate:
    return Candidate("it", suffix, device, "mend it")


def test_what_is_installed_works_here() -> None:
    found = {each.name.split(" ")[0]: each for each in probe_runtimes()}
    assert set(found) == {"ONNX", "OpenVINO", "LiteRT", "ExecuTorch"}
    assert found["ONNX"].works
    assert found["ONNX"].needed
    for name, each in found.items():
        assert each.works or each.found == "is not installed", name
        assert each.works or "pip install" in each.remedy
        assert "\n" not in each.found + each.remedy


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package path that comes first in the probe's process: what is in it breaks."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    return tmp_path


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.abort()", "its process ended with status -6"),
        ("raise OSError('libdriver.so: no such file')", "libdriver.so"),
        ("print('{')\nimport os; os._exit(0)", "its process ended with status 0"),
    ],
)
def test_a_driver_that_kills_its_process_is_one_line(broken: Path, code: str, words: str) -> None:
    (broken / "onnxruntime.py").write_text(code)
    found = try_out(candidate())
    assert not found.works
    assert words in found.found
    assert "\n" not in found.found
    assert found.remedy == "mend it"


def test_the_command_tells_all_and_fails_where_what_is_needed_is_broken(broken: Path) -> None:
    done = command("doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert {each["family"] for each in json.loads(done.stdout)} == {"runtimes", "codecs"}
    (broken / "onnxruntime.py").write_text("raise ImportError('no AVX')")
    done = command("doctor")
    assert done.returncode == 1
    assert done.stderr.startswith("touchline: this box cannot do without: ONNX Runtime")
    assert "pip install" in done.stderr
    assert "works   H.264 decoder" in done.stdout
    assert "BROKEN  ONNX Runtime" in done.stdout


def test_a_driver_that_hangs_is_one_line(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (broken / "onnxruntime.py").write_text("import time; time.sleep(100)")
    monkeypatch.setattr(doctor, "_PROBE_S", 2)
    assert try_out(candidate()).found == "hangs: no answer in 2 s"


def test_a_runtime_that_computes_something_else_does_not_work(broken: Path) -> None:
    """Its file is one that answers three times as much."""
    whole = Path(probe.__file__).read_text().replace("[1, 2, 0]", "[3, 2, 0]")
    package = broken / "touchline"
    shutil.copytree(Path(probe.__file__).parent.parent, package, ignore=shutil.ignore_patterns("models", "web"))
    (package / "runtime" / "probe.py").write_text(whole)
    assert try_out(candidate()).found.startswith("computes something else: off by 0.")


def test_an_accelerator_this_build_lacks_is_named_with_its_package(tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "m.onnx")
    for device, accelerator in ACCELERATORS.items():
        if accelerator.provider not in onnxruntime.get_available_providers():
            with pytest.raises(ModelError, match=accelerator.package):
                load(file, device=device)
    with pytest.raises(ConfigError, match="device is 'abacus'; choose auto, cpu"):
        load(file, device="abacus")


def test_hardware_without_its_runtime_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "nvidiactl"
    node.touch()
    monkeypatch.setattr(doctor, "Path", lambda path: node if path == "/dev/nvidiactl" else Path(path))
    (gpu,) = [each for each in doctor._accelerators() if each.device == "cuda"]
    found = try_out(gpu)
    assert (found.works, found.found) == (False, "this build of ONNX Runtime cannot use it")
    assert "pip install onnxruntime-gpu" in found.remedy


def test_an_accelerator_that_does_not_start_is_given_up_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A build that names CUDA on a box where it cannot be loaded: ONNX Runtime itself goes on without a word."""
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    with caplog.at_level(logging.WARNING, "touchline"):
        model = load(onnx_file(tmp_path / "m.onnx"))
    assert model.device == "cpu"
    assert model.run(X)[0].tolist() == (-X).tolist()
    (line,) = [record.getMessage() for record in caplog.records]
    assert "cuda cannot be started" in line
    assert line.endswith("it runs on the CPU")
    with pytest.raises(ModelError, match="cuda cannot be started"):
        load(tmp_path / "m.onnx", device="cuda")


class Failing:
    """An accelerator's session whose device is lost at its first answer; the CPU's after it is real."""

    def __init__(self, real: onnxruntime.InferenceSession) -> None:
        self.real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def run(self, *_: object) -> object:
        from touchline.runtime.onnx import failures

        raise failures.EPFail("CUDA error 999\nmore")


def test_an_accelerator_that_fails_at_its_first_answer_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = onnxruntime.InferenceSession

    def open_(path: str, options: object, providers: list[str]) -> object:
        session = real(path, options, providers=["CPUExecutionProvider"])
        return Failing(session) if providers[0].startswith("CUDA") else session

    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(onnxruntime, "InferenceSession", open_)
    file = onnx_file(tmp_path / "m.onnx")
    model = load(file)
    assert model.device == "cuda"
    with caplog.at_level(logging.WARNING, "touchline"):
        assert model.run(X)[0].tolist() == (-X).tolist()
    assert model.device == "cpu"
    assert [record.getMessage() for record in caplog.records] == [
        f"{file}: fails on cuda (CUDA error 999); it runs on the CPU"
    ]
    with pytest.raises(ModelError, match="CUDA error 999"):
        load(file, device="cuda").run(X)


def test_files_of_one_runtime_take_no_other_device(tmp_path: Path) -> None:
    file = tflite_file(tmp_path / "m.tflite")
    assert load(file, device="cpu").device == "cpu"
    for device in set(DEVICES) - {"auto", "cpu"}:
        with pytest.raises(ModelError, match="runs on the CPU, not on"):
            load(file, device=device)
