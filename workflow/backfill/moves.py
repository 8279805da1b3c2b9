"""Moving records that a source has moved since they were adopted.

As the database demands it of everybody: each change of status has its own envelope, fired for just
that version. Step by step, the same step of all records together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F, OuterRef, Subquery
from django.db.models.sql import Query

from audit.chain import Note
from audit.compiled import Compiled, change_of
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
        steps = {
            plan.record: plan.moves[place].placed.id for plan in plans if place < len(plan.moves)
        }
        fired = _FIRE.change(ids=list(steps.values()), now=now)
        if fired != len(steps):
            raise Moved(f"{len(steps)} envelopes were to fire, {fired} were there.")
        moved = _MOVE.change(records=list(steps))
        if moved != len(steps):
            raise Moved(f"{len(steps)} records were to move, {moved} were there.")
    return notes


def _fire(*, ids: list[UUID], now: datetime) -> Query:
    current = Record.objects.filter(pk=OuterRef("record_id")).values("version")[:1]
    return change_of(
        TransitionEnvelope.objects.filter(pk__in=ids, state=State.SCHEDULED),
        state=State.FIRED,
        finished_at=now,
        resulting_version=Subquery(current) + 1,
    )


def _move(*, records: list[UUID]) -> Query:
    cause = TransitionEnvelope.objects.filter(
        record=OuterRef("pk"), resulting_version=OuterRef("version") + 1, state=State.FIRED
    )
    return change_of(
        Record.objects.filter(pk__in=records),
        status=Subquery(cause.values("target")[:1]),
        last_transition=Subquery(cause.values("pk")[:1]),
        status_since=Subquery(cause.values("happened_at")[:1]),
        version=F("version") + 1,
    )


_FIRE = Compiled(_fire)
_MOVE = Compiled(_move)
