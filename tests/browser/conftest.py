"""A real browser, on a real server, over the scene."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.stage import PASSWORD, Stage, stage

# Playwright keeps an event loop in this thread; the tests' own queries are not asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}


def chromium() -> str | None:
    """Return the path of an installed Chromium; None if there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Any]:
    path = chromium()
    if path is None:
        pytest.skip("No Chromium is installed (set CHROMIUM, or apt-get install chromium).")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright for Python is not installed."
    )
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def scene(transactional_db: None, tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as made:
        yield made


class Visitor:
    """Somebody at a keyboard."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: Any) -> None:
        # An answer that says "no" is shown as an error of the network, and is none of the page.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")

    def sign_in(self, name: str) -> None:
        self.open("/accounts/login/")
        self.reach("Username")
        self.type(name)
        self.press("Tab")
        self.type(PASSWORD)
        self.go("Enter")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def go(self, key: str) -> None:
        """Press a key that leads to another page."""
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def reach(self, name: str) -> None:
        """Tab to the control of that accessible name, and see that the focus is visible."""
        for _ in range(250):
            self.page.keyboard.press("Tab")
            if self._focused() == name:
                outline = self.page.evaluate(
                    "getComputedStyle(document.activeElement).outlineStyle"
                )
                assert outline != "none", f"{name!r} has the focus and does not show it"
                return
        raise AssertionError(f"{name!r} cannot be reached with Tab on {self.page.url}")

    def _focused(self) -> str:
        said: str = self.page.evaluate(
            """() => {
                const e = document.activeElement;
                const label = e.labels && e.labels[0] ? e.labels[0].textContent : '';
                const own = e.matches('input, select, textarea') ? '' : e.textContent;
                return (e.getAttribute('aria-label') || label || own || '').trim();
            }"""
        )
        return " ".join(said.split()).rstrip(":")

    def sees(self, text: str, *, within: float = 10.0) -> None:
        """Wait until a text is there to be seen, without touching anything."""
        from playwright.sync_api import expect

        expect(self.page.get_by_text(text).first).to_be_visible(timeout=within * 1000)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chrome: Any, live_server: Any) -> Iterator[Visit]:
    """Open a window; at the end, no page may have complained."""
    opened = []

    def visit(*, width: str = "wide", scheme: str = "light", **more: Any) -> Visitor:
        x, y = WIDTHS[width]
        context = chrome.new_context(
            viewport={"width": x, "height": y}, color_scheme=scheme, **more
        )
        opened.append((context, Visitor(context.new_page(), live_server.url)))
        return opened[-1][1]

    yield visit
    for context, visitor in opened:
        context.close()
        assert visitor.complaints == []
