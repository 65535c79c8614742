"""A real Chromium for the tests and benchmarks of delivery."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

from tests.chromium import ARGS

PAGE = Path(__file__).with_name("page.html")
FLAGS = [*ARGS, "--autoplay-policy=no-user-gesture-required"]


def chromium() -> str | None:
    """The browser's path, or None where none is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def viewer_page(whep: Callable[[str], Awaitable[str]], args: list[str] | None = None) -> AsyncIterator[Page]:
    """A page whose ``start()`` opens a session through ``whep`` (offer → answer)."""
    path = chromium()
    assert path is not None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS + (args or []))
        try:
            page = await browser.new_page()
            await page.route(
                "http://touchline.test/", lambda route: route.fulfill(path=PAGE, content_type="text/html")
            )
            await page.expose_function("whep", whep)
            await page.goto("http://touchline.test/")
            yield page
        finally:
            await browser.close()
