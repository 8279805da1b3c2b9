"""What the database knows of some records: where they stand, and what of their past it has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from audit.models import Entry
from workflow.models import Origin, Record, State, TransitionEnvelope
from workflow.models.backfill import BackfillReject


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """An event that was adopted before."""

    digest: str
    position: int
    happened_at: datetime
    target: str
    run: UUID


@dataclass(kw_only=True, slots=True)
class Present:
    """A record that is here already."""

    record: Record
    earlier: dict[UUID, Earlier] = field(default_factory=dict)
    in_flight: str = ""
    """What holds its slot, in words; filled in only under lock."""

    has_moved_live: bool = False
    """Whether anything but a backfill moved it; filled in only under lock."""

    started_in: str = ""
    """Status in which it came under the engine; filled in only under lock."""


@dataclass(kw_only=True, slots=True)
class Known:
    """What is known of some references."""

    present: dict[str, Present]
    rejects: dict[UUID, UUID]
    """Open rejects: their run, by their id."""


def _spares_keys() -> bool:
    """Return whether a row can be held against changes, and still be pointed to.

    A request that is being accepted holds its place in the record's chain and, at its commit, has
    the record's key looked at. A batch that held the key as well, and waited for that place,
    would wait in a circle with it, and the database would end one of the two.
    """
    return connection.features.has_select_for_no_key_update


def known(*, workflow: str, references: Collection[str], is_held: bool = False) -> Known:
    """Look what is there. Three statements; some more where the records are held.

    Args:
        is_held: Lock the records, in the order in which everybody locks them, and see what else
            has moved them. It waits for whoever holds one: a live transition comes first. Call
            in a transaction.
    """
    records = Record.objects.filter(workflow=workflow, reference__in=references)
    if is_held:
        records = records.order_by("pk").select_for_update(no_key=_spares_keys())
    present = {record.reference: Present(record=record) for record in records}
    _earlier(present)
    if is_held:
        _live(present)
    rejects = BackfillReject.objects.filter(
        workflow=workflow, reference__in=references, resolved_at__isnull=True
    )
    return Known(present=present, rejects=dict(rejects.values_list("pk", "run")))


def _earlier(present: dict[str, Present]) -> None:
    if not present:
        return
    by_record = {each.record.pk: each for each in present.values()}
    adopted = TransitionEnvelope.objects.filter(
        record__in=list(by_record), source_run__isnull=False
    ).values_list(
        "record", "pk", "digest", "source_position", "happened_at", "target", "source_run"
    )
    for record, pk, digest, position, happened_at, target, run in adopted:
        assert happened_at is not None  # what has a run has its time
        assert run is not None
        by_record[record].earlier[pk] = Earlier(
            digest=digest,
            position=position or 0,
            happened_at=happened_at,
            target=target,
            run=run,
        )


def _live(present: dict[str, Present]) -> None:
    by_record = {each.record.pk: each for each in present.values()}
    for busy in TransitionEnvelope.objects.in_flight().filter(record__in=list(by_record)):
        by_record[busy.record_id].in_flight = f"{busy.transition!r} is {busy.state}"
    first: dict[UUID, UUID] = {}
    for record, pk, version, origin in TransitionEnvelope.objects.filter(
        record__in=list(by_record), state=State.FIRED
    ).values_list("record", "pk", "resulting_version", "origin"):
        by_record[record].has_moved_live |= origin != Origin.BACKFILL
        if version == 1:
            first[pk] = record
    for each in present.values():
        each.started_in = each.record.status
    for entered, old in Entry.objects.filter(
        transition_id__in=list(first), action__in=["fired", "reconstructed"]
    ).values_list("transition_id", "old"):
        if entered is not None:
            by_record[first[entered]].started_in = old
