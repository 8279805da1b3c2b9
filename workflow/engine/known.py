"""What is read of records before a request is judged: quickly without a lock, or with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery
from django.db.models.sql import Query

from audit import chain
from audit.compiled import Compiled
from audit.loading import columns, loaded
from workflow.definition import Transition, registry
from workflow.engine import duties
from workflow.engine.judge import Known
from workflow.engine.request import Request
from workflow.models import Record, TransitionEnvelope


def undisturbed(requests: Sequence[Request]) -> tuple[Known, dict[UUID, chain.Head]]:
    """Read, without a lock, the records that nothing stands in the way of, and their chains' ends.

    One statement. Where something does, the record is left out, as if it did not exist.
    """
    found = _LOOK.rows(
        records=[each.record for each in requests],
        ids=[each.transition_id for each in requests],
    )
    free: list[Sequence[Any]] = []
    ends: dict[UUID, chain.Head] = {}
    for *row, taken_by, is_known, end in found:
        if taken_by is not None or is_known:
            continue
        free.append(row)
        if end is not None:
            ends[row[0]] = chain.head_of(end)
    by_record = {record.pk: record for record in loaded(Record, free)}
    makers = duties.makers_of(_declared(requests, by_record))
    return Known(records=by_record, twins={}, in_flight={}, makers=makers), ends


def _quick_look(*, records: list[UUID], ids: list[UUID]) -> Query:
    # No `Exists`: a planner that takes a quieter hour for the present reads all that is in flight
    # for it, once for the statement, instead of looking each record up.
    in_flight = TransitionEnvelope.objects.in_flight().filter(record=OuterRef("pk"))
    return (
        Record.objects.filter(pk__in=records)
        .annotate(
            taken_by=Subquery(in_flight.values("pk")[:1]),
            is_known=Exists(TransitionEnvelope.objects.filter(pk__in=ids)),
            end=chain.end(of="pk"),
        )
        .values_list(*columns(Record), "taken_by", "is_known", "end")
        .query
    )


_LOOK = Compiled(_quick_look)


def known_of(requests: Sequence[Request]) -> Known:
    """Read all that counts, with the records locked."""
    records = Record.objects.filter(pk__in={each.record for each in requests})
    records = records.order_by("pk").select_for_update()
    ids = {each.transition_id for each in requests}
    by_record = {record.pk: record for record in records}
    same = TransitionEnvelope.objects.filter(pk__in=ids)
    busy = TransitionEnvelope.objects.in_flight().filter(record__in=list(by_record))
    found = list(same.union(busy))
    return Known(
        records=by_record,
        twins={each.pk: each for each in found if each.pk in ids},
        in_flight={each.record_id: each for each in found if each.is_in_flight},
        makers=duties.makers_of(_declared(requests, by_record)),
    )


def _declared(
    requests: Sequence[Request], records: Mapping[UUID, Record]
) -> Iterator[tuple[UUID, Transition[Any, Any]]]:
    """Yield the transitions that are asked for, as far as they are known."""
    known = registry.versions()
    for request in requests:
        record = records.get(request.record)
        if record is not None and record.workflow in known:
            transition = registry.latest(record.workflow).by_name.get(request.transition)
            if transition is not None:
                yield record.pk, transition
