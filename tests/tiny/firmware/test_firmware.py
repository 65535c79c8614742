"""The whole node in C says what its twin in numpy says, line by line: here under sanitisers, on both boards."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.needs import need
from tests.tiny.firmware.nodes import NODES, QUICK, SEEDS, Compiled, compiled, recording
from touchline.story.message import parse
from touchline.tiny import toolchain
from touchline.tiny.features import ImuWindow, LogMel
from touchline.tiny.firmware import board, hear, write_firmware
from touchline.types.errors import ConfigError, ModelError, ShapeError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Compiled, Path]]:
    need("cc")
    found: dict[str, tuple[Compiled, Path]] = {}
    for name, node in NODES.items():
        home = tmp_path_factory.mktemp(name)
        net = compiled(node, home, seed=SEEDS[name])
        write_firmware(net.folder, node, home / "firmware")
        found[name] = net, home / "firmware"
    return found


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("target", toolchain.TARGETS)
def test_a_node_says_what_its_twin_says(
    made: dict[str, tuple[Compiled, Path]], name: str, target: toolchain.Target, tmp_path: Path
) -> None:
    if target != "host":
        need("arm-none-eabi-gcc", "qemu-system-arm")
    net, folder = made[name]
    samples = recording(NODES[name], 6)
    program = board.build(folder, tmp_path, target)
    for boot in (1, 2):  # it counts its starts
        wanted = hear(NODES[name], net.manifest, net.network, samples, boot)
        heard = board.run(program, samples, target)
        assert heard.lines == wanted
        assert heard.late_ms in (None, 0)
    kinds = [parse(line).kind for line in wanted]
    assert set(kinds) == {"heartbeat", *NODES[name].rules}, "each kind happens"
    assert len(kinds) > 8
    if target != "host":
        arena = int(re.findall(r"ARENA_BYTES (\d+)", (folder / "model.h").read_text())[-1])
        assert arena < (heard.ram_bytes or 0) < arena + 6_000


def test_features_come_in_the_steps_of_the_network_s_input(tmp_path: Path) -> None:
    """A network that was quantised to other steps than it was trained with sees the same numbers."""
    need("cc")
    node = NODES["sound"]
    net = compiled(node, tmp_path, seed=SEEDS["sound"], scale=node.input_scale * 1.7)
    source, _ = node.ports(net.manifest, "net")
    samples = recording(node, 2)
    rows, fitted = (
        features.inputs(samples).astype(np.float64)
        for features in (node.features, node.fitted(source))
        if isinstance(features, LogMel)
    )
    seen = (rows - node.features.zero_point) * node.input_scale
    limits = (np.array([-128, 127]) - source.zero_point) * source.scale
    wanted = np.clip(seen, *limits)
    assert (
        np.abs((fitted - source.zero_point) * source.scale - wanted).max()
        <= node.input_scale * (1.7 + 1) / 2 + 1e-9
    )
    write_firmware(net.folder, node, tmp_path / "firmware")
    heard = board.run(board.build(tmp_path / "firmware", tmp_path, "host"), samples, "host")
    assert heard.lines == hear(node, net.manifest, net.network, samples)


def test_a_recording_that_ends_early_is_heard_to_its_last_chunk(made: dict[str, tuple[Compiled, Path]]) -> None:
    net, _ = made["motion"]
    node = NODES["motion"]
    samples = recording(node, 6)
    whole = hear(node, net.manifest, net.network, samples)
    for count in (0, 1, 19, 20, 150, 151, 155):
        lines = hear(node, net.manifest, net.network, samples[:count])
        assert lines == whole[: len(lines)]
    assert len(lines) > 3


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"rules": {}}, "rules for no class"),
        ({"rules": {"swim": QUICK}}, "rules for swim"),
        ({"classes": ("Still", "run", "jump"), "rules": {"Still": QUICK}}, "'Still' cannot be an event's kind"),
        ({"rate": 0.0}, "rate 0.0"),
        ({"rate": float("nan")}, "rate nan"),
        ({"every": 2}, "every is for sound"),
        ({"chunk": 0}, "chunk must be"),
    ],
)
def test_a_node_that_cannot_be_is_told_in_one_line(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        replace(NODES["motion"], **change)
    assert "\n" not in str(caught.value)


def test_another_network_is_refused(made: dict[str, tuple[Compiled, Path]], tmp_path: Path) -> None:
    net, folder = made["motion"]
    node = NODES["motion"]
    for wrong, what in (
        (replace(node, classes=("run", "jump")), "the classes are 2"),
        (replace(node, features=ImuWindow(length=21, hop=5)), "the features are 126"),
    ):
        with pytest.raises(ModelError, match=what) as caught:
            write_firmware(net.folder, wrong, tmp_path / "new")
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="no network for microcontrollers"):
        node.ports(net.manifest | {"target": "edge"}, "net")
    with pytest.raises(ConfigError, match="exists already"):
        write_firmware(net.folder, node, folder)
    with pytest.raises(ShapeError, match="6 axes"):
        hear(node, net.manifest, net.network, np.zeros((4, 3), np.int16))
