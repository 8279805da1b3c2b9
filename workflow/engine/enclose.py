"""Putting a request into an envelope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from audit.loading import made
from workflow.definition import Refusal, Transition, Workflow
from workflow.engine.correlation import child_of, current_id
from workflow.engine.request import Request
from workflow.models import State, TransitionEnvelope, uuid7


def enclose(
    *,
    request: Request,
    workflow: Workflow[Any, Any],
    transition: Transition[Any, Any],
    now: datetime,
) -> TransitionEnvelope:
    """Return an unsaved envelope: waiting, or scheduled where the request is for later."""
    due_at = max(request.due_at or now, now)
    return made(
        TransitionEnvelope,
        transition_id=request.transition_id,
        record_id=request.record,
        workflow=workflow.name,
        definition_version=workflow.version,
        transition=transition.name,
        target=str(transition.target.value),
        actor_id=None if request.user is None else request.user.pk,
        actor_label=request.actor.label,
        reason=request.reason,
        payload=dict(request.payload),
        digest=request.digest(),
        origin=request.origin,
        correlation_id=request.correlation_id or current_id() or uuid7().hex,
        traceparent=child_of(request.traceparent),
        expected_version=request.expected_version,
        requested_at=now,
        deadline_at=None if transition.deadline is None else due_at + transition.deadline,
        priority=request.priority,
        state=State.SCHEDULED if due_at > now else State.WAITING,
        due_at=due_at,
    )


def refuse_at_once(
    *, envelope: TransitionEnvelope, refusals: Sequence[Refusal], now: datetime
) -> None:
    """Turn an unsaved envelope into a refused one: final from the start, but written down."""
    envelope.state = State.REFUSED
    envelope.due_at = None
    envelope.finished_at = now
    envelope.code = refusals[0].code
    envelope.message = " ".join(refusal.message for refusal in refusals)
