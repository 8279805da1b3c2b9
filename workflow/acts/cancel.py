"""Taking a requested transition back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_noop

from workflow.acts.held import checked_reason, enter, held
from workflow.definition import InvalidRequest
from workflow.effects import compensate, follow
from workflow.engine.announce import announce
from workflow.engine.trail import Action
from workflow.models import (
    Attempt,
    EffectEntry,
    EffectState,
    Ending,
    Phase,
    State,
    TransitionEnvelope,
)

CANCELLABLE = (State.SCHEDULED, State.WAITING, State.RUNNING, State.CALLING, State.PARKED)

_UNFIT = gettext_noop(
    "is %(state)s; only one that is scheduled, waiting, running, calling downstream or parked can"
    " be cancelled"
)


@transaction.atomic
def cancel(
    *,
    transition_id: UUID,
    user: AbstractBaseUser,
    reason: str,
    now: datetime,
    fence: int | None = None,
) -> TransitionEnvelope:
    """Take back an envelope that has not fired.

    Where nothing was done downstream, it is cancelled when this returns. Otherwise it is
    *undoing*: what its before-effects did is taken back first, and it stays *calling* until the
    call under way has an outcome. A worker that holds it comes late and writes nothing.

    Args:
        fence: What the person saw; if it was taken up again since, they are told to look.

    Raises:
        InvalidRequest: It is done, no reason is given, or one of its effects is in doubt.
    """
    reason = checked_reason(reason)
    envelope = held(transition_id, CANCELLABLE, _UNFIT, fence)
    _refuse_in_doubt(envelope)
    was = State(envelope.state)
    if was == State.RUNNING:
        _overtake(envelope, now)
    envelope.code = "cancelled"
    envelope.message = reason
    if envelope.called:
        compensate.end(envelope=envelope, as_=State.CANCELLED, now=now)
    else:
        envelope.state = State.CANCELLED
        envelope.due_at = None
        envelope.finished_at = now
    envelope.save(
        update_fields=[*follow.CHANGED, "finished_at", "claim"],
    )
    action = Action.CANCELLED if envelope.is_final else Action.CANCELLING
    evidence = {"was": str(was), "state": str(envelope.state)}
    enter(envelope=envelope, action=action, user=user, reason=reason, evidence=evidence, now=now)
    transaction.on_commit(announce, robust=True)
    return envelope


def _refuse_in_doubt(envelope: TransitionEnvelope) -> None:
    in_doubt = EffectEntry.objects.filter(
        envelope=envelope, phase=Phase.BEFORE, state=EffectState.IN_DOUBT
    ).first()
    if in_doubt is not None:
        raise InvalidRequest(
            "transition id",
            str(envelope.pk),
            gettext_noop("its call “%(call)s” is in doubt; settle that first, then cancel"),
            facts={"call": in_doubt.name.replace("_", " ")},
        )


def _overtake(envelope: TransitionEnvelope, now: datetime) -> None:
    """End the claim of a worker that holds it; its commit will find nothing of its own."""
    Attempt.objects.create(
        envelope=envelope,
        fence=envelope.fence,
        worker=envelope.worker,
        started_at=envelope.claimed_at or now,
        ended_at=now,
        ending=Ending.CANCELLED,
    )
    envelope.claim = None
