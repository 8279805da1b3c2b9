"""Invariant 7: killed at any statement of a commit, everything of it is there, or nothing.

`Killed` is what a SIGKILL is to a transaction: nobody handles it, and the connection is gone. Real
kills, at instants that nobody chooses, are in `tests/crash`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from audit.models import Entry
from audit.verify import verify_all
from tests.engine.conftest import Ask, Make
from tests.engine.probe import Script
from workflow.definition import Context, Permanent, Retryable
from workflow.engine import clock
from workflow.engine.claim import Claim, claim
from workflow.engine.commit import work_off
from workflow.engine.limits import limits
from workflow.engine.rescue import hand_back, rescue
from workflow.examples.declarations.models import Declaration
from workflow.models import Attempt, Record, TransitionEnvelope

pytestmark = pytest.mark.django_db(transaction=True)

_MANY = 60
"""More statements than any of these steps takes."""


class Killed(BaseException):
    """The process died."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Die in place of the n-th statement from here, counted from 1, and at all that follow."""
    seen = itertools.count(1)

    def die(execute: Callable[..., Any], *arguments: Any) -> Any:
        if next(seen) >= statement:
            raise Killed
        return execute(*arguments)

    try:
        with connection.execute_wrapper(die):
            yield
    finally:
        connection.close()


def open_and_note(context: Context[Declaration]) -> None:
    context.subject.purpose = "changed"


def not_today(context: Context[Declaration]) -> None:
    raise Retryable("not today")


def never(context: Context[Declaration]) -> None:
    raise Permanent("never")


def commit(batch: Claim) -> None:
    work_off(claim=batch, clock=clock.now)


def die_of_age(batch: Claim) -> None:
    rescue(now=clock.now() + limits().lease + timedelta(seconds=1))


def give_back(batch: Claim) -> None:
    hand_back(claim=batch, now=clock.now())


def traces(name: UUID) -> dict[str, Any]:
    """Return all that an attempt leaves behind, wherever it is kept."""
    envelope = TransitionEnvelope.objects.select_related("record").get(pk=name)
    subject = Declaration.objects.get(record=envelope.record_id)
    return {
        "envelope": (envelope.state, envelope.attempts, envelope.code, envelope.finished_at),
        "version made": envelope.resulting_version,
        "record": (envelope.record.status, envelope.record.version),
        "last transition": envelope.record.last_transition_id,
        "fields": subject.purpose,
        "history": subject.history.filter(transition_id=name).count(),
        "entries": list(Entry.objects.filter(transition_id=name).values_list("action", flat=True)),
        "attempts": list(Attempt.objects.filter(envelope=name).values_list("ending", flat=True)),
        "timers": sorted(
            TransitionEnvelope.objects.filter(record=envelope.record_id, origin="timer")
            .values_list("transition", "state")
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("act", "script_of", "amount", "changed"),
    [
        (
            commit,
            {"apply": open_and_note},
            1,
            {
                *("envelope", "version made", "record", "last transition"),
                *("fields", "history", "entries", "attempts", "timers"),
            },
        ),
        (commit, {}, -1, {"envelope", "entries", "attempts"}),
        (commit, {"guard": not_today}, 1, {"envelope", "entries", "attempts"}),
        (commit, {"guard": never}, 1, {"envelope", "entries", "attempts"}),
        (die_of_age, {}, 1, {"envelope", "entries", "attempts"}),
        (give_back, {}, 1, {"envelope", "entries", "attempts"}),
    ],
    ids=["fired", "refused", "retried", "parked", "died", "handed back"],
)
def test_killed_at_any_statement_it_is_whole_or_not_begun(
    make: Make,
    ask: Ask,
    script: Script,
    act: Callable[[Claim], None],
    script_of: dict[str, Callable[[Context[Declaration]], None]],
    amount: int,
    changed: set[str],
) -> None:
    name = uuid4()
    for part, handler in script_of.items():
        getattr(script, part)[name] = handler
    record = make(amount=Decimal(amount))
    ask(record, transition_id=name)
    batch = claim(worker="w/1", now=clock.now())
    assert batch is not None
    before = traces(name)

    for statement in range(1, _MANY):
        try:
            with killed_at(statement):
                act(batch)
        except Killed:
            assert traces(name) == before, f"killed at statement {statement}"
        else:
            break

    after = traces(name)
    assert {what for what in before if before[what] != after[what]} == changed
    assert statement > 5, "it was never killed in the middle"
    assert Record.objects.get(pk=record.pk).version == after["record"][1]
    assert verify_all().is_sound
