"""A sensor node's firmware on an emulated board, wired to a box by a serial line: what it senses becomes facts."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path
from typing import Any

from tests.e2e.box import running
from tests.e2e.test_sensors import wait
from tests.needs import need
from tests.tiny.firmware.nodes import NODES, SEEDS, compiled, recording
from touchline.tiny.firmware import board, hear, write_firmware

VENUE = """
[[sensors.nodes]]
id = "wrist-7"
kind = "motion"
camera = "north"
serial = "{line}"

[[cameras]]
id = "north"
source = "test:"
"""
NODE = NODES["motion"]


def test_what_a_board_senses_becomes_facts_of_the_box(tmp_path: Path) -> None:
    need("arm-none-eabi-gcc", "qemu-system-arm")
    net = compiled(NODE, tmp_path, seed=SEEDS["motion"])
    write_firmware(net.folder, NODE, tmp_path / "firmware")
    program = board.build(tmp_path / "firmware", tmp_path, "qemu:cortex-m4")
    samples = recording(NODE, 4)
    said = [json.loads(line) for line in hear(NODE, net.manifest, net.network, samples)]
    wanted = [message for message in said if message["kind"] != "heartbeat"]
    assert len(wanted) > 4
    ours, theirs = pty.openpty()
    (tmp_path / "venue.toml").write_text(VENUE.format(line=os.ttyname(theirs)))
    try:
        with running(tmp_path, "live", "--config", str(tmp_path / "venue.toml")) as box:
            wait(box, lambda: box.get("api/v1/sensors")["links"][0]["state"] == "up")
            with board.start_live(program, samples, "qemu:cortex-m4", ours) as node:
                try:
                    status: dict[str, Any] = wait(box, lambda: _heard(box.get("api/v1/sensors"), len(said)))
                    assert node.wait(30) == 0
                finally:
                    node.kill()
            assert (status["facts"], status["heartbeats"]) == (len(wanted), len(said) - len(wanted))
            assert not any(status["refused"].values())
            now = box.get("api/v1/cameras")["media_time"]
            facts = [fact for fact in box.get("api/v1/facts?camera=north")["facts"] if "node" in fact]
    finally:
        os.close(ours)
        os.close(theirs)
    for fact, message in zip(facts, wanted, strict=True):
        assert (fact["node"], fact["sensor"]) == ("wrist-7", "motion")
        assert all(fact[key] == message[key] for key in ("kind", "seq", "score", "phase"))
        assert fact.get("lasted_ms") == message.get("lasted_ms")
        # How well clocks are followed is tests/story's: an emulated board's lags where the machine is busy.
        assert 0 < fact["media_time"] <= now


def _heard(told: dict[str, Any], count: int) -> dict[str, Any] | None:
    (node,) = told["nodes"]
    return node if node["facts"] + node["heartbeats"] >= count else None
