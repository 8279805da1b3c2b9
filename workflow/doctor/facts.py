"""The invariants' short form: what is never true of any record, whatever was killed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from workflow.doctor.finding import Finding, Some
from workflow.models import (
    EFFECT_FINAL,
    FINAL,
    EffectEntry,
    Phase,
    Record,
    State,
    TransitionEnvelope,
)

LATEST = 2000
"""Records that are looked at unless everything is: those that moved last."""

_TOGETHER = 500


def latest() -> list[UUID]:
    """Return the records that moved last."""
    return list(Record.objects.order_by("-status_since").values_list("pk", flat=True)[:LATEST])


def look(*, records: list[UUID] | None) -> Iterator[Finding]:
    """Yield broken invariants.

    Args:
        records: Which to look at; None: all of them, in one statement for each invariant.
    """
    yield from _slots()
    for code, what, rows in _BROKEN:
        some = Some.among(_found(rows(), records))
        if some:
            yield Finding(
                code=code,
                what=f"{some.number} {what}",
                repair="The database was changed past its guards and constraints, or this is a"
                " fault of the engine: keep a copy, stop the workers, and report it with the"
                " bundle of such a record.",
                examples=some.first,
            )


def _slots() -> Iterator[Finding]:
    shared = (
        TransitionEnvelope.objects.in_flight()
        .values("record")
        .annotate(held=Count("pk"))
        .filter(held__gt=1)
        .order_by("record")
        .values_list("record", flat=True)
    )
    some = Some.of(shared)
    if some:
        yield Finding(
            code="slot_shared",
            what=f"{some.number} records have more than one transition in flight.",
            repair="Cancel all but one of each, then put the constraint envelope_slot back.",
            examples=some.first,
        )


def _found(rows: tuple[QuerySet[Any], str], records: list[UUID] | None) -> Iterator[str]:
    query, column = rows
    if records is None:
        yield from (str(each) for each in query.iterator())
        return
    for start in range(0, len(records), _TOGETHER):
        some = records[start : start + _TOGETHER]
        yield from (str(each) for each in query.filter(**{f"{column}__in": some}))


def _misplaced() -> tuple[QuerySet[Any], str]:
    """Records whose last transition is not the fired one that put them there."""
    wrong = (
        Q(last_transition__isnull=True)
        | ~Q(last_transition__state=State.FIRED)
        | ~Q(last_transition__resulting_version=F("version"))
        | ~Q(last_transition__target=F("status"))
        | ~Q(last_transition__record=F("pk"))
    )
    return Record.objects.filter(wrong, version__gt=0), "pk"


def _half_ended() -> tuple[QuerySet[Any], str]:
    wrong = Q(state__in=FINAL, finished_at__isnull=True) | ~Q(state__in=FINAL) & Q(
        finished_at__isnull=False
    )
    return TransitionEnvelope.objects.filter(wrong), "record"


def _for_no_time() -> tuple[QuerySet[Any], str]:
    rows = TransitionEnvelope.objects.filter(state=State.SCHEDULED, due_at__isnull=True)
    return rows, "record"


def _half_ended_calls() -> tuple[QuerySet[Any], str]:
    wrong = Q(state__in=EFFECT_FINAL, finished_at__isnull=True) | ~Q(state__in=EFFECT_FINAL) & Q(
        finished_at__isnull=False
    )
    return EffectEntry.objects.filter(wrong), "envelope__record"


def _fired_too_soon() -> tuple[QuerySet[Any], str]:
    rows = EffectEntry.objects.filter(
        phase=Phase.BEFORE, finished_at__isnull=True, envelope__state=State.FIRED
    )
    return rows, "envelope__record"


def _sent_too_soon() -> tuple[QuerySet[Any], str]:
    rows = EffectEntry.objects.filter(phase=Phase.AFTER).exclude(envelope__state=State.FIRED)
    return rows, "envelope__record"


_BROKEN = (
    ("misplaced", "records stand where no fired transition of theirs put them.", _misplaced),
    ("half_ended", "transitions are ended and not, by their own columns.", _half_ended),
    ("half_ended", "transitions are scheduled, and for no time.", _for_no_time),
    ("half_ended", "downstream calls are ended and not, by their own columns.", _half_ended_calls),
    ("order_broken", "transitions fired before their calls had an outcome.", _fired_too_soon),
    ("order_broken", "calls follow from transitions that have not fired.", _sent_too_soon),
)
