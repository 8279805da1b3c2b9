"""Taking effects back from workers that will not bring their outcome."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from workflow.definition import registry
from workflow.effects import line
from workflow.effects.answer import Answer, Died
from workflow.effects.claim import known
from workflow.effects.perform import kind
from workflow.effects.settle import Settled, settle
from workflow.engine.boundary import Boundary, reach
from workflow.engine.correlation import facts_of
from workflow.engine.hold import hold
from workflow.models import EffectEntry, TransitionEnvelope
from workflow.models.effect_entry import EffectQuerySet

log = structlog.get_logger(__name__)

_TOGETHER = 100


def rescue(*, now: datetime) -> int:
    """End the claims whose lease ran out; return how many.

    Each of them may have been sent: its doubt is resolved as its effect declares. Any number of
    workers may call this at once.
    """
    return _end(EffectEntry.objects.expired(now=now), now)


def rescue_cluster(*, cluster: str, now: datetime) -> int:
    """End the claims of a cluster that is known to be dead, without waiting for its leases.

    Call only once every process of the cluster is gone.
    """
    held = EffectEntry.objects.filter(
        finished_at__isnull=True, claim__isnull=False, worker__startswith=f"{cluster}/"
    )
    total = 0
    while ended := _end(held, now):
        total += ended
    return total


def _end(which: EffectQuerySet, now: datetime) -> int:
    chosen = list(
        known(which, registry.fixed_versions())
        .order_by("due_at")
        .values_list("pk", "envelope")[:_TOGETHER]
    )
    if not chosen:
        return 0
    with transaction.atomic():
        held = hold(TransitionEnvelope.objects.filter(pk__in={each for _, each in chosen}))
        envelopes = {envelope.pk: envelope for envelope in held}
        # The condition is asked again under lock: another worker may have been quicker.
        rows = which.filter(pk__in=[pk for pk, _ in chosen]).order_by("pk").select_for_update()
        settled = [_died(row, envelopes, now) for row in rows]
        if settled:
            settle(settled=settled, now=now)
            line.bring_forward(done=[each.entry for each in settled], now=now)
        reach(Boundary.RESCUE_WRITTEN)
    reach(Boundary.RESCUE_COMMITTED)
    for each in settled:
        log.warning(
            "effect.rescued",
            effect=each.entry.name,
            key=each.entry.key,
            state=str(each.entry.state),
            **{
                **facts_of(each.entry.envelope),
                "worker": each.answer.by,
                "attempt": each.entry.fence,
            },
        )
    return len(settled)


def _died(row: EffectEntry, envelopes: dict[UUID, TransitionEnvelope], now: datetime) -> Settled:
    row.envelope = envelopes[row.envelope_id]
    return Settled(
        entry=row,
        answer=Answer(
            kind=kind(row),
            what=Died(),
            by=row.worker,
            started_at=row.claimed_at or now,
            ended_at=now,
        ),
    )
