"""What is said when a request cannot be done: problem details (RFC 9457) with stable codes.

The one place that knows which error is which HTTP status. Every code is in `CODES`, and the
reference lists them; a code never changes its meaning or its status within a version of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.http import HttpRequest, JsonResponse
from ninja import Field, Schema

from workflow.definition import Refusal

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
REFERENCE = "urn:escapement:problem:"

CODES: Mapping[str, tuple[int, str]] = {
    # The request itself
    "malformed_body": (400, "The body cannot be read as JSON"),
    "malformed_header": (400, "A header cannot be used"),
    "idempotency_key_missing": (400, "The request has no Idempotency-Key"),
    "malformed_cursor": (400, "The cursor is none of ours"),
    "invalid_request": (422, "A part of the request cannot be used"),
    "body_too_large": (413, "The body is too large"),
    "media_type": (415, "The body is not application/json"),
    "not_found": (404, "There is no such thing, or it is not yours to see"),
    "method_not_allowed": (405, "This address does not take this method"),
    # Who asks
    "not_authenticated": (401, "Sign in, or send an API key"),
    "key_unknown": (401, "There is no such API key"),
    "key_expired": (401, "The API key has expired"),
    "key_revoked": (401, "The API key was revoked"),
    "bad_signature": (401, "The call-back is not signed as its effect demands"),
    "key_user_inactive": (401, "The user of the API key is not active"),
    "csrf": (403, "A session needs a CSRF token for this"),
    "scope_missing": (403, "The API key is not for this"),
    "signature_required": (403, "A person has to sign this"),
    "signature_refused": (403, "The signature is not good"),
    "permission_denied": (403, "The permission for this is missing"),
    "separation_of_duties": (403, "Somebody else has to do this step"),
    # What stands against it
    "idempotency_conflict": (422, "The Idempotency-Key belongs to another request"),
    "in_flight": (409, "Another transition of the record is in flight"),
    "wrong_status": (409, "The transition does not start from the record's status"),
    "stale": (412, "The record has moved since it was looked at"),
    "refused": (409, "The transition was refused"),
    "wrong_state": (409, "It is not in a state in which this can be done"),
    "unknown_definition": (409, "This release does not know the record's workflow"),
    # Ours
    "unavailable": (503, "The database is away"),
    "internal": (500, "An error of ours"),
}
"""Status and title by code."""


class Fault(Schema):
    """One part of a request that cannot be used."""

    where: list[str | int] = Field(description="Path to it: body, query or header, then names.")
    message: str


class Told(Schema):
    """One refusal."""

    code: str
    message: str
    required: str
    actual: str


class ProblemDocument(Schema):
    """Problem details, RFC 9457."""

    type: str = Field(description="A URN that ends in the code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; see the list of codes in the reference.")
    correlation_id: str = Field(description="By which the logs tell of this request.")
    faults: list[Fault] = []
    refusals: list[Told] = []
    transition: str | None = Field(
        None, description="Address of the transition that it is about, such as the winner's."
    )


class Problem(Exception):
    """Raised by an operation that cannot be done; becomes the answer."""

    def __init__(
        self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more
        super().__init__(f"{code}: {detail}")


def answer(request: HttpRequest, problem: Problem) -> JsonResponse:
    """Return a problem as a response."""
    status, title = CODES[problem.code]
    body = {
        "type": f"{REFERENCE}{problem.code}",
        "title": title,
        "status": status,
        "detail": problem.detail,
        "code": problem.code,
        "correlation_id": getattr(request, "correlation_id", ""),
        "faults": [],
        "refusals": [],
        "transition": None,
        **problem.more,
    }
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        response.headers[name] = value
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="escapement"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    log.info("api.problem", code=problem.code, status=status)
    return response


def told(refusals: tuple[Refusal, ...]) -> list[dict[str, str]]:
    """Return refusals as they stand in a problem or an explanation."""
    return [
        {
            "code": each.code,
            "message": each.message,
            "required": each.required,
            "actual": each.actual,
        }
        for each in refusals
    ]
