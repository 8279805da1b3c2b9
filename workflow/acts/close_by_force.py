"""Ending a transition whose undoing cannot be finished."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_noop

from workflow.acts.effects import NotApart, enter_not_apart, give_up
from workflow.acts.held import checked_reason, enter, held
from workflow.definition import InvalidRequest
from workflow.effects.compensate import not_undone
from workflow.engine.trail import Action
from workflow.models import EFFECT_STUCK, EffectEntry, Phase, State, TransitionEnvelope

_UNFIT = gettext_noop("is %(state)s; only one that is being undone can be closed by force")


def close_by_force(
    *,
    transition_id: UUID,
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
    fence: int | None = None,
) -> tuple[TransitionEnvelope, list[str]]:
    """End an envelope whose undo is stuck, and return the effects that are left not undone.

    They are listed in the trail and on the envelope. Other undos that can be done still are: the
    envelope ends when the last of them has come to something.

    Args:
        fence: What the person saw; if it was taken up again since, they are told to look.

    Raises:
        InvalidRequest: It is not being undone, no undo of it is stuck, or no reason is given.
        NotApart: They have had a part in what led to it; the attempt was entered.
    """
    try:
        return _close(transition_id, user, reason, now, fence)
    except NotApart as error:
        enter_not_apart(error=error, user=user, now=now)  # the first entry was rolled back
        raise


@transaction.atomic
def _close(
    transition_id: UUID, user: AbstractBaseUser, reason: str, now: datetime, fence: int | None
) -> tuple[TransitionEnvelope, list[str]]:
    reason = checked_reason(reason)
    envelope = held(transition_id, (State.UNDOING,), _UNFIT, fence)
    rows = list(EffectEntry.objects.filter(envelope=envelope).exclude(phase=Phase.AFTER))
    stuck = [row for row in rows if row.phase == Phase.UNDO and row.state in EFFECT_STUCK]
    if not stuck:
        raise InvalidRequest(
            "transition id",
            str(transition_id),
            gettext_noop("has no undo that waits for a person; wait"),
        )
    left = not_undone(rows)
    evidence = {"forced": [row.name for row in stuck], "not_undone": left}
    enter(
        envelope=envelope,
        action=Action.CANCELLING,
        user=user,
        reason=reason,
        evidence=evidence,
        now=now,
    )
    for row in stuck:
        give_up(effect=row.pk, fence=row.fence, user=user, reason=reason, now=now)
    return TransitionEnvelope.objects.get(pk=transition_id), left
