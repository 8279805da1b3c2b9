"""What is sent: the key, the trace, the body; and nothing that a value could smuggle in."""

from __future__ import annotations

import json
import os

import pytest

from tests.effects.calls import TRANSITION, call
from tests.effects.http.servers import answering, serving
from workflow.definition import Done, Postponed, Rejected
from workflow.effects.http import ask, deliver


def _sent(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    pairs = [line.split(": ", 1) for line in lines]
    assert len({name.lower() for name, _ in pairs}) == len(pairs)
    return first, {name.lower(): value for name, value in pairs}, body


def test_a_call_carries_key_correlation_and_trace() -> None:
    with serving(answering()) as server:
        deliver(call({"b": "é", "a": 1}), url=f"{server.url}?token=1")
        deliver(call(attempt=2), url=server.url)
    first, headers, body = _sent(server.requests[0])
    _, again, _ = _sent(server.requests[1])
    assert first == "POST /payments?token=1 HTTP/1.1"
    assert headers["idempotency-key"] == again["idempotency-key"] == f"{TRANSITION}/pay"
    assert headers["x-correlation-id"] == "c-1"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "Escapement"
    assert body == '{"a":1,"b":"é"}'.encode()
    assert headers["traceparent"] == call().traceparent


def test_a_broken_trace_is_left_out() -> None:
    with serving(answering()) as server:
        deliver(call(traceparent="00-xyz\r\nX: 1"), url=server.url)
    assert "traceparent" not in _sent(server.requests[0])[1]


def test_a_correlation_id_cannot_add_headers() -> None:
    with serving(answering()) as server:
        deliver(call(correlation_id="a\r\nX-Admin: 1\x00é"), url=server.url)
    _, headers, _ = _sent(server.requests[0])
    assert "x-admin" not in headers
    assert headers["x-correlation-id"] == "a%0D%0AX-Admin: 1%00%C3%A9"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Name": "a\r\nX-Admin: 1"},
        {"X-Name": "a\n b"},
        {"X-Name": "é"},
        {"X Name": "a"},
        {"X-Name\r\nX": "a"},
        {"": "a"},
        {"Content-Length": "0"},
        {"transfer-encoding": "chunked"},
    ],
)
def test_a_header_that_would_change_the_request_is_not_sent(headers: dict[str, str]) -> None:
    with serving(answering()) as server:
        result = deliver(call(), url=server.url, headers=headers)
        assert server.requests == []
    assert isinstance(result, Rejected)
    assert "header" in result.reason


def test_a_secret_with_a_line_break_is_not_told() -> None:
    result = deliver(call(), url="http://x.invalid/", headers={"Authorization": "Bearer s3c\nret"})
    assert "s3c" not in result.reason  # type: ignore[union-attr]


def test_own_headers_take_the_place_of_ours() -> None:
    with serving(answering()) as server:
        deliver(
            call(), url=server.url, headers={"user-agent": "Mine", "Authorization": "Bearer t"}
        )
    _, headers, _ = _sent(server.requests[0])
    assert (headers["user-agent"], headers["authorization"]) == ("Mine", "Bearer t")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host/",
        "file:///etc/passwd",
        "//host/",
        "http:///path",
        "http://user:secret@host/",
        "http://host/a b",
        "http://host/a\r\nX: 1",
        "http://host:99999/",
        "http://[::1/",
    ],
)
def test_an_address_that_cannot_be_called_is_rejected(url: str) -> None:
    result = deliver(call(), url=url)
    assert isinstance(result, Rejected)
    assert "secret" not in result.reason
    assert isinstance(ask(call(), url=url, read=lambda _: Done()), Postponed)


@pytest.mark.parametrize("request_body", [{"a": float("nan")}, {"a": object()}, {"a": "\ud800"}])
def test_a_body_that_is_no_json_is_rejected(request_body: dict[str, object]) -> None:
    assert isinstance(deliver(call(request_body), url="http://x.invalid/"), Rejected)


def test_bytes_are_sent_as_they_are() -> None:
    with serving(answering()) as server:
        deliver(call(), url=server.url, body=b"<a/>", headers={"Content-Type": "text/xml"})
    _, headers, body = _sent(server.requests[0])
    assert (headers["content-type"], body) == ("text/xml", b"<a/>")


def test_reasons_hide_the_query() -> None:
    with serving(answering("500 Oh")) as server:
        result = deliver(call(), url=f"{server.url}?token=s3cret")
    assert "s3cret" not in result.reason  # type: ignore[union-attr]


def test_a_forked_worker_has_connections_of_its_own() -> None:
    with serving(answering()) as server:
        assert isinstance(deliver(call(), url=server.url), Done)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if isinstance(deliver(call(), url=server.url), Done) else 2
            finally:
                os._exit(code)
        os.close(write)
        os.close(read)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert isinstance(deliver(call(), url=server.url), Done)
        assert server.connections == 2
        assert json.loads(_sent(server.requests[-1])[2]) == {"amount": "42.00"}
