"""Comparing what was adopted with what the source says, before one relies on it.

Everything that differs is listed: records that are missing, in another status, with other fields,
or that the source does not know; events that were rejected or are missing. And the steps from one
event to the next are counted on both sides, which shows what no single record does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

from workflow.backfill.mapping import AnyMapping, Case, Told
from workflow.backfill.spool import Spool
from workflow.definition import registry
from workflow.models import (
    BackfillReject,
    Origin,
    Record,
    State,
    Tracked,
    TransitionEnvelope,
)

_TOGETHER = 200


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is not here as the source has it."""

    reference: str
    kind: str
    source: str
    here: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.reference}: {self.kind}: source {self.source}, here {self.here}"


@dataclass(kw_only=True)
class Compared:
    """What a comparison saw."""

    records: int = 0
    events: int = 0
    equal: int = 0
    """Records without any difference."""

    steps_of_source: Counter[tuple[str, str]] = field(default_factory=Counter)
    steps_here: Counter[tuple[str, str]] = field(default_factory=Counter)

    def differing_steps(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return how often one event follows another, in the source and here, where it differs."""
        pairs = sorted({*self.steps_of_source, *self.steps_here})
        both = {pair: (self.steps_of_source[pair], self.steps_here[pair]) for pair in pairs}
        return {pair: (there, here) for pair, (there, here) in both.items() if there != here}


@dataclass(kw_only=True)
class _Here:
    """What the database has of one record."""

    record: Record | None = None
    moved_by: str = ""
    adopted: dict[UUID, tuple[int, int, str]] = field(default_factory=dict)
    """Position, row, transition."""

    rejected: dict[UUID, tuple[int, int, str, str]] = field(default_factory=dict)
    """Position, row, transition, code."""

    subject: Tracked | None = None


class Shadow:
    """Compares one source under one mapping."""

    def __init__(self, *, mapping: AnyMapping, spool: Spool) -> None:
        self._mapping = mapping
        self._spool = spool
        self._model: type[Tracked] = registry.latest(mapping.workflow).subject
        self.compared = Compared()

    def differences(self) -> Iterator[Difference]:
        """Yield every difference; `compared` is complete afterwards."""
        cases = self._spool.cases()
        while batch := list(islice(cases, _TOGETHER)):
            here = self._here([case.reference for case in batch])
            for case in batch:
                found = list(self._of(case, here[case.reference]))
                self.compared.records += 1
                self.compared.equal += not found
                yield from found
        yield from self._unknown_to_source()

    def _of(self, case: Case, here: _Here) -> Iterator[Difference]:
        events = {self._id(told): told for told in case.events}
        self.compared.events += len(events)
        self._count_steps(list(events.values()), here)
        for pk, told in events.items():
            if pk not in here.adopted:
                code = here.rejected[pk][3] if pk in here.rejected else "missing"
                what = f"{told.event.transition} in row {told.row}"
                yield self._difference(case, "event", what, code)
        last = next(reversed(events.values()))
        status = self._status(last)
        if here.record is None:
            yield self._difference(case, "record", status, "missing")
        elif here.moved_by:
            if here.record.status != status:
                what = f"{here.record.status}, moved here by {here.moved_by}"
                yield self._difference(case, "status", status, what)
        else:
            if here.record.status != status:
                yield self._difference(case, "status", status, here.record.status)
            yield from self._fields(
                case, [events[pk] for pk in events if pk in here.adopted], here
            )

    def _fields(self, case: Case, adopted: list[Told], here: _Here) -> Iterator[Difference]:
        if not self._mapping.compared:
            return
        if here.subject is None:
            yield self._difference(case, "subject", "told of", "missing")
            return
        told = self._mapping.subject(case)
        for event in adopted:
            self._mapping.apply(told, event)
        for name in self._mapping.compared:
            theirs, ours = getattr(told, name), getattr(here.subject, name)
            if theirs != ours:
                yield self._difference(case, name, str(theirs), str(ours))

    def _status(self, told: Told) -> str:
        event = told.event
        if event.status:
            return event.status
        transition = self._mapping.definition(event.happened_at).by_name.get(event.transition)
        return f"unknown ({event.transition})" if transition is None else transition.target.value

    def _count_steps(self, events: Sequence[Told], here: _Here) -> None:
        theirs = [told.event.transition for told in events]
        placed = sorted(
            [*here.adopted.values(), *(each[:3] for each in here.rejected.values())],
        )
        self.compared.steps_of_source.update(pairwise(["", *theirs, ""]))
        if placed:
            ours = [transition for _, _, transition in placed]
            self.compared.steps_here.update(pairwise(["", *ours, ""]))

    def _here(self, references: Sequence[str]) -> dict[str, _Here]:
        found: dict[str, _Here] = defaultdict(_Here)
        by_record: dict[UUID, _Here] = {}
        records = Record.objects.filter(workflow=self._mapping.workflow, reference__in=references)
        for record in records:
            found[record.reference].record = record
            by_record[record.pk] = found[record.reference]
        envelopes = TransitionEnvelope.objects.filter(record__in=list(by_record))
        for record_id, pk, position, row, transition in envelopes.filter(
            source_run__isnull=False
        ).values_list("record", "pk", "source_position", "source_row", "transition"):
            by_record[record_id].adopted[pk] = (position or 0, row or 0, transition)
        live = envelopes.filter(state=State.FIRED).exclude(origin=Origin.BACKFILL)
        for record_id, transition in live.order_by("resulting_version").values_list(
            "record", "transition"
        ):
            by_record[record_id].moved_by = transition
        for each in BackfillReject.objects.filter(
            workflow=self._mapping.workflow, reference__in=references, resolved_at__isnull=True
        ):
            place = (each.source_position or 0, each.source_row, each.transition, each.code)
            found[each.reference].rejected[each.pk] = place
        for subject in self._model._base_manager.filter(record__in=list(by_record)):
            if subject.record_id is not None:
                by_record[subject.record_id].subject = subject
        return found

    def _unknown_to_source(self) -> Iterator[Difference]:
        adopted = TransitionEnvelope.objects.filter(
            source_run__mapping=self._mapping.name, source_position=1
        ).values_list("record__reference", flat=True)
        for reference in adopted.order_by("pk").iterator(chunk_size=_TOGETHER):
            if not self._spool.has(reference):
                yield Difference(
                    reference=reference, kind="record", source="missing", here="adopted"
                )

    def _id(self, told: Told) -> UUID:
        return self._mapping.transition_id(told.event.reference, told.event.id)

    def _difference(self, case: Case, kind: str, source: Any, here: str) -> Difference:
        return Difference(reference=case.reference, kind=kind, source=str(source), here=here)
