"""One request, one answer, or exact knowledge of how far it came. Nothing is tried twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from httptools import HttpParserError
from urllib3.exceptions import LocationParseError

from workflow.effects.http.connection import Connection, Exchange, Target, target_of
from workflow.effects.http.pool import pool
from workflow.effects.http.response import LIMIT, Response

_PROBLEMS = (OSError, HttpParserError, LocationParseError, UnicodeError)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A status came, and perhaps the rest."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Under their names in lower case."""

    body: bytes = b""
    broken: str = ""
    """Why the body is not all there; empty if it is."""


@dataclass(frozen=True)
class NotSent:
    """Nothing has left this machine."""

    why: str


@dataclass(frozen=True)
class Lost:
    """All or part of the request was sent, and no answer came."""

    why: str


def exchange(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    timeout: timedelta,
    is_fresh: bool = False,
) -> Answered | NotSent | Lost:
    """Send a request and read its answer, all of it within `timeout`.

    Redirects are answers like any other. What is sent is taken as it is: `headers.py` looks at it.

    Args:
        is_fresh: Whether to open a connection for this request alone.
    """
    state = Exchange(timeout=timeout.total_seconds())
    connection: Connection | None = None
    response = Response(has_body=method != "HEAD")
    broken = ""
    try:
        target = target_of(url)
        connection = pool().connection(target.address, exchange=state, is_fresh=is_fresh)
        connection.send(_request(method, target, headers, body), state)
        response.read(connection, state)
    except _PROBLEMS as error:
        broken = words(error)
    finally:
        if connection is not None:
            if response.can_go_on and not broken:
                pool().keep(connection)
            else:
                connection.close()  # what is left on it belongs to nobody
    if not response.has_head:
        return Lost(broken) if state.has_sent else NotSent(broken)
    return Answered(
        status=response.status,
        reason=response.reason,
        headers=response.headers,
        body=bytes(response.body[:LIMIT]),
        broken=broken,
    )


def _request(method: str, target: Target, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")


def words(error: BaseException) -> str:
    """Return what went wrong at the bottom of it, without the library's wrappings."""
    found = error
    while True:
        within = found.__cause__ or next(
            (each for each in found.args if isinstance(each, BaseException)), None
        )
        if within is None:
            return f"{type(found).__name__}: {found}" if str(found) else type(found).__name__
        found = within
