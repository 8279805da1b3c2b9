"""What the decisions on a batch rest on: envelopes, records, subjects, receipts, who made what.

Guards and `apply` look at nothing else; they may not query. So what was decided on these would be
decided on them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models.sql import Query

from audit.compiled import Compiled, Found
from audit.loading import columns, loaded
from workflow.definition import Transition, Workflow, registry
from workflow.engine import duties, hold
from workflow.models import EffectEntry, EffectState, Phase, Tracked, TransitionEnvelope


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What was read for a batch."""

    envelopes: Sequence[TransitionEnvelope]
    """What is left of the claim, each with its record."""

    subjects: Mapping[UUID, Tracked]
    """Domain objects, by record."""

    receipts: Mapping[UUID, Mapping[str, Mapping[str, Any]]]
    """What the before-effects that are done have brought, by envelope and name."""

    makers: Mapping[UUID, duties.Makers]
    """Who has made what bars from these transitions, by record."""

    rows: Sequence[Found]
    """What can change of envelopes and records, and subjects, as they were read."""

    def are_still_there(self, *, ids: Collection[UUID], token: UUID) -> bool:
        """Lock and read again what can have changed; return whether all is as it was.

        Who made what needs no second look: whoever fires another transition raises the version.
        """
        again = [hold.found_again(ids=ids, token=token)]
        again += [_rows(workflow, records) for workflow, records in _wanted(self.envelopes)]
        return again == self.rows and _receipts(self.envelopes) == self.receipts


def read(*, ids: Collection[UUID], token: UUID) -> Grounds:
    """Read what is left of a claim and what its decisions rest on.

    In a transaction, envelopes, records and subjects are locked. One statement for envelopes, and
    for each domain model one, or two where the workflow says what else to load.
    """
    held = hold.found(ids=ids, token=token)
    return _read(held, hold.envelopes_of(held.rows()))


def read_to_compare(*, ids: Collection[UUID], token: UUID) -> Grounds | None:
    """Read it to be compared later; None where a workflow's `load` brings what cannot be."""
    held = hold.found(ids=ids, token=token)
    envelopes = hold.envelopes_of(held.rows())
    if any(workflow.load is not None for workflow, _ in _wanted(envelopes)):
        return None
    return _read(held, envelopes)


def _read(held: Found, envelopes: Sequence[TransitionEnvelope]) -> Grounds:
    found = [hold.can_change(held)]
    subjects: list[Tracked] = []
    for workflow, records in _wanted(envelopes):
        rows = _rows(workflow, records)
        found.append(rows)
        if workflow.load is None:
            subjects += loaded(workflow.subject, rows.rows())
        else:
            # Joins of `load` may be outer ones, which PostgreSQL refuses to lock.
            subjects += workflow.load(workflow.subject._base_manager.filter(record__in=records))
    return Grounds(
        envelopes=envelopes,
        subjects={each.record_id: each for each in subjects if each.record_id is not None},
        receipts=_receipts(envelopes),
        makers=duties.makers_of(_declared(envelopes)),
        rows=found,
    )


def _wanted(
    envelopes: Sequence[TransitionEnvelope],
) -> list[tuple[Workflow[Any, Any], list[UUID]]]:
    """Return the records of each workflow."""
    wanted: dict[tuple[str, int], list[UUID]] = defaultdict(list)
    for envelope in envelopes:
        wanted[envelope.workflow, envelope.definition_version].append(envelope.record_id)
    return [(registry.get(*key), records) for key, records in wanted.items()]


def _rows(workflow: Workflow[Any, Any], records: list[UUID]) -> Found:
    model: type[Tracked] = workflow.subject
    return _SUBJECTS.found(model, records=records)


def _subjects(model: type[Tracked], *, records: list[UUID]) -> Query:
    rows = model._base_manager.filter(record__in=records).order_by("pk").select_for_update()
    return rows.values_list(*columns(model)).query


_SUBJECTS = Compiled(_subjects)


def _declared(
    envelopes: Sequence[TransitionEnvelope],
) -> Iterator[tuple[UUID, Transition[Any, Any]]]:
    for envelope in envelopes:
        workflow = registry.get(envelope.workflow, envelope.definition_version)
        transition = workflow.by_name.get(envelope.transition)
        if transition is not None:
            yield envelope.record_id, transition


def _receipts(
    envelopes: Sequence[TransitionEnvelope],
) -> dict[UUID, dict[str, Mapping[str, Any]]]:
    called = [envelope.transition_id for envelope in envelopes if envelope.called]
    if not called:
        return {}
    done = EffectEntry.objects.filter(
        envelope__in=called, phase=Phase.BEFORE, state=EffectState.DONE
    ).values_list("envelope", "name", "receipt")
    found: dict[UUID, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for envelope, name, receipt in done:
        found[envelope][name] = receipt
    return found
