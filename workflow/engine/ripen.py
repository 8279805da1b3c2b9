"""Turning scheduled envelopes into waiting ones when their time has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from workflow.engine.boundary import Boundary, reach
from workflow.engine.hold import hold
from workflow.models import State, TransitionEnvelope

_TOGETHER = 100
_LATER = timedelta(seconds=5)
"""How soon to look again for a record that has another transition in flight."""


def ripen(*, now: datetime) -> int:
    """Give ripe envelopes their record's slot, or look again later where it is taken.

    Returns:
        How many were looked at; 0 when nothing is ripe.

    Raises:
        IntegrityError: A request took a slot at the same moment; nothing changed, call again.
    """
    ripe = TransitionEnvelope.objects.ripe(now=now)
    chosen = list(ripe.order_by("due_at").values_list("pk", flat=True)[:_TOGETHER])
    if not chosen:
        return 0
    with transaction.atomic():
        _ripen(ripe.filter(pk__in=chosen), now)
        reach(Boundary.RIPEN_WRITTEN)
    reach(Boundary.RIPEN_COMMITTED)
    return len(chosen)


def _ripen(ripe: QuerySet[TransitionEnvelope], now: datetime) -> None:
    others = TransitionEnvelope.objects.in_flight().filter(record=OuterRef("record"))
    held = hold(ripe, skip_locked=True)
    taken = ripe.annotate(taken_by=Subquery(others.values("pk")[:1]))  # as in `known`
    busy = set(taken.filter(taken_by__isnull=False).values_list("record_id", flat=True))
    ready: list[UUID] = []
    later: list[UUID] = []
    for envelope in held:
        (later if envelope.record_id in busy else ready).append(envelope.pk)
        busy.add(envelope.record_id)
    TransitionEnvelope.objects.filter(pk__in=ready).update(state=State.WAITING)
    TransitionEnvelope.objects.filter(pk__in=later).update(due_at=now + _LATER)
