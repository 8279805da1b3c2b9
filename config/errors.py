"""What a request is told that nothing else could answer: the API's a problem, a page's a sentence.

Rendered without asking the database who looks: it may be what is away.
"""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from workflow.api.problems import Problem, answer

_API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is no request to us, such as one for another host."""
    is_lost = isinstance(exception, DisallowedHost)
    what = "Host: is none of this site's names." if is_lost else "It cannot be read."
    if request.path.startswith(_API):
        return answer(request, Problem("malformed_header", what))
    return _page("400.html", HTTPStatus.BAD_REQUEST, request)


def failed(request: HttpRequest) -> HttpResponse:
    """Answer what failed: 503 while the database is away, else 500. The logs have the rest."""
    is_away = isinstance(sys.exception(), OperationalError | InterfaceError)
    if request.path.startswith(_API):
        code = "unavailable" if is_away else "internal"
        return answer(request, Problem(code, "Send it again under the same Idempotency-Key."))
    if not is_away:
        return _page("500.html", HTTPStatus.INTERNAL_SERVER_ERROR, request)
    response = _page("503.html", HTTPStatus.SERVICE_UNAVAILABLE, request)
    response.headers["Retry-After"] = "5"
    return response


def _page(template: str, status: HTTPStatus, request: HttpRequest) -> HttpResponse:
    told = {"correlation_id": getattr(request, "correlation_id", "")}
    return HttpResponse(render_to_string(template, told), status=status)
