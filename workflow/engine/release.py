"""What a person does about an envelope that waits for one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from audit import chain
from workflow.definition import InvalidRequest
from workflow.engine.announce import announce
from workflow.engine.hold import hold
from workflow.engine.request import actor_of
from workflow.engine.trail import Action
from workflow.models import State, TransitionEnvelope

_CANCELLABLE = (State.SCHEDULED, State.WAITING, State.PARKED)


@transaction.atomic
def resume(
    *,
    transition_id: UUID,
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
    expected_fence: int | None = None,
) -> TransitionEnvelope:
    """Let a parked envelope be tried again, under its own id, with a fresh set of attempts.

    Twice in a row is harmless: the second finds it no longer parked.

    Args:
        expected_fence: What the person saw; if it was tried again since, they are told to look.

    Raises:
        InvalidRequest: It is not parked, was tried again since, or no reason is given.
    """
    envelope = _held(transition_id, reason, (State.PARKED,), "resumed", expected_fence)
    envelope.state = State.WAITING
    envelope.due_at = now
    envelope.attempts = 0
    envelope.crashes = 0
    envelope.save(update_fields=["state", "due_at", "attempts", "crashes"])
    _enter(envelope, Action.RESUMED, user, reason, now)
    transaction.on_commit(announce, robust=True)
    return envelope


@transaction.atomic
def cancel(
    *,
    transition_id: UUID,
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
    expected_fence: int | None = None,
) -> TransitionEnvelope:
    """Take back an envelope that no worker holds; its record's slot is free again.

    Args:
        expected_fence: What the person saw; if it was tried again since, they are told to look.

    Raises:
        InvalidRequest: It is running or done, was tried again since, or no reason is given.
    """
    envelope = _held(transition_id, reason, _CANCELLABLE, "cancelled", expected_fence)
    envelope.state = State.CANCELLED
    envelope.due_at = None
    envelope.finished_at = now
    envelope.code = "cancelled"
    envelope.message = reason
    envelope.save(update_fields=["state", "due_at", "finished_at", "code", "message"])
    _enter(envelope, Action.CANCELLED, user, reason, now)
    return envelope


def _held(
    transition_id: UUID,
    reason: str,
    states: tuple[State, ...],
    done: str,
    expected_fence: int | None,
) -> TransitionEnvelope:
    if not reason.strip():
        raise InvalidRequest("reason", reason, "say why; it goes into the trail")
    found = hold(TransitionEnvelope.objects.filter(pk=transition_id))
    if not found:
        raise InvalidRequest("transition id", str(transition_id), "does not exist")
    if found[0].state not in states:
        allowed = " or ".join(state.label.lower() for state in states)
        raise InvalidRequest(
            "transition id",
            str(transition_id),
            f"is {found[0].state}; only one that is {allowed} can be {done}",
        )
    if expected_fence is not None and found[0].fence != expected_fence:
        raise InvalidRequest(
            "fence",
            expected_fence,
            f"it was tried again since you looked (now {found[0].fence}); look at it first",
        )
    return found[0]


def _enter(
    envelope: TransitionEnvelope,
    action: Action,
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
) -> None:
    """Enter the act in the name of who does it, not of who asked for the transition."""
    actor = actor_of(user)
    chain.append(
        [
            chain.Note(
                chain=envelope.record_id,
                at=now,
                action=action.value,
                actor_id=actor.id or "",
                actor=actor.label,
                reason=reason,
                old=envelope.record.status,
                transition_id=envelope.transition_id,
                correlation_id=envelope.correlation_id,
                evidence={"transition": envelope.transition},
            )
        ]
    )
