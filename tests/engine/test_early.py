"""What is decided before SQLite's write lock holds only if it rests on what is found under it.

On the other databases nothing is decided early; what is expected of the outcomes is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from audit import chain
from audit.models import Entry
from audit.verify import verify_all
from tests.engine import probe
from tests.engine.conftest import Ask, Make, actions
from tests.engine.probe import Script
from workflow.definition import registry
from workflow.engine import clock, commit
from workflow.engine.limits import limits
from workflow.engine.rescue import rescue
from workflow.examples.declarations.models import Declaration
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def meanwhile(do: Callable[[], object]) -> Iterator[None]:
    """Do something between the early decision and the lock, once."""
    decided_early = commit.decided_early
    waiting = [do]

    def and_then(**what: Any) -> Any:
        early = decided_early(**what)
        while waiting:
            waiting.pop()()
        return early

    commit.decided_early = and_then
    try:
        yield
    finally:
        commit.decided_early = decided_early


def no_amount() -> None:
    Declaration.objects.update(amount=0)


def lease_over() -> None:
    assert rescue(now=clock.now() + limits().lease + timedelta(seconds=1)) == 1


@pytest.mark.parametrize(
    ("change", "outcome"), [(no_amount, "refused"), (lease_over, "late")], ids=["field", "claim"]
)
def test_what_has_changed_meanwhile_is_decided_again(
    make: Make, ask: Ask, change: Callable[[], None], outcome: str
) -> None:
    record = make(amount=Decimal("12.50"))
    ask(record)
    with meanwhile(change):
        assert drain()[outcome] == 1
    record.refresh_from_db()
    assert (record.status, record.version) == ("new", 0)
    assert not Entry.objects.filter(action="fired").exists()
    assert verify_all(chain=record.pk).is_sound


def test_an_entry_that_came_meanwhile_is_followed(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    note = chain.Note(chain=record.pk, at=clock.now(), action="denied", actor="somebody")

    def append() -> None:
        with transaction.atomic():
            chain.append([note])

    with meanwhile(append):
        assert drain() == {"fired": 1}
    assert actions(record) == ["started", "requested", "denied", "fired"]
    assert verify_all(chain=record.pk).is_sound


def where_decided(script: Script, name: UUID) -> list[bool]:
    """Have a guard write down, each time it is asked, whether a transaction is open."""
    asked: list[bool] = []
    script.guard[name] = lambda _: asked.append(connection.in_atomic_block)
    return asked


def test_it_is_decided_once_and_outside_of_the_write_lock(
    make: Make, ask: Ask, script: Script
) -> None:
    name = uuid4()
    asked = where_decided(script, name)
    ask(make(), transition_id=name)
    assert drain() == {"fired": 1}
    assert asked == [connection.vendor != "sqlite"]


def test_and_again_inside_if_it_has_changed(make: Make, ask: Ask, script: Script) -> None:
    name = uuid4()
    asked = where_decided(script, name)
    ask(make(), transition_id=name)
    with meanwhile(lambda: Declaration.objects.update(purpose="another")):
        assert drain() == {"fired": 1}
    assert asked == ([False, True] if connection.vendor == "sqlite" else [True])
    (row,) = Declaration.history.filter(transition_id=name)
    assert row.purpose == "another"


def test_what_a_workflow_loads_is_decided_on_under_the_lock(
    make: Make, ask: Ask, script: Script
) -> None:
    registry.unregister(probe.PROBE)
    registry.register(replace(probe.PROBE, load=lambda rows: rows.select_related("claimant")))
    name = uuid4()
    asked = where_decided(script, name)
    ask(make(), transition_id=name)
    assert drain() == {"fired": 1}
    assert asked == [True]
