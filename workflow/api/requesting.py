"""Asking for transitions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from ninja.params.functions import Header

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.api import answers
from workflow.api.caller import Caller, calling
from workflow.api.document import problems
from workflow.api.preconditions import check_correlation, expected_version, idempotency_key
from workflow.api.problems import Problem
from workflow.api.shapes.transition import (
    BulkAnswers,
    BulkWish,
    BulkWishes,
    Signing,
    Transition,
    Wish,
)
from workflow.api.sight import record_for
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.engine.answer import Answer
from workflow.engine.request import Request
from workflow.engine.sign import sign, statement
from workflow.engine.submit import submit, submit_many
from workflow.models import KeyScope, Origin, Priority, Record
from workflow.queries.sight import in_sight

router = Router(tags=["Requesting"])


@router.post(
    "/records/{uuid:record}/transitions",
    response={202: Transition, problems(400, 404, 409, 412, 413, 415, 422): Any},
    summary="Request a transition",
    url_name="request",
)
def request_transition(  # noqa: PLR0917  (ninja passes by name)
    request: HttpRequest,
    response: HttpResponse,
    record: UUID,
    wanted: Wish,
    key: Annotated[str, Header(alias="Idempotency-Key")] = "",
    match: Annotated[str, Header(alias="If-Match")] = "",
) -> Any:
    """Ask that a record be moved. Answered at once; the transition itself follows.

    The Idempotency-Key is the transition's id, for as long as the record lives. The same request
    again gets the first answer, marked `Idempotency-Replayed: true`, with the transition as it
    stands by then. Another body under the same key is a conflict and does nothing.
    """
    caller = calling(request, KeyScope.REQUEST)
    check_correlation(request)
    found = record_for(caller, record)
    now = clock.now()
    rights.demand(
        user=caller.user,
        right=Right.REQUEST,
        act=f"request {wanted.transition}",
        record=found,
        now=now,
    )
    wish = _wish(
        caller,
        found.pk,
        idempotency_key(key),
        wanted,
        expected=expected_version(match, wanted.expected_version),
    )
    if wanted.signature is not None:
        wish = _signed(request, caller, wish, wanted.signature, now)
    try:
        answer = submit(request=wish, now=now)
    except InvalidRequest as error:
        raise answers.invalid(error) from error
    done = answers.reply(answer, response)
    return Status(done.status, done.body)


@router.post(
    "/transitions/bulk",
    response={200: BulkAnswers, problems(400, 404, 413, 415, 422): Any},
    summary="Request many transitions",
    url_name="bulk",
)
def request_many(request: HttpRequest, wanted: BulkWishes) -> Any:
    """Ask for up to 500 transitions, each by itself, behind what people ask for.

    If the answer is lost, send all of them again under the same ids.
    """
    caller = calling(request, KeyScope.REQUEST)
    check_correlation(request)
    if any(each.signature for each in wanted.requests):
        raise Problem("signature_required", "Sign each for itself, not many at once.")
    seen = _seen(caller, wanted.requests)
    now = clock.now()
    for right in (Right.BULK, Right.REQUEST):
        if seen:
            first = next(iter(seen.values()))
            rights.demand(user=caller.user, right=right, act="bulk", record=first, now=now)
    wishes = [
        _wish(caller, each.record, each.id, each, expected=each.expected_version, is_bulk=True)
        for each in wanted.requests
        if each.record in seen
    ]
    found = dict(zip((wish.transition_id for wish in wishes), _submit(wishes, now), strict=True))
    return {
        "answers": [
            {"id": each.id, **_one(found.get(each.id) if each.record in seen else None)}
            for each in wanted.requests
        ]
    }


def _signed(
    request: HttpRequest, caller: Caller, wish: Request, given: Signing, now: datetime
) -> Request:
    """Return the request as its person has signed it, as the forms have them sign.

    Raises:
        Problem: It came with a key, which is no person, or does not prove who they are.
    """
    if caller.key:
        raise Problem(
            "signature_required",
            "A key cannot sign: send it with a person's session, or use the form.",
        )
    shown = statement(request=wish)
    if shown is None or given.meaning != shown.meaning:
        meant = "it asks for none" if shown is None else f"it means: {shown.meaning}"
        raise Problem("signature_refused", f"signature.meaning is not the transition's; {meant}")
    try:
        return sign(request=wish, password=given.password, web=request, now=now)
    except InvalidRequest as error:
        raise Problem("signature_refused", f"signature {error.problem}") from error


def _submit(wishes: list[Request], now: Any) -> list[Answer]:
    ids = [wish.transition_id for wish in wishes]
    if len(set(ids)) < len(ids):
        raise Problem("invalid_request", "body.requests: two of them have the same id.")
    return submit_many(requests=wishes, now=now)


def _one(answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        detail = "There is no such record, or it is not yours to see."
        return {"status": 404, "code": "not_found", "detail": detail, "transition": None}
    return answers.as_one_of_many(answer, HttpResponse())


def _seen(caller: Caller, wanted: list[BulkWish]) -> dict[UUID, Record]:
    rows = Record.objects.filter(pk__in={each.record for each in wanted})
    return {row.pk: row for row in in_sight(user=caller.user, records=rows)}


def _wish(
    caller: Caller,
    record: UUID,
    key: UUID,
    wanted: Wish,
    *,
    expected: int | None,
    is_bulk: bool = False,
) -> Request:
    return Request(
        record=record,
        transition=wanted.transition,
        transition_id=key,
        user=caller.user,
        payload=wanted.payload,
        reason=wanted.reason.strip(),
        origin=Origin.API,
        expected_version=expected,
        due_at=wanted.due_at,
        priority=Priority.BULK if is_bulk else Priority.NORMAL,
    )
