"""Look-ups: a "no" makes the engine send, so only a clear one counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.effects.calls import call
from tests.effects.http.servers import Peer, answering, serving
from workflow.definition import Absent, Done, Found, Pending, Postponed, Unknown
from workflow.effects.http import ask, poll


def read(found: Mapping[str, Any]) -> Done:
    return Done(receipt={"payment": found["id"]})


def test_a_known_call_is_adopted() -> None:
    with serving(answering()) as server:
        assert ask(call(), url=server.url, read=read) == Done(receipt={"payment": "p-1"})
    assert server.requests[0].startswith(b"GET /payments ")
    assert b"idempotency-key" not in server.requests[0].lower()
    assert b"traceparent" in server.requests[0].lower()


def test_without_a_reader_the_answer_is_the_receipt() -> None:
    with serving(answering()) as server:
        assert ask(call(), url=server.url) == Done(receipt={"id": "p-1"})


def test_the_downstreams_own_no_is_a_no() -> None:
    with serving(answering("404 Not Found", b'{"detail": "no such key"}')) as server:
        assert ask(call(), url=server.url, read=read) == Absent()


def test_a_no_of_somebody_else_is_none() -> None:
    with serving(answering("404 Not Found", b"<h1>nginx</h1>", "text/html")) as server:
        assert isinstance(ask(call(), url=server.url, read=read), Postponed)
        assert ask(call(), url=server.url, read=read, has_plain_404=True) == Absent()


@pytest.mark.parametrize(
    "status",
    [
        "201 Created",
        "204 No Content",
        "302 Found",
        "400 Bad",
        "401 No",
        "410 Gone",
        "429 Slow",
        "500 Oh",
        "503 Busy",
    ],
)
def test_what_is_not_clear_is_asked_again(status: str) -> None:
    with serving(answering(status)) as server:
        assert isinstance(ask(call(), url=server.url, read=read), Postponed)


@pytest.mark.parametrize(
    ("body", "form"),
    [(b"<html>", "text/html"), (b"[]", "application/json"), (b'{"no": 1}', "application/json")],
)
def test_what_cannot_be_read_is_asked_again(body: bytes, form: str) -> None:
    with serving(answering("200 OK", body, form)) as server:
        assert isinstance(ask(call(), url=server.url, read=read), Postponed)


def test_a_lost_answer_is_asked_again() -> None:
    with serving(Peer.request) as server:  # type: ignore[arg-type]
        assert isinstance(ask(call(), url=server.url, read=read), Postponed)


def test_the_reader_may_find_it_absent() -> None:
    def empty(found: Mapping[str, Any]) -> Found:
        return Absent() if not found["payments"] else Done()

    with serving(answering(body=b'{"payments": []}')) as server:
        assert ask(call(), url=server.url, read=empty) == Absent()


def test_a_poll_sees_how_it_stands() -> None:
    with serving(answering(body=b'{"state": "open"}')) as server:
        assert poll(call(), url=server.url, read=lambda _: Pending()) == Pending()


def test_a_poll_that_is_not_known_is_a_doubt() -> None:
    with serving(answering("404 Not Found", b"{}")) as server:
        assert isinstance(poll(call(), url=server.url, read=lambda _: Pending()), Unknown)
