"""Putting calls in doubt that may have been made before a restore: none is sent blindly."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from workflow.definition import Actor, Unknown
from workflow.effects.answer import Answer
from workflow.effects.settle import Settled, settle
from workflow.engine.hold import hold
from workflow.engine.plan import RESTORED
from workflow.models import (
    Doubt,
    EffectEntry,
    EffectState,
    Kind,
    TransitionEnvelope,
)

_TOGETHER = 100


def doubtful() -> QuerySet[EffectEntry]:
    """Return the calls that would be sent without a question, and whose downstream would do it.

    Those that are being sent, checked or waited for have their doubt in their state already, and
    those that are sent again under a key that is honoured need none.
    """
    return EffectEntry.objects.filter(
        finished_at__isnull=True,
        claim__isnull=True,
        is_doubtful=False,
        state__in=[EffectState.WAITING, EffectState.PARKED],
    ).exclude(recovery=Doubt.RESEND)


def doubt(*, by: str, now: datetime) -> int:
    """Put them in doubt: what can be asked will be asked, for the rest a person looks.

    The engine's own step for a call that may have happened, entered in the trail. Safe to repeat.
    """
    done = 0
    while chosen := list(doubtful().order_by("pk").values_list("pk", "envelope")[:_TOGETHER]):
        done += _batch(chosen, by, now)
    return done


@transaction.atomic
def _batch(chosen: list[tuple[int, UUID]], by: str, now: datetime) -> int:
    held = hold(TransitionEnvelope.objects.filter(pk__in={envelope for _, envelope in chosen}))
    envelopes = {envelope.pk: envelope for envelope in held}
    rows = doubtful().filter(pk__in=[pk for pk, _ in chosen]).order_by("pk").select_for_update()
    settled = []
    for row in rows:
        row.envelope = envelopes[row.envelope_id]
        answer = Answer(
            kind=Kind.PERSON,
            what=Unknown(reason=RESTORED, code="restored"),
            by=by,
            started_at=now,
            ended_at=now,
            evidence={"was": str(row.state)},
        )
        settled.append(Settled(entry=row, answer=answer))
    actor = Actor(id=None, label=by[:150])
    settle(settled=settled, actor=actor, reason="The database was restored.", now=now)
    return len(settled)
