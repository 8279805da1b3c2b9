"""What every act does first: find the envelope, lock it, and see that the act fits its state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.functional import Promise, keep_lazy_text
from django.utils.translation import gettext_noop

from audit import chain
from workflow.definition import InvalidRequest
from workflow.engine.hold import hold
from workflow.engine.request import actor_of
from workflow.engine.trail import Action
from workflow.models import State, TransitionEnvelope

_LONGEST = 10_000


def lowered(label: str | Promise) -> str | Promise:
    """Return a label as it stands inside a sentence; a lazy one stays lazy."""
    said: str | Promise = keep_lazy_text(lambda text: str(text).lower())(label)
    return said


def checked_reason(reason: str) -> str:
    """Return the reason without blanks around it.

    Raises:
        InvalidRequest: There is none, or it cannot be kept.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidRequest("reason", reason, gettext_noop("say why; it goes into the trail"))
    if len(reason) > _LONGEST or "\x00" in reason:
        raise InvalidRequest(
            "reason",
            reason,
            gettext_noop("at most %(most)d characters, none of them NUL"),
            facts={"most": _LONGEST},
        )
    return reason


def held(
    transition_id: UUID, states: Collection[State], unfit: str, fence: int | None = None
) -> TransitionEnvelope:
    """Return the envelope, locked together with its record.

    Args:
        unfit: What to say of one in another `%(state)s`, marked for translation.
        fence: What the person saw; None: they need not have seen any.

    Raises:
        InvalidRequest: It does not exist, was taken up again since it was seen, or the act does
            not fit its state.
    """
    found = hold(TransitionEnvelope.objects.filter(pk=transition_id))
    if not found:
        raise InvalidRequest("transition id", str(transition_id), gettext_noop("does not exist"))
    (envelope,) = found
    if envelope.state not in states:
        raise InvalidRequest(
            "transition id",
            str(transition_id),
            unfit,
            facts={"state": lowered(State(envelope.state).label)},
        )
    if fence is not None and envelope.fence != fence:
        raise InvalidRequest(
            "fence",
            fence,
            gettext_noop("it was taken up again since you looked (now %(now)s); look at it first"),
            facts={"now": envelope.fence},
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
