"""Locking what a step is about to change: envelopes and their records, always in one order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from workflow.definition import registry
from workflow.models import Tracked, TransitionEnvelope


def hold(
    envelopes: QuerySet[TransitionEnvelope], *, skip_locked: bool = False
) -> list[TransitionEnvelope]:
    """Return the envelopes with their records, both locked until the transaction ends.

    Every step locks in the order of record ids, so that no two wait for each other in a circle.

    Args:
        skip_locked: Leave out, where the database can, what another transaction holds.
    """
    skip = skip_locked and connection.features.has_select_for_update_skip_locked
    locked = envelopes.select_related("record").order_by("record_id")
    return list(locked.select_for_update(skip_locked=skip))


_CHANGING = (
    *("state", "due_at", "fence", "claim", "worker", "claimed_at", "attempts", "crashes"),
    *("called", "closing_as", "code", "message", "resulting_version", "finished_at"),
)
"""Fields of an envelope that are not fixed when it is made."""


def hold_again(envelopes: Iterable[TransitionEnvelope]) -> dict[UUID, TransitionEnvelope]:
    """Lock envelopes that were loaded before, with their records, and bring both up to date.

    Only what can have changed is read. Locks as `hold` does.

    Returns:
        One instance of each, under its id.
    """
    known = {envelope.pk: envelope for envelope in envelopes}
    locked = TransitionEnvelope.objects.filter(pk__in=known).select_for_update()
    for pk, status, version, *values in locked.order_by("record_id").values_list(
        "pk", "record__status", "record__version", *_CHANGING
    ):
        vars(known[pk]).update(zip(_CHANGING, values, strict=True))
        vars(known[pk].record).update(status=status, version=version)
    return known


def subjects(envelopes: Collection[TransitionEnvelope]) -> dict[UUID, Tracked]:
    """Return the domain objects of the envelopes' records, locked, under the records' ids.

    One statement for each domain model, or two where the workflow says what else to load.
    """
    wanted: dict[tuple[str, int], list[UUID]] = {}
    for envelope in envelopes:
        key = (envelope.workflow, envelope.definition_version)
        wanted.setdefault(key, []).append(envelope.record_id)
    found: dict[UUID, Tracked] = {}
    for (name, version), records in wanted.items():
        workflow = registry.get(name, version)
        rows = workflow.subject._base_manager.filter(record__in=records)
        locked = list(rows.order_by("pk").select_for_update())
        if workflow.load is not None:
            # Joins of `load` may be outer ones, which PostgreSQL refuses to lock.
            locked = list(workflow.load(rows))
        found |= {subject.record_id: subject for subject in locked}
    return found
