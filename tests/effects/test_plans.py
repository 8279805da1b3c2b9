"""Looks into the queue take a few steps, whatever the planner's statistics say of another hour."""

from __future__ import annotations

from copy import copy
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.chain import append, heads
from tests.audit.rows import note as said
from tests.effects.errand import ERRAND
from tests.many import ask_many
from tests.plans import rows_read
from workflow.definition import registry
from workflow.effects import channels, claim
from workflow.engine import clock, fire, known
from workflow.engine.claim import claim as take_up
from workflow.engine.commit import work_off
from workflow.models import EffectEntry, State, TransitionEnvelope, uuid7
from workflow.testing.drain import drain

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="has statistics to be misled by"
    ),
]

MANY = 800
FEW = 60


def letters(ann: User, count: int) -> None:
    """Ask for so many letters."""
    ask_many(workflow=ERRAND, transition="send_letter", user=ann, count=count)


def decide_all() -> None:
    """Fire what was asked for; the calls that follow wait."""
    while batch := take_up(worker="w/1", now=clock.now(), limit=200):
        work_off(claim=batch, clock=clock.now)


def analyze() -> None:
    with connection.cursor() as cursor:
        for model in (TransitionEnvelope, EffectEntry):
            cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}")


@pytest.fixture
def backlog(ann: User) -> None:
    """Many calls wait, and the statistics are those of an hour in which none did."""
    letters(ann, FEW)
    drain()
    analyze()
    letters(ann, MANY)
    decide_all()
    assert EffectEntry.objects.ready(now=clock.now()).count() == MANY


def test_whether_anything_is_due(backlog: None) -> None:
    assert rows_read(lambda: claim.is_due(now=clock.now())) < FEW


def test_which_channels_have_something_due(backlog: None) -> None:
    assert rows_read(lambda: claim.due_channels(now=clock.now())) < FEW


def test_what_a_worker_claims(backlog: None) -> None:
    limit = 20
    (channel,) = claim.due_channels(now=clock.now())
    found: list[Any] = []

    def ready() -> None:
        shape = (registry.fixed_versions(), 0, limit)
        found.extend(claim._READY.rows(*shape, name=channel, now=clock.now()))

    rows = rows_read(ready)
    assert len(found) == limit
    assert rows <= 2 * limit + FEW  # with their envelopes


def test_how_many_calls_are_under_way(backlog: None) -> None:
    (channel,) = claim.due_channels(now=clock.now())
    held = claim.claim(worker="w/1", channel=channel, room=9, takes_ask=True, now=clock.now())
    assert held
    found: list[channels.Busy] = []
    assert rows_read(lambda: found.append(channels.busy(channel))) < FEW
    assert found[0].calls == len(held)


@pytest.mark.parametrize("size", [1, 20])
def test_a_request_whatever_is_in_flight(ann: User, size: int) -> None:
    letters(ann, FEW)
    drain()
    analyze()
    letters(ann, MANY)
    some = TransitionEnvelope.objects.order_by("requested_at")[:size]
    records = list(some.values_list("record", flat=True))
    ids = [uuid7() for _ in records]
    assert rows_read(lambda: known._LOOK.rows(records=records, ids=ids)) < FEW + 4 * size


def test_nothing_is_due_after_a_busy_hour(ann: User) -> None:
    """The statistics say that much is."""
    letters(ann, MANY)
    analyze()
    drain()
    assert rows_read(lambda: claim.is_due(now=clock.now())) < FEW


def test_the_end_of_a_long_chain() -> None:
    """One step into an index, and not through all that has ever happened."""
    chain = uuid4()
    for _ in range(MANY // 200):
        append([said(chain) for _ in range(200)])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE audit_entry")
    assert rows_read(lambda: heads([chain])) < 5


def test_a_move_of_a_record_with_a_long_history(ann: User) -> None:
    """Its cause is found by its version, and not among all that was ever asked for it."""
    letters(ann, 1)
    drain()
    asked = TransitionEnvelope.objects.get()
    refused = [copy(asked) for _ in range(MANY)]
    for each in refused:
        each.transition_id = uuid7()
        each.state, each.resulting_version = State.REFUSED, None
    TransitionEnvelope.objects.bulk_create(refused)
    analyze()
    about = {"records": [uuid4()], "token": uuid4(), "now": clock.now()}
    with CaptureQueriesContext(connection) as seen:
        fire._MOVE.change("draft", "sent", **about)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + seen[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "envelope_resulting_version" in plan, plan
