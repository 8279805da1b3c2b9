"""One request, one answer, or exact knowledge of how far it came. Nothing is tried twice."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from workflow.effects.http.connection import Exchange, current, pool

LIMIT = 65_536
"""Bytes of an answer that are read; a receipt is far smaller."""

_FIRST_FINAL = 200


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

    Redirects are answers like any other.

    Args:
        is_fresh: Whether to open a connection for this request alone.
    """
    state = Exchange(timeout=timeout.total_seconds(), is_fresh=is_fresh)
    token = current.set(state)
    try:
        response = pool().urlopen(
            method,
            url,
            body=body,
            headers=dict(headers),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
            timeout=state.timeout,
        )
        return _read(response)
    except (HTTPError, http.client.HTTPException, OSError, UnicodeError) as error:
        why = words(error)
        return Lost(why) if state.has_sent else NotSent(why)
    finally:
        current.reset(token)


def _read(response: BaseHTTPResponse) -> Answered:
    body, broken = b"", ""
    try:
        # To its end: a piece may be short, and only the end tells whether all of it came.
        while piece := response.read(LIMIT + 1 - len(body), decode_content=False):
            body += piece
        if len(body) > LIMIT:
            broken = f"it is longer than {LIMIT} bytes"
    except (HTTPError, http.client.HTTPException, OSError) as error:
        broken = words(error)
    if broken or response.status < _FIRST_FINAL:
        response.close()  # what is left on this connection belongs to nobody
    else:
        response.release_conn()
    return Answered(
        status=response.status,
        reason=response.reason or "",
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body[:LIMIT],
        broken=broken,
    )


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
