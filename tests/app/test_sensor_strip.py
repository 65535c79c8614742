"""The strip of sensors in a real browser, over the real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.app.page_box import PageBox
from tests.app.test_web import HOSTILE, NAMES, browser, page
from tests.story.broker import event
from touchline.app.settings import SensorSettings
from touchline.types import LinkState, LinkStatus

__all__ = ["browser", "page"]  # fixtures

pytestmark = pytest.mark.browser

BROKER, LINE = "mqtt://10.0.0.5", "/dev/ttyACM0"
SETTINGS = SensorSettings.model_validate(
    {
        "broker": BROKER,
        "nodes": [
            {"id": "mic", "camera": "north", "kind": "sound"},
            {"id": "wrist", "kind": "motion"},
            {"id": "gate", "camera": "south", "kind": "light", "serial": LINE},
        ],
    }
)


@pytest.fixture
def box() -> Iterator[PageBox]:
    made = PageBox(NAMES, sensors=SETTINGS)
    made.box.links += [LinkStatus(BROKER, LinkState.UP), LinkStatus(LINE)]
    yield made
    made.stop()


def tell(box: PageBox, node: str, seq: int, **fields: Any) -> None:
    message = event(seq, box.box.media_time(), **fields)
    box.call(lambda: box.box.hear_node(node, message))


def line(page: Page, name: str) -> Any:
    return page.locator("tl-sensors li", has_text=name).first


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.querySelector('.name')?.textContent ?? ''")


def test_links_nodes_and_what_is_wrong_are_told_as_they_change(page: Page, box: PageBox) -> None:
    page.goto(box.url)
    expect(line(page, BROKER)).to_contain_text("Up")
    expect(line(page, LINE)).to_contain_text("Connecting")
    expect(line(page, "mic")).to_contain_text("Not heard yet")
    expect(page.locator("tl-sensors .counts:not(:empty)")).to_have_count(0)

    tell(box, "mic", 0)
    expect(line(page, "mic")).to_contain_text("whistle")
    expect(line(page, "mic")).to_contain_text("s ago")
    box.call(lambda: box.box.hear_node("mic", b"garbage"))
    tell(box, "stranger", 0)
    expect(line(page, "mic")).to_contain_text("1 refused")
    expect(page.locator("tl-sensors .unknown")).to_contain_text("last: stranger")

    link = box.box.links[1]
    link.state, link.error = LinkState.DOWN, f"{LINE}: is in use; close the program that has it open"
    expect(line(page, LINE)).to_contain_text("Down")
    expect(line(page, LINE)).to_contain_text("Is in use. Close the program that has it open.")
    expect(page.locator('[data-action="sensors"] .shape')).to_have_attribute("data-state", "failed")
    link.state, link.error = LinkState.UP, None
    expect(line(page, LINE)).not_to_contain_text("in use")
    expect(page.locator('[data-action="sensors"] .shape')).not_to_have_attribute("data-state", "failed")


def test_all_of_the_strip_by_keyboard(page: Page, box: PageBox) -> None:
    tell(box, "mic", 0)
    page.goto(box.url)
    strip, switch = page.locator("tl-sensors"), page.get_by_role("button", name="Sensors")
    expect(strip).to_be_visible()
    page.keyboard.press("s")
    expect(strip).to_be_hidden()
    expect(switch).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(switch).to_be_visible()
    expect(strip).to_be_hidden()
    page.keyboard.press("s")
    expect(strip).to_be_visible()
    page.locator('[data-action="help"]').focus()
    page.keyboard.press("Tab")
    assert focused(page) == "mic"
    page.keyboard.press("Enter")
    expect(line(page, "mic").locator("dl")).to_contain_text("whistle, score 0.8")
    expect(line(page, "mic").locator("dl")).to_contain_text("North stand")
    tell(box, "mic", 1, kind="fall")
    expect(line(page, "mic").locator("dl")).to_contain_text("fall, score 0.8")
    assert focused(page) == "mic", "what is told anew takes no focus"
    page.keyboard.press("Tab")
    assert focused(page) == "wrist"
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Sensors on or off")


def test_one_camera_has_its_own_nodes_and_a_phone_no_strip_there(page: Page, box: PageBox) -> None:
    page.goto(box.url + "/#north")
    nodes = page.locator("tl-sensors .nodes .name")
    expect(nodes).to_have_text(["mic", "wrist"])
    page.keyboard.press("Escape")
    expect(nodes).to_have_text(["mic", "wrist", "gate"])
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("tl-sensors")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(box.url + "/#south")
    expect(page.locator("tl-tile:visible")).to_have_count(1)
    expect(page.locator("tl-sensors")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    last = page.locator(".switches > :visible").last
    assert last.evaluate("e => e.getBoundingClientRect().right <= innerWidth")


def test_hostile_words_stay_words(page: Page, box: PageBox) -> None:
    box.box.links[0].state, box.box.links[0].error = LinkState.DOWN, f"{HOSTILE}; {HOSTILE}"
    box.call(lambda: box.box.hear_node(HOSTILE, event(0, 1.0)))
    page.goto(box.url)
    expect(line(page, BROKER)).to_contain_text("<img src=x")
    expect(page.locator("tl-sensors .unknown")).to_contain_text("<img src=x")
    assert page.title() == "Touchline"
    assert page.locator("tl-sensors img").count() == 0


def test_a_box_that_does_not_answer_leaves_what_was_known_dimmed(page: Page, box: PageBox) -> None:
    page.goto(box.url)
    expect(page.locator("tl-sensors")).to_be_visible()
    box.stop()
    expect(page.locator("tl-sensors")).to_have_attribute("data-old", "")
    expect(line(page, BROKER)).to_be_visible()


def test_a_venue_without_sensors_shows_none_and_is_asked_once(page: Page) -> None:
    box = PageBox(NAMES)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(box.url)
        expect(page.locator("tl-tile")).to_have_count(4)
        page.wait_for_function(
            "() => performance.getEntriesByType('resource').filter(e => e.name.endsWith('/cameras')).length >= 3"
        )
        expect(page.locator("tl-sensors")).to_be_hidden()
        expect(page.locator('[data-action="sensors"]')).to_be_hidden()
        assert sum(url.endswith("/api/v1/sensors") for url in asked) == 1
    finally:
        box.stop()
