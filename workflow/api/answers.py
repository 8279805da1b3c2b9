"""The engine's answers to requests, as statuses: one for one wish, one for each among many."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from workflow.api.problems import CODES, Problem, told
from workflow.api.shapes import addresses
from workflow.api.shapes.transition import transition_of
from workflow.definition import InvalidRequest, Refusal, WorkflowError
from workflow.engine.answer import Accepted, Answer, Conflict, Invalid, Refused, Repeated
from workflow.models import State, TransitionEnvelope
from workflow.queries.refusals import refusals_of
from workflow.queries.wording import told_error

REPLAYED = "Idempotency-Replayed"
"""Header that says that this wish was known already."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A status with its body."""

    status: int
    body: Mapping[str, Any]


def reply(answer: Answer, response: HttpResponse) -> Reply:
    """Return what one request is answered; headers go on the response.

    Raises:
        Problem: It was refused, conflicts, or cannot be read.
    """
    match answer:
        case Accepted(envelope=envelope):
            return _accepted(envelope, response)
        case Repeated(envelope=envelope):
            response.headers[REPLAYED] = "true"
            if was_refused_at_once(envelope):
                raise refused(envelope, refusals_of(envelope), headers={REPLAYED: "true"})
            return _accepted(envelope, response)
        case Refused(envelope=envelope, refusals=refusals):
            raise refused(envelope, refusals)
        case Conflict():
            raise conflict()
        case Invalid(error=error):
            raise invalid(error)


def as_one_of_many(answer: Answer, response: HttpResponse) -> dict[str, Any]:
    """Return what one request among many is answered; no statement."""
    if isinstance(answer, Repeated) and was_refused_at_once(answer.envelope):
        return _refused_before(answer.envelope)
    try:
        done = reply(answer, response)
    except Problem as problem:
        return {
            "status": CODES[problem.code][0],
            "code": problem.code,
            "detail": problem.detail,
            "transition": problem.more.get("transition"),
        }
    link = done.body["links"]["self"]
    return {"status": done.status, "code": "", "detail": "", "transition": link}


def was_refused_at_once(envelope: TransitionEnvelope) -> bool:
    """Return whether its first answer was a refusal; a worker's refusal comes later."""
    return envelope.state == State.REFUSED and envelope.fence == 0


def refused(
    envelope: TransitionEnvelope,
    refusals: tuple[Refusal, ...],
    *,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    """Return a refusal: the record, the permission or another transition is against it."""
    first = refusals[0]
    about = envelope.pk
    if first.code == "in_flight":
        with suppress(ValueError):  # what is kept beside the trail may be erased by now
            about = UUID(first.actual)
    return Problem(
        _code(first.code),
        " ".join(each.message for each in refusals),
        headers=headers,
        refusals=told(refusals),
        transition=addresses.of_transition(about),
    )


def conflict() -> Problem:
    """Return that a key is taken, without a word of what by: it may be somebody else's."""
    return Problem(
        "idempotency_conflict",
        "It was used for another record, body or person. Nothing was done; choose a new one.",
    )


def invalid(error: WorkflowError) -> Problem:
    """Return that a request cannot be read."""
    if not isinstance(error, InvalidRequest):
        return Problem("unknown_definition", str(error))
    if error.field == "signature" and "is missing" in error.problem:
        return Problem("signature_required", f"signature {error.problem}")
    if (error.field, error.problem) == ("record", "does not exist"):
        return Problem("not_found", "There is no such record.")
    fault = {"where": ["body", error.field], "message": error.problem}
    return Problem("invalid_request", told_error(error), faults=[fault])


def wrong_state(error: InvalidRequest) -> Problem:
    """Return why an act does not fit how its object stands."""
    if error.field in ("reason", "receipt", "until", "name"):
        return invalid(error)
    return Problem("wrong_state", told_error(error))


def _refused_before(envelope: TransitionEnvelope) -> dict[str, Any]:
    code = _code(envelope.code)
    return {
        "status": CODES[code][0],
        "code": code,
        "detail": envelope.message,
        "transition": addresses.of_transition(envelope.pk),
    }


def _code(of_refusal: str) -> str:
    """Return the problem's code: a workflow's own reasons are all `refused`."""
    return of_refusal if of_refusal in CODES else "refused"


def _accepted(envelope: TransitionEnvelope, response: HttpResponse) -> Reply:
    response.headers["Location"] = addresses.of_transition(envelope.pk)
    return Reply(status=HTTPStatus.ACCEPTED, body=transition_of(envelope))
