"""Exceptions as problems: the engine's, Django's and ninja's. Registered once, in `api`."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db.utils import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from workflow.acts.effects import NotApart
from workflow.acts.rights import Denied
from workflow.api.problems import Problem, answer, told
from workflow.definition import InvalidRequest, UnknownDefinition

log = structlog.get_logger(__name__)


def register(api: NinjaAPI) -> None:
    """Have every exception of an operation end as a problem document."""

    def take(kind: type[Exception], make: Any) -> None:
        def handle(request: HttpRequest, error: Any) -> HttpResponse:
            return answer(request, make(error))

        api.add_exception_handler(kind, handle)

    take(Problem, lambda error: error)
    take(ValidationError, _invalid)
    take(InvalidRequest, _unusable)
    take(UnknownDefinition, lambda error: Problem("unknown_definition", str(error)))
    take(Denied, lambda error: Problem("permission_denied", str(error)))
    take(NotApart, lambda error: Problem(error.code, str(error), refusals=told((error.refusal,))))
    take(Http404, lambda _: Problem("not_found", "There is no such thing here."))
    take(AuthenticationError, lambda _: Problem("not_authenticated", _SIGN_IN))
    take(HttpError, _unreadable)
    take(RequestDataTooBig, _too_big)
    take(OperationalError, _away)
    take(InterfaceError, _away)
    take(Exception, _ours)


_SIGN_IN = "Send `Authorization: Bearer KEY`, or the cookie of a session."


_WORDS = {"extra_forbidden": "is not known here", "missing": "is missing"}
"""What pydantic says of whole classes where it should say it of this request."""


def _invalid(error: ValidationError) -> Problem:
    """Name each part that cannot be used; not its value, which may be anything."""
    faults = [
        {
            "where": [part for part in each["loc"] if part not in ("wanted", "chosen")],
            "message": _WORDS.get(each["type"], each["msg"].removeprefix("Value error, ")),
        }
        for each in error.errors
    ]
    first = faults[0]
    where = ".".join(map(str, first["where"]))
    return Problem("invalid_request", f"{where}: {first['message']}", faults=faults)


def _unreadable(error: HttpError) -> Problem:
    """Return why a body cannot be read: ninja wraps what our parser raised."""
    if isinstance(error.__cause__, Problem):
        return error.__cause__
    if isinstance(error.__cause__, RequestDataTooBig):
        return _too_big(error)
    return Problem("malformed_body", str(error))


def _too_big(_: Exception) -> Problem:
    return Problem("body_too_large", "Send less at a time.")


def _unusable(error: InvalidRequest) -> Problem:
    fault = {"where": [error.field], "message": error.problem}
    return Problem("invalid_request", str(error), faults=[fault])


def _away(error: Exception) -> Problem:
    log.warning("database.away", process="api", error=type(error).__name__)
    return Problem("unavailable", "Send it again under the same Idempotency-Key.")


def _ours(error: Exception) -> Problem:
    log.error("api.failed", error=type(error).__name__, exc_info=error)
    return Problem(
        "internal", "Send it again under the same Idempotency-Key; the logs have the rest."
    )
