"""Nodes, a broker and a box as their users run them: the broker dies and comes back, and cameras never notice."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.chromium import ARGS
from tests.e2e.box import Box, running
from tests.needs import need
from tests.story.broker import Broker, broker, event

VENUE = """
[sensors]
broker = "mqtt://127.0.0.1:{port}"
rate = 10

[[sensors.nodes]]
id = "mic"
camera = "north"
kind = "sound"

[[sensors.nodes]]
id = "wrist"
kind = "motion"

[[cameras]]
id = "north"
source = "test:"
"""
SKEW_S = {"mic": 12.5, "wrist": 4_000_000.0}
"""What the nodes' clocks read more than ours."""


def wait(box: Box, good: Callable[[], Any], seconds: float = 45) -> Any:
    end = time.monotonic() + seconds
    while not (found := good()):
        assert time.monotonic() < end, box.get("api/v1/sensors")
        time.sleep(0.1)
    return found


def tell(made: Broker, node: str, seq: int, at: float, **fields: Any) -> None:
    made.publish((node, event(seq, at + SKEW_S[node], **fields)))


def whistles(box: Box, count: int) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        facts: list[dict[str, Any]] = box.get("api/v1/facts?kind=whistle")["facts"]
        return facts if len(facts) >= count else []

    facts: list[dict[str, Any]] = wait(box, found)
    assert len(facts) == count
    return facts


def link_is(box: Box, state: str) -> bool:
    return box.get("api/v1/sensors")["links"][0]["state"] == state


def test_nodes_become_facts_and_a_dead_broker_disturbs_no_camera(tmp_path: Path) -> None:
    with broker(tmp_path) as made:
        (tmp_path / "venue.toml").write_text(VENUE.format(port=made.port))
        with running(tmp_path, "live", "--config", str(tmp_path / "venue.toml")) as box:
            before = box.wait("north", lambda camera: camera["state"] == "live")
            wait(box, lambda: link_is(box, "up"))
            # What is told below happened 3 s ago: the box must have begun before.
            wait(box, lambda: box.get("api/v1/cameras")["media_time"] > 4)
            with urllib.request.urlopen(box.url + "api/v1/facts/stream?kind=whistle", timeout=60) as stream:
                heard = time.monotonic()
                for node in SKEW_S:
                    tell(made, node, 0, heard)
                # Held back by the node, and told late: it goes where it happened.
                tell(made, "mic", 1, heard - 3, sent_ms=(heard + SKEW_S["mic"]) * 1000)
                line = next(line for line in stream if line.startswith(b"data:"))
                assert b'"kind":"whistle"' in line
            facts = whistles(box, 3)
            now = box.get("api/v1/cameras")["media_time"]
            assert [fact["camera"] for fact in facts] == ["north", "*", "north"]
            assert abs(facts[0]["media_time"] - facts[1]["media_time"]) < 1
            assert 2 < facts[0]["media_time"] - facts[2]["media_time"] < 4
            assert facts[0]["media_time"] < now

            made.kill()
            wait(box, lambda: link_is(box, "down"))
            made.start()
            wait(box, lambda: link_is(box, "up"))
            tell(made, "mic", 1, heard - 3)  # once more: the node did not know that it had arrived
            tell(made, "mic", 2, time.monotonic())
            made.publish(("stranger", event(0, 1.0)), ("wrist", b"garbage"))
            made.publish(*(("wrist", event(index, index, kind="step")) for index in range(1, 500)))
            assert [fact["seq"] for fact in whistles(box, 4)] == [0, 0, 1, 2]
            wait(box, lambda: box.get("api/v1/sensors")["nodes"][1]["refused"].get("flood"))
            told = box.get("api/v1/sensors")
            assert told["links"][0]["reconnects"] == 1
            assert told["unknown"] == 1
            assert told["nodes"][0]["refused"] == {"doubled": 1}
            assert told["nodes"][1]["refused"]["json"] == 1

            after = box.camera("north")
            assert after["state"] == "live"
            assert (after["restarts"], after["reconnects"]) == (before["restarts"], before["reconnects"])
            assert after["picture_age_ms"] < 2000
            assert box.end() == 130
        assert "Traceback" not in box.log.read_text()


@pytest.mark.browser
def test_the_page_shows_a_whistle_and_a_broker_that_dies(tmp_path: Path) -> None:
    chromium = need("chromium")
    with broker(tmp_path) as made:
        (tmp_path / "venue.toml").write_text(VENUE.format(port=made.port))
        with (
            running(tmp_path, "live", "--config", str(tmp_path / "venue.toml")) as box,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(45_000)
            expect.set_options(timeout=45_000)
            try:
                page.goto(box.url)
                link = page.locator("tl-sensors .links li")
                mic = page.locator("tl-sensors .nodes li").first
                expect(link).to_contain_text("Up")
                expect(mic).to_contain_text("Not heard yet")
                tell(made, "mic", 0, time.monotonic())
                expect(mic).to_contain_text("whistle")
                made.kill()
                expect(link).to_contain_text("Down")
                expect(link).to_contain_text("Check that the broker is on, and its port.")
                made.start()
                expect(link).to_contain_text("Up")
                expect(link).not_to_contain_text("Check")
            finally:
                expect.set_options(timeout=5_000)
                browser.close()
