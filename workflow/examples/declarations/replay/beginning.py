"""Bringing the log's declarations under the engine, as drafts, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from workflow.definition import InvalidRequest
from workflow.engine.start import New, start_many
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.replay.people import Roster
from workflow.examples.declarations.replay.plan import Case
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import Record

_TOGETHER = 100


def begin(
    *, cases: Sequence[Case], people: Roster, clock: Callable[[], datetime]
) -> Iterator[dict[str, UUID]]:
    """Start what is missing and yield the record ids under the case ids, some at a time.

    Safe to repeat: a case that was started before, by whatever run, keeps its record.
    """
    for first in range(0, len(cases), _TOGETHER):
        some = cases[first : first + _TOGETHER]
        found = _find(some)
        missing = [case for case in some if case.id not in found]
        if missing:
            try:
                _start(missing, people, clock())
            except InvalidRequest:
                # Another run was quicker for some of them: all or none were started.
                found = _find(some)
                _start([case for case in some if case.id not in found], people, clock())
            found = _find(some)
        yield found


def _find(cases: Sequence[Case]) -> dict[str, UUID]:
    return dict(
        Record.objects.filter(
            workflow=DECLARATION.name, reference__in=[case.id for case in cases]
        ).values_list("reference", "pk")
    )


def _start(cases: Sequence[Case], people: Roster, now: datetime) -> None:
    by_claimant = groupby(
        sorted(cases, key=lambda case: case.claimant), key=lambda case: case.claimant
    )
    for claimant, some in by_claimant:
        user = people.get(*claimant)
        start_many(
            workflow=DECLARATION,
            new=[New(subject=_draft(case, user.pk), reference=case.id) for case in some],
            user=user,
            now=now,
        )


def _draft(case: Case, claimant: int) -> Declaration:
    """Return a declaration as the log has it. The log names no journey and no receipts."""
    return Declaration(
        claimant_id=claimant,
        number=case.number or case.id,
        purpose=case.purpose,
        amount=case.amount,
        expense_date=case.declared_on,
        declared_on=case.declared_on,
        receipts=1,
        budget_number=case.budget,
    )
