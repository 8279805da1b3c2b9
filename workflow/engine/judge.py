"""What a request is worth, given what is known: accepted, repeated, refused, conflict, invalid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from workflow.definition import (
    InvalidRequest,
    Reason,
    Refusal,
    Transition,
    Workflow,
    WorkflowError,
    registry,
)
from workflow.engine import duties, standing
from workflow.engine.answer import Accepted, Answer, Conflict, Invalid, Refused, Repeated
from workflow.engine.enclose import enclose, refuse_at_once
from workflow.engine.horizon import check_horizon
from workflow.engine.request import Request
from workflow.engine.sign import check_signature
from workflow.models import Record, State, TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was read for a group of requests."""

    records: Mapping[UUID, Record]
    twins: Mapping[UUID, TransitionEnvelope]
    """Envelopes under the requests' transition ids."""

    in_flight: Mapping[UUID, TransitionEnvelope]
    """The envelope that holds a record's slot, under the record's id."""

    makers: Mapping[UUID, duties.Makers]
    """Who has made what bars from the requested transitions, under the record's id."""


def judge(*, request: Request, known: Known, now: datetime) -> Answer:
    """Return the answer that the request deserves; write nothing.

    A twin is looked for first: a repeated request gets its first answer, even where it could not
    be accepted any more.
    """
    twin = known.twins.get(request.transition_id)
    if request.record not in known.records:
        return Invalid(
            error=InvalidRequest("record", str(request.record), gettext_noop("does not exist"))
        )
    if twin is not None:
        same = twin.digest == request.digest()
        return Repeated(envelope=twin) if same else Conflict(envelope=twin)
    record = known.records[request.record]
    try:
        workflow = registry.latest(record.workflow)
        transition = declared(workflow=workflow, name=request.transition)
        if request.due_at is not None:
            check_horizon(field="due_at", at=request.due_at, now=now)
        _check_reason(transition, request)
        check_payload(transition=transition, payload=request.payload)
        check_signature(request=request, transition=transition, now=now)
    except WorkflowError as error:
        return Invalid(error=error)
    envelope = enclose(request=request, workflow=workflow, transition=transition, now=now)
    refusals = standing.denied(user=request.user, transition=transition)
    refusals += [
        each.answer
        for each in duties.finding(
            transition=transition,
            actor=request.actor.id,
            makers=known.makers.get(record.pk, {}),
        )
        if isinstance(each.answer, Refusal)
    ]
    if envelope.state == State.WAITING:
        refusals += _refusals_now(request, record, transition, known)
    if not refusals:
        return Accepted(envelope=envelope)
    refuse_at_once(envelope=envelope, refusals=refusals, now=now)
    return Refused(envelope=envelope, refusals=tuple(refusals))


def declared(*, workflow: Workflow[Any, Any], name: str) -> Transition[Any, Any]:
    """Return a transition by its name.

    Raises:
        InvalidRequest: The workflow has none of that name.
    """
    try:
        return workflow.by_name[name]
    except KeyError:
        raise InvalidRequest(
            "transition",
            name,
            gettext_noop("is not declared; %(workflow)s has %(known)s"),
            facts={"workflow": workflow.key, "known": ", ".join(sorted(workflow.by_name))},
        ) from None


def _check_reason(transition: Transition[Any, Any], request: Request) -> None:
    if transition.reason is Reason.REQUIRED and not request.reason.strip():
        raise InvalidRequest(
            "reason",
            request.reason,
            gettext_noop("“%(label)s” needs a reason"),
            facts={"label": transition.label},
        )


def check_payload(*, transition: Transition[Any, Any], payload: Mapping[str, Any]) -> None:
    """See that a payload is what the transition's form takes.

    Raises:
        InvalidRequest: It has fields that the form does not know, or values that it does not take.
    """
    fields = set() if transition.form is None else set(transition.form.base_fields)
    unknown = sorted(set(payload) - fields)
    if unknown:
        raise InvalidRequest(
            "payload",
            unknown,
            gettext_noop("“%(label)s” takes only these fields: %(fields)s"),
            facts={"label": transition.label, "fields": ", ".join(sorted(fields)) or "-"},
        )
    if transition.form is None:
        return
    form = transition.form(data=dict(payload))
    if not form.is_valid():
        problems = "; ".join(
            f"{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items()
        )
        raise InvalidRequest("payload", dict(payload), problems)


def _refusals_now(
    request: Request, record: Record, transition: Transition[Any, Any], known: Known
) -> list[Refusal]:
    found = standing.refusals(
        record=record, transition=transition, expected_version=request.expected_version
    )
    winner = known.in_flight.get(record.pk)
    if winner is not None:
        found.append(standing.occupied(record=record, winner=winner))
    return found
