"""The page of the API's document: it works under the strict policy, and loads nothing foreign."""

from __future__ import annotations

from typing import Any

from pytest_django.live_server_helper import LiveServer


def test_the_document_can_be_read_and_nothing_comes_from_elsewhere(
    chrome: Any, live_server: LiveServer
) -> None:
    page = chrome.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    try:
        page.goto(f"{live_server.url}/api/v1/docs")
        page.get_by_text("Request a transition", exact=True).wait_for(timeout=20_000)
        foreign = [url for url in asked if not url.startswith((live_server.url, "data:"))]
        assert foreign == []
        assert complaints == []
        page.get_by_text("Request a transition", exact=True).click()
        page.get_by_text("Idempotency-Key").first.wait_for(timeout=10_000)
        assert complaints == []
    finally:
        page.close()
