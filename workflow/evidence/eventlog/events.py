"""What happened to records, read for export: one page of records at a time, in flat memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from audit.models import Entry
from audit.personal import revealed
from workflow.definition import registry
from workflow.engine.trail import Action
from workflow.models import Record

_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is exported: the fired transitions of one workflow, in a period."""

    workflow: str
    since: datetime | None = None
    until: datetime | None = None
    """Before this time; None: to the end."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One fired transition."""

    id: str
    """Chain and sequence of its entry: the way back to the evidence."""

    activity: str
    """The transition's name, which tells transitions apart where labels do not."""

    label: str
    at: datetime
    actor_id: str
    actor: str
    old: str
    new: str
    reason: str
    transition_id: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A record and its events in their order."""

    id: UUID
    reference: str
    status: str
    created_at: datetime
    events: Sequence[Event]


def cases(selection: Selection) -> Iterator[Case]:
    """Yield the records that have an event in the selection, in the order of their making."""
    labels = _labels(selection.workflow)
    after: UUID | None = None
    while True:
        records = Record.objects.filter(workflow=selection.workflow).order_by("pk")
        if after is not None:
            records = records.filter(pk__gt=after)
        page = list(records[:_PAGE])
        if not page:
            return
        events = _events(selection, [record.pk for record in page], labels)
        for record in page:
            if record.pk in events:
                yield Case(
                    id=record.pk,
                    reference=record.reference,
                    status=record.status,
                    created_at=record.created_at,
                    events=events[record.pk],
                )
        after = page[-1].pk


def _events(
    selection: Selection, chains: list[UUID], labels: dict[str, str]
) -> dict[UUID, list[Event]]:
    entries = Entry.objects.filter(
        chain__in=chains, action__in=[Action.FIRED.value, Action.RECONSTRUCTED.value]
    )
    if selection.since is not None:
        entries = entries.filter(at__gte=selection.since)
    if selection.until is not None:
        entries = entries.filter(at__lt=selection.until)
    ordered = revealed(entries.order_by("chain", "sequence"))
    return {
        # History was entered later than it happened, perhaps after what happened here.
        chain: sorted((_event(entry, labels) for entry in some), key=lambda event: event.at)
        for chain, some in groupby(ordered, key=lambda entry: entry.chain)
    }


def _time(entry: Entry, evidence: Mapping[str, Any]) -> datetime:
    """Return when it happened: for history, as its source tells."""
    told = evidence.get("happened_at")
    return entry.at if told is None else datetime.fromisoformat(str(told))


def _event(entry: Entry, labels: dict[str, str]) -> Event:
    evidence: dict[str, Any] = json.loads(entry.evidence) if entry.evidence else {}
    activity = str(evidence.get("transition", entry.action))
    return Event(
        id=f"{entry.chain.hex}-{entry.sequence}",
        activity=activity,
        label=labels.get(activity, activity),
        at=_time(entry, evidence),
        actor_id=entry.actor_id,
        actor=entry.actor,
        old=entry.old,
        new=entry.new,
        reason=entry.reason,
        transition_id="" if entry.transition_id is None else entry.transition_id.hex,
    )


def _labels(workflow: str) -> dict[str, str]:
    return {
        transition.name: transition.label
        for definition in registry.everything()
        if definition.name == workflow
        for transition in definition.transitions
    }
