"""Letting a parked transition be tried again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_noop

from workflow.acts import effects
from workflow.acts.held import checked_reason, enter, held
from workflow.definition import InvalidRequest
from workflow.engine.announce import announce
from workflow.engine.trail import Action
from workflow.models import EffectEntry, EffectState, Phase, State, TransitionEnvelope

_UNFIT = gettext_noop("is %(state)s; only one that is parked can be resumed")


@transaction.atomic
def resume(
    *,
    transition_id: UUID,
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
    fence: int | None = None,
) -> TransitionEnvelope:
    """Let a parked envelope be tried again, under its own id, with a fresh set of attempts.

    If a before-effect that failed keeps it, that effect is sent again under its own key; what is
    done already is not repeated. Twice in a row is harmless: the second finds it no longer parked.

    Args:
        fence: What the person saw; if it was taken up again since, they are told to look.

    Raises:
        InvalidRequest: It is not parked, no reason is given, or one of its effects is in doubt.
    """
    reason = checked_reason(reason)
    envelope = held(transition_id, (State.PARKED,), _UNFIT, fence)
    stuck = EffectEntry.objects.filter(
        envelope=envelope, phase=Phase.BEFORE, finished_at__isnull=True
    ).first()
    if stuck is not None and stuck.state == EffectState.IN_DOUBT:
        raise InvalidRequest(
            "transition id",
            str(transition_id),
            gettext_noop("its call “%(call)s” is in doubt; settle that first"),
            facts={"call": stuck.name.replace("_", " ")},
        )
    enter(envelope=envelope, action=Action.RESUMED, user=user, reason=reason, now=now)
    if stuck is not None:
        effects.retry(effect=stuck.pk, fence=stuck.fence, user=user, reason=reason, now=now)
        return TransitionEnvelope.objects.get(pk=transition_id)
    envelope.state = State.WAITING
    envelope.due_at = now
    envelope.attempts = 0
    envelope.crashes = 0
    envelope.save(update_fields=["state", "due_at", "attempts", "crashes"])
    transaction.on_commit(announce, robust=True)
    return envelope
