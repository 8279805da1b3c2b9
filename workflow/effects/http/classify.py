"""What a status means for the one question that counts: may it have happened?

| status | result |
|---|---|
| 2xx | done, if the receipt can be read; else unknown |
| 202 | pending, if the effect waits |
| 408, 425, 429; 503 with Retry-After | postponed: the downstream says that it did not begin |
| 301, 307, 308 | rejected: it is to be asked elsewhere, which a person has to decide |
| 4xx | declined, where the effect says that this status is a "no" of business; else rejected |
| 409 to a repetition | unknown: the first call may be under way |
| 501, 505, 510, 511 | rejected: the request was not understood, or did not get there |
| all else: 1xx, 302, 303, 500, 502, 503, 504 ... | unknown |

A 503 without Retry-After is no promise: proxies answer so as well when the server behind them died
with the request in its hands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from workflow.definition import (
    Declined,
    Done,
    Pending,
    Postponed,
    Rejected,
    Result,
    Unknown,
)
from workflow.effects.http.body import Unreadable, json_object
from workflow.effects.http.delay import delay
from workflow.effects.http.exchange import Answered

Read = Callable[[Mapping[str, Any]], Result]
"""Makes a result of the JSON object that came with a 2xx; may raise KeyError, TypeError or
ValueError for one that it cannot read."""

_ACCEPTED = 202
_CONFLICT = 409
_BUSY = 503
_NOT_BEGUN = frozenset({408, 425, 429})
_ELSEWHERE = frozenset({301, 307, 308})
_NOT_UNDERSTOOD = frozenset({501, 505, 510, 511})
_TEXT = 300


def classify(
    answer: Answered,
    *,
    what: str,
    read: Read | None,
    has_receipt: bool,
    declines: Collection[int],
    waits: bool,
    is_repetition: bool,
    now: datetime,
) -> Result:
    """Return what an answer to a sent request means.

    Args:
        what: The request in words, for the reasons.
        is_repetition: Whether an earlier attempt may have reached the downstream.
    """
    status = answer.status
    told = f"{what} answered {status} {answer.reason}".rstrip()
    if 200 <= status < 300:  # noqa: PLR2004  (success, RFC 9110)
        return _success(answer, told, read=read, has_receipt=has_receipt, waits=waits)
    if status in declines:
        return _declined(answer, told)
    if status in _NOT_BEGUN or (status == _BUSY and "retry-after" in answer.headers):
        wait = delay(told=answer.headers.get("retry-after"), now=now)
        return Postponed(reason=told, code=f"http_{status}", retry_after=wait)
    if status == _CONFLICT and is_repetition:
        return Unknown(
            reason=f"{told} to a repetition; the first call may be under way",
            code=f"http_{status}",
        )
    if 400 <= status < 500 or status in _ELSEWHERE | _NOT_UNDERSTOOD:  # noqa: PLR2004
        return Rejected(reason=_with_detail(answer, told), code=f"http_{status}")
    return Unknown(reason=_with_detail(answer, told), code=f"http_{status}")


def _success(
    answer: Answered, told: str, *, read: Read | None, has_receipt: bool, waits: bool
) -> Result:
    found: Mapping[str, Any] = {}
    try:
        found = json_object(answer)
    except Unreadable as unreadable:
        if has_receipt:
            return Unknown(reason=f"{told}, but {unreadable}", code="unreadable")
    if waits and answer.status == _ACCEPTED:
        return Pending(receipt=found)
    if read is None:
        return Done(receipt=found)
    try:
        return read(found)
    except (KeyError, TypeError, ValueError) as error:
        return Unknown(
            reason=f"{told}, but its receipt cannot be read: {type(error).__name__}: {error}",
            code="unreadable",
        )


def _declined(answer: Answered, told: str) -> Declined:
    said = _problem(answer)
    return Declined(
        reason=said.get("detail") or said.get("title") or told,
        code=said.get("code") or "declined",
        required=said.get("required", ""),
        actual=said.get("actual", ""),
    )


def _with_detail(answer: Answered, told: str) -> str:
    said = _problem(answer)
    detail = said.get("detail") or said.get("title")
    return f"{told}: {detail}" if detail else told


def _problem(answer: Answered) -> dict[str, str]:
    """Return what problem details (RFC 9457) say, short texts only; empty if there are none."""
    try:
        found = json_object(answer)
    except Unreadable:
        return {}
    return {
        name: str(found[name])[:_TEXT]
        for name in ("detail", "title", "code", "required", "actual")
        if isinstance(found.get(name), str | int | float)
    }
