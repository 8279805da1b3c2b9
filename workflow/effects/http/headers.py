"""What every call carries, and what it may not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from workflow.definition import Call

USER_AGENT = "Escapement"

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")
_BLANK = re.compile(r"[\x00-\x20\x7f]")
_TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect"})
_PLAIN = "!#$&'()*+,/:;=?@[]~ -._"


def headers_of(call: Call, *, extra: Mapping[str, str] | None, is_keyed: bool) -> dict[str, str]:
    """Return the headers of one call; those in `extra` come before ours.

    The trace context is the call's: the engine makes each attempt a span of its own.

    Args:
        is_keyed: Whether to send the key as the idempotency key; a look-up does not.

    Raises:
        ValueError: A header could change what is sent beyond itself; the message names it.
    """
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": USER_AGENT,
    }
    if call.correlation_id:
        # It came from outside; its meaning is kept, its effect on the request is not.
        headers["X-Correlation-ID"] = plain(call.correlation_id)
    if _TRACE.fullmatch(call.traceparent):
        headers["traceparent"] = call.traceparent
    if is_keyed:
        headers["Idempotency-Key"] = call.key
    for name, value in (extra or {}).items():
        known = next((each for each in headers if each.lower() == name.lower()), name)
        headers.pop(known, None)
        headers[name] = value
    for name, value in headers.items():
        _check(name, value)
    return headers


def plain(text: str) -> str:
    """Return a text as it can stand in any header; what cannot is percent-encoded."""
    return quote(text, safe=_PLAIN).strip()


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"header name {name!r} is none")
    if name.lower() in _FRAMING:
        raise ValueError(f"header {name!r} is set by the connection itself")
    if not _VALUE.fullmatch(value):
        # The value may be a secret, so it is not shown.
        raise ValueError(f"header {name!r} has a value with line breaks or other than ASCII")


def check_method(method: str) -> None:
    """Look whether a method can be sent.

    Raises:
        ValueError: It cannot.
    """
    if not _NAME.fullmatch(method):
        raise ValueError(f"method {method!r} is none")


def check_url(url: str) -> None:
    """Look whether an address can be called.

    Raises:
        ValueError: It cannot; the message says why.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"address {shown(url)!r} does not begin with http(s)://host")
    if parts.username is not None:
        raise ValueError(f"address {shown(url)!r} holds a user name; send it in a header")
    if _BLANK.search(url):
        raise ValueError(f"address {shown(url)!r} has a blank or a control character")
    _ = parts.port  # raises for one that is no port


def shown(url: str) -> str:
    """Return an address for people: without query, which may hold secrets, and without a user."""
    bare = url.partition("?")[0].partition("#")[0]
    scheme, mark, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"
