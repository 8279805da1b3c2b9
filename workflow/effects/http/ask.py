"""Asking a downstream what became of a call. It changes nothing there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from workflow.definition import Absent, Call, Done, Found, Postponed, Result, Unknown
from workflow.effects.http.body import Unreadable, json_object
from workflow.effects.http.delay import delay
from workflow.effects.http.exchange import Answered, Lost, NotSent, exchange
from workflow.effects.http.headers import check_url, headers_of, shown

_OK = 200
_ABSENT = 404


def ask(
    call: Call,
    *,
    url: str,
    read: Callable[[Mapping[str, Any]], Found] | None = None,
    headers: Mapping[str, str] | None = None,
    has_plain_404: bool = False,
) -> Found:
    """Look a call up, for `Lookup(ask=...)`.

    200 is read, 404 is `Absent`, and everything that is not clear is `Postponed`: asked again
    later. A "no" makes the engine send, so it has to come from the downstream itself: a 404 counts
    if it comes with a JSON object. One without is what a proxy or a wrong path answers.

    Args:
        read: Makes the result of the answered object; `Absent` where it says so. By default the
            object is the receipt of a `Done`: that the downstream knows the key is proof enough.
        has_plain_404: Whether this downstream's own "no" has no JSON.
    """
    try:
        check_url(url)
        sent = headers_of(call, extra=headers, is_keyed=False)
    except ValueError as error:
        return Postponed(reason=f"It cannot be asked: {error}", code="unsendable", is_fault=False)
    what = f"GET {shown(url)}"
    answer = exchange(method="GET", url=url, headers=sent, body=None, timeout=call.timeout)
    match answer:
        case NotSent(why=why):
            return Postponed(reason=f"{what} was not sent: {why}", code="not_sent")
        case Lost(why=why):
            return Postponed(reason=f"{what} had no answer: {why}", code="no_answer")
    return _answer(answer, what, read or _known, has_plain_404=has_plain_404)


def _known(found: Mapping[str, Any]) -> Found:
    return Done(receipt=found)


def poll(
    call: Call,
    *,
    url: str,
    read: Callable[[Mapping[str, Any]], Result],
    headers: Mapping[str, str] | None = None,
) -> Result:
    """See how a call stands that the downstream has accepted, for `Wait(poll=...)`.

    As `ask`, but that the downstream knows the call is certain, so a 404 is a doubt.

    Args:
        read: Makes the result; `Pending` where the downstream has not finished.
    """
    found = ask(call, url=url, read=read, headers=headers)
    if isinstance(found, Absent):
        return Unknown(
            reason=f"GET {shown(url)} does not know a call that was accepted", code="forgotten"
        )
    return found


def _answer(
    answer: Answered,
    what: str,
    read: Callable[[Mapping[str, Any]], Found],
    *,
    has_plain_404: bool,
) -> Found:
    told = f"{what} answered {answer.status} {answer.reason}".rstrip()
    if answer.status == _ABSENT and has_plain_404:
        return Absent()
    if answer.status not in (_OK, _ABSENT):
        wait = delay(told=answer.headers.get("retry-after"), now=datetime.now(UTC))
        return Postponed(reason=told, code=f"http_{answer.status}", retry_after=wait)
    try:
        found = json_object(answer)
        return Absent() if answer.status == _ABSENT else read(found)
    except Unreadable as unreadable:
        return Postponed(reason=f"{told}, but {unreadable}", code="unreadable")
    except (KeyError, TypeError, ValueError) as error:
        return Postponed(
            reason=f"{told}, which cannot be read: {type(error).__name__}: {error}",
            code="unreadable",
        )
