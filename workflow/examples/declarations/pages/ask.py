"""Asking for a transition from the page, and telling what became of it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from workflow.definition import InvalidRequest, Transition, WorkflowError, registry
from workflow.engine import clock
from workflow.engine.answer import Accepted, Conflict, Refused, Repeated
from workflow.engine.request import Request, transition_id
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.pages.choices import Choice, form_of
from workflow.examples.declarations.pages.show import find, page
from workflow.examples.declarations.pages.user import signed_in
from workflow.examples.declarations.statuses import Status
from workflow.models import Origin, Record, State, TransitionEnvelope

_WAIT = timedelta(seconds=1)
"""How long a person waits for the outcome before being told that it will come."""

_LOOK = 0.02


@require_POST
@login_required
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand the wish to the engine and go back to the page with its answer."""
    declaration = find(request, pk)
    record = declaration.record
    assert record is not None, "`find` looks for those that have one"
    try:
        wish_id = transition_id(request.POST.get("transition_id", ""))
        transition = _transition(record, request.POST.get("transition", ""))
        version = _version(request.POST.get("version", ""))
    except WorkflowError as error:
        messages.error(request, f"Nothing was done: {error}")
        return redirect("declarations:show", pk=pk)
    wish = Request(
        record=record.pk,
        transition=transition.name,
        transition_id=wish_id,
        user=signed_in(request),
        payload=_payload(request, transition),
        reason=request.POST.get("reason", "").strip(),
        origin=Origin.FORM,
        expected_version=version,
    )
    try:
        answer = submit(request=wish, now=clock.now())
    except WorkflowError as error:
        return _again(request, declaration, transition, wish, error)
    _tell(request, transition, answer)
    return redirect("declarations:show", pk=pk)


def _transition(record: Record, name: str) -> Transition[Any, Any]:
    found = registry.latest(record.workflow).by_name.get(name)
    if found is None:
        raise InvalidRequest("transition", name, "is not declared")
    return found


def _version(text: str) -> int:
    """Return the record's version that the person saw: nobody decides about what they have not."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004  (fits 32 bits)
        raise InvalidRequest("version", text, "is no number; load the page again")
    return int(text)


def _payload(request: HttpRequest, transition: Transition[Any, Any]) -> dict[str, str]:
    """Return the fields that are filled in, as they were sent."""
    names = [] if transition.form is None else transition.form.base_fields
    return {name: request.POST[name] for name in names if request.POST.get(name)}


def _again(
    request: HttpRequest,
    declaration: Declaration,
    transition: Transition[Any, Any],
    wish: Request,
    error: WorkflowError,
) -> HttpResponse:
    """Show the page with what was filled in and what is wrong with it. Nothing was written."""
    form = form_of(transition, wish.payload)
    faults = () if form.errors else (str(error),)
    return page(
        request,
        declaration,
        Choice(
            transition=transition,
            form=form,
            transition_id=wish.transition_id,
            reason=wish.reason,
            faults=faults,
        ),
    )


def _tell(
    request: HttpRequest,
    transition: Transition[Any, Any],
    answer: Accepted | Repeated | Refused | Conflict,
) -> None:
    match answer:
        case Accepted(envelope=envelope):
            _tell_outcome(request, transition, _outcome(envelope.pk), "")
        case Repeated(envelope=envelope):
            before = "This was sent before and counts once. "
            _tell_outcome(request, transition, _outcome(envelope.pk), before)
        case Refused(refusals=refusals):
            for refusal in refusals:
                messages.error(request, f"{transition.label}: refused. {refusal.message}")
        case Conflict():
            messages.error(
                request,
                f"{transition.label}: this form was sent before with other content, which stands."
                " Nothing was done now; look at the page and ask anew.",
            )


def _outcome(pk: UUID) -> TransitionEnvelope:
    """Return the envelope as it stands, after a moment for the workers."""
    until = time.monotonic() + _WAIT.total_seconds()
    while True:
        envelope = TransitionEnvelope.objects.get(pk=pk)
        if not envelope.is_in_flight or time.monotonic() > until:
            return envelope
        time.sleep(_LOOK)


def _tell_outcome(
    request: HttpRequest,
    transition: Transition[Any, Any],
    envelope: TransitionEnvelope,
    before: str,
) -> None:
    said = f"{before}{transition.label}:"
    match envelope.state:
        case State.FIRED:
            label = Status(envelope.target).label
            messages.success(request, f"{said} done. It is now “{label}”.")
        case State.REFUSED:
            messages.error(request, f"{said} refused. {envelope.message}")
        case State.FAILED | State.CANCELLED | State.PARKED:
            messages.error(request, f"{said} {envelope.get_state_display()}. {envelope.message}")
        case _:
            messages.info(request, f"{said} accepted. It will be done when a worker is free.")
