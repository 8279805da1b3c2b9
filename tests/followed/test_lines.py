"""J2: what a web server writes is JSON line by line, words of gunicorn and Django included."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from tests.followed.conftest import Web

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ID = "order-4711"


def ask(web: Web, path: str, method: str = "GET") -> int:
    request = urllib.request.Request(
        web.url + path, method=method, headers={"X-Correlation-ID": ID}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def send_what_is_no_http(web: Web) -> None:
    host, port = web.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Odd: a\x01b\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 400 ")


def test_every_line_is_json_and_those_of_a_request_have_its_id(web: Callable[..., Web]) -> None:
    server = web(LOG_FORMAT="json")
    assert ask(server, "/health/live", "HEAD") == 200
    assert ask(server, "/nowhere") == 404
    assert ask(server, "/api/v1/records") == 401
    send_what_is_no_http(server)
    server.stop()

    told = [json.loads(line) for line in server.log.read_text().splitlines()]
    by = {line["logger"] for line in told}
    assert {"gunicorn.error", "django.request", "config.correlation"} <= by
    assert "gunicorn.http.wsgi" not in by, "it complains about every HEAD"
    about = [line for line in told if line["logger"] == "django.request"]
    assert [line["correlation_id"] for line in about] == [ID, ID]
    assert all(line["trace_id"] for line in about)


def test_its_level_is_that_of_all_lines(web: Callable[..., Web]) -> None:
    server = web(LOG_FORMAT="json", LOG_LEVEL="ERROR")
    assert ask(server, "/nowhere") == 404
    server.stop()
    assert server.log.read_text() == ""
