"""What every act does first: find the envelope, lock it, and see that the act fits its state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from audit import chain
from workflow.definition import InvalidRequest
from workflow.engine.hold import hold
from workflow.engine.request import actor_of
from workflow.engine.trail import Action
from workflow.models import State, TransitionEnvelope

_LONGEST = 10_000


def checked_reason(reason: str) -> str:
    """Return the reason without blanks around it.

    Raises:
        InvalidRequest: There is none, or it cannot be kept.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidRequest("reason", reason, "say why; it goes into the trail")
    if len(reason) > _LONGEST or "\x00" in reason:
        raise InvalidRequest("reason", reason, f"at most {_LONGEST} characters, none of them NUL")
    return reason


def held(
    transition_id: UUID, states: Collection[State], done: str, fence: int | None = None
) -> TransitionEnvelope:
    """Return the envelope, locked together with its record.

    Args:
        fence: What the person saw; None: they need not have seen any.

    Raises:
        InvalidRequest: It does not exist, was taken up again since it was seen, or the act does
            not fit its state.
    """
    found = hold(TransitionEnvelope.objects.filter(pk=transition_id))
    if not found:
        raise InvalidRequest("transition id", str(transition_id), "does not exist")
    (envelope,) = found
    if envelope.state not in states:
        allowed = " or ".join(State(state).label.lower() for state in states)
        raise InvalidRequest(
            "transition id",
            str(transition_id),
            f"is {envelope.state}; only one that is {allowed} can be {done}",
        )
    if fence is not None and envelope.fence != fence:
        raise InvalidRequest(
            "fence",
            fence,
            f"it was taken up again since you looked (now {envelope.fence}); look at it first",
        )
    return envelope


def enter(
    *,
    envelope: TransitionEnvelope,
    action: Action,
    user: AbstractBaseUser,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
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
                evidence={"transition": envelope.transition, **(evidence or {})},
            )
        ]
    )
