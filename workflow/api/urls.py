"""Addresses of the API; include them under `api/`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from workflow.api.api import api
from workflow.api.problems import Problem, answer

View = Callable[..., HttpResponse]


def _as_problem(view: View) -> View:
    """Have a method that an address does not take answered as all other problems are."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        response = view(request, *arguments, **named)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        allowed = response.headers.get("Allow", "")
        problem = Problem("method_not_allowed", f"Use {allowed}.", headers={"Allow": allowed})
        return answer(request, problem)

    return wrapped


@csrf_exempt
def _nowhere(request: HttpRequest, **_: Any) -> HttpResponse:
    return answer(request, Problem("not_found", "There is no such address in this API."))


_patterns, _app, _namespace = api.urls
for _pattern in _patterns:
    if isinstance(_pattern, URLPattern):
        _pattern.callback = _as_problem(_pattern.callback)

urlpatterns = [
    path("v1/", (_patterns, _app, _namespace)),
    re_path(r"^.*$", _nowhere),
]
