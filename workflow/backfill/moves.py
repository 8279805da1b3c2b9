"""Moving records that a source has moved since they were adopted.

As the database demands it of everybody: each change of status has its own envelope, fired for just
that version. Step by step, the same step of all records together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, OuterRef, Subquery

from audit.chain import Note
from workflow.backfill.plan import Plan
from workflow.engine import timers
from workflow.models import Record, State, TransitionEnvelope


class Moved(Exception):
    """A record that was held has moved all the same; roll back."""


def move(*, plans: Sequence[Plan], now: datetime) -> list[Note]:
    """Fire the plans' moves, whose envelopes are inserted, and return the entries to append.

    Call in the transaction that holds the records. Two statements a step.

    Raises:
        Moved: A compare-and-set missed.
    """
    if not plans:
        return []
    notes = timers.stop(records=[plan.record for plan in plans], now=now)
    for place in range(max(len(plan.moves) for plan in plans)):
        steps = {plan.record: plan.moves[place] for plan in plans if place < len(plan.moves)}
        _fire(plans, place, now)
        version = F("version") + 1
        cause = TransitionEnvelope.objects.filter(
            record=OuterRef("pk"), resulting_version=OuterRef("version") + 1, state=State.FIRED
        )
        moved = Record.objects.filter(pk__in=list(steps)).update(
            status=Subquery(cause.values("target")[:1]),
            last_transition=Subquery(cause.values("pk")[:1]),
            status_since=Subquery(cause.values("happened_at")[:1]),
            version=version,
        )
        if moved != len(steps):
            raise Moved(f"{len(steps)} records were to move, {moved} were there.")
    return notes


def _fire(plans: Sequence[Plan], place: int, now: datetime) -> None:
    ids = [plan.moves[place].placed.id for plan in plans if place < len(plan.moves)]
    current = Record.objects.filter(pk=OuterRef("record_id")).values("version")[:1]
    fired = TransitionEnvelope.objects.filter(pk__in=ids, state=State.SCHEDULED).update(
        state=State.FIRED, finished_at=now, resulting_version=Subquery(current) + 1
    )
    if fired != len(ids):
        raise Moved(f"{len(ids)} envelopes were to fire, {fired} were there.")
