"""Sending a call, once, and saying what is known about it afterwards."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from workflow.definition import Call, Postponed, Rejected, Result, Unknown
from workflow.effects.http.classify import Read, classify
from workflow.effects.http.exchange import Lost, NotSent, exchange
from workflow.effects.http.headers import check_method, check_url, headers_of, shown


def deliver(
    call: Call,
    *,
    url: str,
    body: Mapping[str, Any] | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    read: Read | None = None,
    has_receipt: bool = True,
    declines: Collection[int] = (),
    waits: bool = False,
    is_fresh: bool = False,
) -> Result:
    """Make one HTTP call and classify what came of it; see `classify` for what a status means.

    It carries Idempotency-Key, X-Correlation-ID and traceparent, is over within `call.timeout`,
    follows no redirect and tries nothing twice. What certainly was not sent is `Postponed`; what
    was, and has no answer that can be read, is `Unknown`.

    Args:
        body: By default the call's request. A mapping is sent as JSON, with its keys sorted, so
            that every attempt sends the same bytes.
        read: Makes the result of the answered object; by default it is the receipt of a `Done`.
        has_receipt: Whether the downstream proves what it did by a JSON object. If so, a success
            without one is `Unknown`: something else may have answered in its stead.
        declines: Statuses by which this downstream says a "no" of business, such as 409 or 422.
        waits: Whether the effect declares a `wait`: then 202 is `Pending`, else a success.
        is_fresh: Whether to open a connection for this call alone: dearer, but it cannot be one
            that the server is just closing. Worth it where a doubt costs a person's time.
    """
    try:
        check_url(url)
        check_method(method)
        sent = headers_of(call, extra=headers, is_keyed=True)
        content = _content(call.request if body is None else body)
    except (TypeError, ValueError) as error:
        return Rejected(reason=f"It cannot be sent: {error}", code="unsendable")
    if not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = "application/json"
    what = f"{method} {shown(url)}"
    answer = exchange(
        method=method,
        url=url,
        headers=sent,
        body=content,
        timeout=call.timeout,
        is_fresh=is_fresh,
    )
    match answer:
        case NotSent(why=why):
            return Postponed(reason=f"{what} was not sent: {why}", code="not_sent")
        case Lost(why=why):
            return Unknown(reason=f"{what} was sent, without an answer: {why}", code="no_answer")
    return classify(
        answer,
        what=what,
        read=read,
        has_receipt=has_receipt,
        declines=declines,
        waits=waits,
        is_repetition=call.first_sent_at is not None,
        now=datetime.now(UTC),
    )


def _content(body: Mapping[str, Any] | bytes) -> bytes:
    if isinstance(body, bytes):
        return body
    text = json.dumps(
        dict(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")
