"""Every request gets a correlation id and a place in a trace; every log line tells them."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from workflow.engine import correlation, tracing

log = structlog.get_logger(__name__)

ID_HEADER = "X-Correlation-ID"
TRACE_HEADER = "traceresponse"
"""By which a caller learns its trace (W3C Trace Context, level 2)."""


class Correlated:
    """Middleware, the outermost: what comes after it, and its lines, belong to the request.

    Takes `X-Correlation-ID` and `traceparent` where they are sound, makes them where they are not,
    and gives them back. A correlation id that cannot be used is named in `correlation_problem`,
    for whoever must not go on without it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, and write one line about it: no query, no person."""
        sent_id = request.headers.get(ID_HEADER, "")
        parent = correlation.sound_traceparent(request.headers.get("traceparent", ""))
        known_by = correlation.accept(sent_id=sent_id, sent_traceparent=parent)
        vars(request).update(
            correlation_id=known_by.id,
            correlation_problem=bool(sent_id) and known_by.id != sent_id,
        )
        facts: tracing.Facts = {"method": str(request.method), "path": request.path}
        own = known_by.traceparent
        told = tracing.span(name="request", own=own, parent=parent, facts=facts)
        with correlation.bound(known_by) as fields, told as kept:
            vars(request)["log_fields"] = fields  # for whoever learns more, such as the key used
            began = time.monotonic()
            response = self.get_response(request)
            kept["status"] = response.status_code
            milliseconds = round((time.monotonic() - began) * 1000, 1)
            log.info("web.served", status=response.status_code, ms=milliseconds, **facts)
        response.headers[ID_HEADER] = known_by.id
        response.headers[TRACE_HEADER] = own
        return response
