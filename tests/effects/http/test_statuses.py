"""What each answer means for the question whether it may have happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.effects.calls import call
from tests.effects.http.servers import answering, serving
from workflow.definition import (
    Declined,
    Done,
    Pending,
    Postponed,
    Rejected,
    Result,
    Unknown,
)
from workflow.effects.http import deliver


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", Done),
        ("201 Created", Done),
        ("202 Accepted", Done),
        ("301 Moved Permanently", Rejected),
        ("302 Found", Unknown),
        ("303 See Other", Unknown),
        ("307 Temporary Redirect", Rejected),
        ("308 Permanent Redirect", Rejected),
        ("400 Bad Request", Rejected),
        ("401 Unauthorized", Rejected),
        ("403 Forbidden", Rejected),
        ("404 Not Found", Rejected),
        ("408 Request Timeout", Postponed),
        ("409 Conflict", Rejected),
        ("410 Gone", Rejected),
        ("422 Unprocessable Content", Rejected),
        ("425 Too Early", Postponed),
        ("429 Too Many Requests", Postponed),
        ("500 Internal Server Error", Unknown),
        ("501 Not Implemented", Rejected),
        ("502 Bad Gateway", Unknown),
        ("503 Service Unavailable", Unknown),
        ("504 Gateway Timeout", Unknown),
        ("505 HTTP Version Not Supported", Rejected),
        ("507 Insufficient Storage", Unknown),
        ("520 Web Server Returned an Unknown Error", Unknown),
    ],
)
def test_a_status_means(status: str, expected: type[Result]) -> None:
    with serving(answering(status)) as server:
        assert type(deliver(call(), url=server.url)) is expected


def test_no_redirect_is_followed() -> None:
    with (
        serving(answering()) as elsewhere,
        serving(
            answering("307 Temporary Redirect", b"", None, f"Location: {elsewhere.url}")
        ) as server,
    ):
        assert isinstance(deliver(call(), url=server.url), Rejected)
        assert (len(server.requests), elsewhere.requests) == (1, [])


def test_the_receipt_is_the_answered_object() -> None:
    with serving(answering(body=b'{"id": "p-1", "n": [1, {"x": null}]}')) as server:
        result = deliver(call(), url=server.url)
    assert result == Done(receipt={"id": "p-1", "n": [1, {"x": None}]})


def test_an_accepted_call_is_pending_if_the_effect_waits() -> None:
    with serving(answering("202 Accepted", b'{"id": "p-1"}')) as server:
        assert deliver(call(), url=server.url, waits=True) == Pending(receipt={"id": "p-1"})


def test_a_reader_makes_the_result() -> None:
    with serving(answering()) as server:
        result = deliver(call(), url=server.url, read=lambda got: Done(receipt={"was": got["id"]}))
        lost = deliver(call(), url=server.url, read=lambda got: Done(receipt={"was": got["no"]}))
    assert result == Done(receipt={"was": "p-1"})
    assert isinstance(lost, Unknown)
    assert "KeyError: 'no'" in lost.reason


def test_a_declared_no_declines_in_the_words_of_the_downstream() -> None:
    body = (
        b'{"title": "Used up", "detail": "Budget B-1 is used up.", "code": "used_up",'
        b' "required": "at most 10.00", "actual": "42.00"}'
    )
    with serving(answering("409 Conflict", body, "application/problem+json")) as server:
        result = deliver(call(), url=server.url, declines={409})
    assert result == Declined(
        reason="Budget B-1 is used up.",
        code="used_up",
        required="at most 10.00",
        actual="42.00",
    )


def test_a_declared_no_without_words_still_declines() -> None:
    with serving(answering("422 Nope", b"<html>", "text/html")) as server:
        result = deliver(call(), url=server.url, declines={422})
    assert isinstance(result, Declined)
    assert "answered 422 Nope" in result.reason


def test_a_conflict_with_an_earlier_attempt_is_a_doubt() -> None:
    """An idempotent API says 409 while the first call under the key is still under way."""
    with serving(answering("409 Conflict")) as server:
        result = deliver(call(first_sent_at=datetime.now(UTC)), url=server.url)
    assert isinstance(result, Unknown)


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_the_downstream_says_how_long_to_wait(status: str) -> None:
    with serving(answering(status, b"", None, "Retry-After: 7")) as server:
        result = deliver(call(), url=server.url)
    assert isinstance(result, Postponed)
    assert result.retry_after == timedelta(seconds=7)


def test_a_refusal_carries_the_detail() -> None:
    body = b'{"detail": "amount is no number"}'
    with serving(answering("400 Bad Request", body, "application/problem+json")) as server:
        result = deliver(call(), url=server.url)
    assert isinstance(result, Rejected)
    assert result.code == "http_400"
    assert result.reason.endswith("answered 400 Bad Request: amount is no number")


@pytest.mark.parametrize(
    ("body", "form", "told"),
    [
        (b"<html>Please log in</html>", "text/html", "text/html"),
        (b'{"id": 1}', "text/plain", "text/plain"),
        (b'{"id": 1}', None, "no content type"),
        (b"", "application/json", "no body"),
        (b"[1]", "application/json", "no object"),
        (b"null", "application/json", "no object"),
        (b'{"id": ', "application/json", "broken"),
        (b'{"id": NaN}', "application/json", "NaN"),
        (b'{"id": 1e999}', "application/json", "too large"),
        (b'{"id": "a\\u0000b"}', "application/json", "NUL"),
        (b'{"id": "\\ud800"}', "application/json", "broken"),
        (b'{"id": "\xff"}', "application/json", "broken"),
        (b'{"id": ' + b"[" * 40 + b"]" * 40 + b"}", "application/json", "deep"),
        (b"[" * 60_000, "application/json", "broken"),
        (b'{"id": "' + b"x" * 70_000 + b'"}', "application/json", "longer than 65536 bytes"),
    ],
)
def test_a_success_without_a_receipt_is_a_doubt(body: bytes, form: str | None, told: str) -> None:
    with serving(answering(body=body, form=form)) as server:
        result = deliver(call(), url=server.url)
        needless = deliver(call(), url=server.url, has_receipt=False)
    assert isinstance(result, Unknown)
    assert told in result.reason
    assert len(result.reason) < 400
    assert isinstance(needless, Done)


def test_a_compressed_answer_is_not_unpacked() -> None:
    lines = ("Content-Encoding: gzip",)
    with serving(answering("200 OK", b"\x1f\x8b bomb", "application/json", *lines)) as server:
        result = deliver(call(), url=server.url)
    assert isinstance(result, Unknown)
    assert "gzip" in result.reason
