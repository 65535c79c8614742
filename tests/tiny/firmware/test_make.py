"""From a model as training leaves it to its node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recipes.motions.acts import ACTS, Person
from recipes.motions.chain import RATE, felt
from recipes.motions.sensor import told
from tests.needs import need
from touchline.runtime import manifest, shelf
from touchline.tiny import reference
from touchline.tiny.artifact import compile_artifact
from touchline.tiny.features import ImuWindow, LogMel, Mfcc
from touchline.tiny.firmware import Rule, board, hear, node_of, write_firmware
from touchline.tiny.import_tflite import read_tflite
from touchline.types.errors import ConfigError, ModelError

SOUND: dict[str, Any] = {
    "target": "edge",
    "labels": ["whistle", "other"],
    "features": {
        "task": "sound",
        "rate": 16_000,
        "window": 480,
        "hop": 320,
        "fft": 512,
        "bands": 40,
        "low_hz": 20.0,
        "high_hz": 0.0,
        "scale": 0.5,
        "zero_point": 32,
        "floor_db": -80.0,
        "frames": 49,
        "coefficients": 0,
        "every": 12,
    },
}


def test_a_node_hears_as_it_was_trained() -> None:
    node = node_of(SOUND, "run", ["whistle"])
    assert node.features == LogMel(frames=49)
    assert (node.rate, node.every, node.classes) == (16_000, 12, ("whistle", "other"))
    assert dict(node.rules) == {"whistle": Rule()}
    cepstra = SOUND | {"features": SOUND["features"] | {"coefficients": 10}}
    assert node_of(cepstra, "run", ["whistle"]).features == Mfcc(LogMel(frames=49), 10, 0.5, 32)


def test_a_node_tells_what_its_model_says() -> None:
    motion = {
        "target": "edge",
        "labels": ["still", "jump"],
        "features": {"task": "motion", "rate": 25.0, "length": 64, "hop": 16, "gravity_shift": 5},
        "events": {"jump": {"enter": 0.7, "need": 1}},
    }
    node = node_of(motion, "run")
    assert node.features == ImuWindow(length=64, hop=16, gravity_shift=5)
    assert dict(node.rules) == {"jump": Rule(enter=0.7, need=1)}
    assert dict(node_of(motion, "run", ["still"]).rules) == {"still": Rule()}, "who asks for others gets those"


def test_what_is_no_sensor_s_model_is_told_in_one_line() -> None:
    with pytest.raises(ConfigError, match="name some of whistle, other"):
        node_of(SOUND, "run")
    with pytest.raises(ConfigError, match="rules for bell"):
        node_of(SOUND, "run", ["bell"])
    for wrong in ({"target": "server"}, {"target": "edge", "labels": ["a"]}):
        with pytest.raises(ModelError, match="no features and labels"):
            node_of(wrong, "run")


def test_the_shipped_wrist_tells_what_was_done(tmp_path: Path) -> None:
    """Ten seconds of each act, by somebody whom training did not know."""
    need("cc")
    read = manifest.read(shelf.SHIPPED / "motion")
    node = node_of(read.manifest, "motion")
    compile_artifact(read.file, tmp_path / "mcu")
    write_firmware(tmp_path / "mcu", node, tmp_path / "firmware")
    program = board.build(tmp_path / "firmware", tmp_path, "host")
    graph = read_tflite(read.file)

    def network(source: NDArray[np.int8]) -> NDArray[np.int8]:
        return reference.run(graph, source.reshape(graph.tensors[graph.inputs[0]].shape))[0].ravel()

    for kind, act in ACTS.items():
        rng = np.random.default_rng(1234)
        who = Person.drawn(rng)
        rows = told(*felt(act(who, round(10 * RATE), rng), who.upper, who.fore), rng)
        ticks = np.arange(0, rows[-1, 0], 1 / node.rate)
        real = np.stack([np.interp(ticks, rows[:, 0], column) for column in rows.T[1:]], 1)
        samples = np.rint(real * ([4096.0] * 3 + [16.4] * 3))
        samples = np.clip(samples, -32768, 32767).astype(np.int16)
        wanted = hear(node, manifest.read(tmp_path / "mcu").manifest, network, samples)
        (tmp_path / "boot.bin").unlink(missing_ok=True)
        assert board.run(program, samples, "host").lines == wanted
        kinds = {message["kind"] for line in wanted if (message := json.loads(line))["kind"] != "heartbeat"}
        assert kinds == ({kind} if kind in node.rules else set()), kind
