"""Where the present state is not what the trail and the history last said.

The guards refuse such changes. Drift is what somebody did who could lift them, or what reached a
domain table by a way that writes no history.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from simple_history.utils import get_history_manager_for_model

from audit.models import Entry
from workflow.definition import registry
from workflow.engine.trail import MOVES, VERSION, Action
from workflow.models import Record, State, TransitionEnvelope


class Drifted(enum.StrEnum):
    """What does not agree."""

    STATUS = "status"
    CAUSE = "last transition"
    UNTOLD = "no trail"
    FIRED = "fired envelope"
    FIELD = "field"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One thing that the record has and the trail or history does not explain."""

    record: Record
    what: Drifted
    name: str
    """Of the field, or the envelope's id; empty otherwise."""

    told: str
    """What trail or history say."""

    found: str
    """What is there."""

    def __str__(self) -> str:
        """Return it as a sentence."""
        which = f"{self.what} {self.name}".strip()
        told = f"{self.told!r}" if self.told else "nothing"
        return f"{self.record}: its {which} is {self.found!r}, and what is written tells {told}"


def drift(*, record: Record) -> list[Drift]:
    """Return all drift of one record, its fields included."""
    return [*drifting(records=Record.objects.filter(pk=record.pk)), *_fields(record)]


def drifting(*, records: QuerySet[Record] | None = None) -> Iterator[Drift]:
    """Yield the records whose status or last transition the trail does not explain.

    The database compares; two statements, and what agrees is not fetched. Fields are not looked
    at: ask `drift` for a record's.
    """
    chosen = Record.objects.all() if records is None else records
    moved = (
        Entry.objects.filter(chain=OuterRef("pk"), action__in=[each.value for each in MOVES])
        .exclude(new="")
        .order_by("-sequence")
    )
    told = chosen.annotate(
        told_status=Subquery(moved.values("new")[:1]),
        told_cause=Subquery(
            moved.filter(transition_id__isnull=False, evidence__contains=VERSION).values(
                "transition_id"
            )[:1]
        ),
    )
    astray = told.filter(
        Q(told_status=None)
        | ~Q(told_status=F("status"))
        | Q(told_cause=None, last_transition__isnull=False)
        | Q(told_cause__isnull=False, last_transition=None)
        | ~Q(told_cause=F("last_transition"))
        & Q(told_cause__isnull=False, last_transition__isnull=False)
    )
    for record in astray.order_by("pk").iterator():
        yield _astray(record)
    yield from _unentered(chosen)


def _astray(record: Any) -> Drift:
    if record.told_status is None:
        return Drift(record=record, what=Drifted.UNTOLD, name="", told="", found=record.status)
    if record.told_status != record.status:
        return Drift(
            record=record,
            what=Drifted.STATUS,
            name="",
            told=record.told_status,
            found=record.status,
        )
    return Drift(
        record=record,
        what=Drifted.CAUSE,
        name="",
        told=str(record.told_cause or ""),
        found=str(record.last_transition_id or ""),
    )


def _unentered(records: QuerySet[Record]) -> Iterator[Drift]:
    """Yield fired envelopes without their entry: a tail that was cut off before a seal had it."""
    entered = Entry.objects.filter(transition_id=OuterRef("pk"), action=Action.FIRED.value)
    lost = (
        TransitionEnvelope.objects.filter(state=State.FIRED, record__in=records)
        .annotate(entered=Subquery(entered.values("sequence")[:1]))
        .filter(entered=None)
        .select_related("record")
    )
    for envelope in lost.order_by("pk").iterator():
        yield Drift(
            record=envelope.record,
            what=Drifted.FIRED,
            name=str(envelope.pk),
            told="",
            found=envelope.target,
        )


def _fields(record: Record) -> Iterator[Drift]:
    model = registry.latest(record.workflow).subject
    history = get_history_manager_for_model(model).model
    subject = model._base_manager.filter(record=record).first()
    row = (
        history.objects.filter(record_id=record.pk)
        .order_by("-history_date", "-history_id")
        .first()
    )
    if subject is None:
        return
    for field in history.tracked_fields:
        found = getattr(subject, field.attname)
        told = None if row is None else getattr(row, field.attname)
        if row is None or found != told:
            yield Drift(
                record=record,
                what=Drifted.FIELD,
                name=field.name,
                told=str(told),
                found=str(found),
            )
