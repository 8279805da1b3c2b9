"""Which envelopes a claim takes, and in which company."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.engine import probe
from tests.engine.conftest import Ask, Make
from tests.many import ask_many
from workflow.definition import registry
from workflow.effects.claim import is_due
from workflow.effects.courier import Courier
from workflow.engine import clock
from workflow.engine.claim import _TAKE, claim
from workflow.engine.limits import limits
from workflow.engine.rescue import rescue
from workflow.models import Priority, State, TransitionEnvelope
from workflow.testing.drain import drain
from workflow.worker.turn import turn

pytestmark = pytest.mark.django_db


def test_the_urgent_go_first_and_then_the_old(make: Make, ask: Ask) -> None:
    bulk = ask(make(), priority=Priority.BULK).envelope.pk
    first = ask(make()).envelope.pk
    second = ask(make()).envelope.pk
    taken = [claim(worker="w/1", now=clock.now(), limit=1) for _ in range(3)]
    assert [each.envelopes for each in taken if each] == [(first,), (second,), (bulk,)]


def test_a_batch_mixes_priorities_when_there_is_room(make: Make, ask: Ask) -> None:
    ask(make(), priority=Priority.BULK)
    ask(make())
    batch = claim(worker="w/1", now=clock.now())
    assert batch is not None
    assert len(batch.envelopes) == 2


def test_the_less_urgent_are_not_starved(make: Make, ask: Ask) -> None:
    """However much urgent work there is, one in eight of a batch is theirs."""
    bulk = {ask(make(), priority=Priority.BULK).envelope.pk for _ in range(3)}
    urgent = [ask(make()).envelope.pk for _ in range(20)]
    first, second = (claim(worker="w/1", now=clock.now(), limit=8) for _ in range(2))
    assert first is not None
    assert second is not None
    assert [len(bulk & set(each.envelopes)) for each in (first, second)] == [1, 1]
    assert urgent[:7] == [each for each in first.envelopes if each not in bulk]
    assert urgent[7:14] == [each for each in second.envelopes if each not in bulk]


def test_a_few_urgent_ones_go_without_the_others(make: Make, ask: Ask) -> None:
    """They need not wait for a large batch to be done."""
    bulk = {ask(make(), priority=Priority.BULK).envelope.pk for _ in range(3)}
    urgent = {ask(make()).envelope.pk for _ in range(2)}
    first = claim(worker="w/1", now=clock.now(), limit=16, few_first=True)
    second = claim(worker="w/1", now=clock.now(), limit=16, few_first=True)
    assert first is not None
    assert second is not None
    assert (set(first.envelopes), first.is_few) == (urgent, True)
    assert (set(second.envelopes), second.is_few) == (bulk, False)


def test_more_than_a_few_go_with_the_others(make: Make, ask: Ask) -> None:
    ask(make(), priority=Priority.BULK)
    for _ in range(3):
        ask(make())
    batch = claim(worker="w/1", now=clock.now(), limit=16, few_first=True)
    assert batch is not None
    assert (len(batch.envelopes), batch.is_few) == (4, False)


def test_what_killed_a_worker_is_alone_and_no_few(make: Make, ask: Ask) -> None:
    deadly = ask(make()).envelope.pk
    assert claim(worker="w/1", now=clock.now()) is not None
    rescue(now=clock.now() + limits().lease + timedelta(seconds=1))
    later = clock.now() + limits().lease + timedelta(minutes=1)
    ask(make(), due_at=later)
    batch = claim(worker="w/1", now=later, limit=16, few_first=True)
    assert batch is not None
    assert (batch.envelopes, batch.is_few) == ((deadly,), False)


def test_bulk_work_has_its_turn_beside_a_trickle_of_urgent_requests(make: Make, ask: Ask) -> None:
    for _ in range(10):
        ask(make(), priority=Priority.BULK)
    asked = 0

    def go_on() -> bool:
        nonlocal asked
        if asked < 3:
            ask(make())
        asked += 1
        return asked <= 3

    assert turn(worker="w/1", clock=clock.now, go_on=go_on)["fired"] == 13


def test_nor_does_it_wait_for_ever_if_each_turn_ends_after_the_urgent_ones(
    make: Make, ask: Ask
) -> None:
    for _ in range(10):
        ask(make(), priority=Priority.BULK)
    calls = Courier(worker="w/1", clock=clock.now)
    fired = 0
    for _ in range(2):
        ask(make())
        once = iter((True, False))
        said = turn(worker="w/1", clock=clock.now, go_on=lambda once=once: next(once), calls=calls)
        fired += said["fired"]
    assert fired == 12


@pytest.mark.skipif(
    "postgresql" not in settings.DATABASES["default"]["ENGINE"],
    reason="SQLite's planner has no statistics here to be misled by.",
)
@pytest.mark.django_db(transaction=True)
def test_a_claim_reads_the_queue_alone_whatever_the_statistics(ann: User) -> None:
    """Those of a quieter hour say that nothing is in flight, so that any index seems to do."""
    ask_many(workflow=probe.PROBE, transition="open", user=ann, count=300)
    drain()
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {TransitionEnvelope._meta.db_table}")
    ask_many(workflow=probe.PROBE, transition="open", user=ann, count=1200)
    with CaptureQueriesContext(connection) as seen:
        assert claim(worker="w/1", now=clock.now(), limit=200) is not None
    search = next(query["sql"] for query in seen if "SKIP LOCKED" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {search}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "envelope_due" in plan, plan


@pytest.mark.skipif(
    "sqlite" not in settings.DATABASES["default"]["ENGINE"],
    reason="It is SQLite's planner that took the index of all that waits.",
)
def test_a_claim_takes_what_it_chose_without_a_walk_through_all_that_waits(
    ann: User,
) -> None:
    ask_many(workflow=probe.PROBE, transition="open", user=ann, count=40)
    with CaptureQueriesContext(connection) as seen:
        assert claim(worker="w/1", now=clock.now(), limit=30) is not None
    (take,) = [query["sql"] for query in seen if query["sql"].startswith("UPDATE")]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {take}")
        plan = "\n".join(line for *_, line in cursor.fetchall())
    assert "(transition_id=?)" in plan, plan


def test_what_was_put_off_since_is_not_taken(make: Make, ask: Ask) -> None:
    """Where nothing holds what is chosen until it is taken, it is looked at again."""
    name = ask(make()).envelope.pk
    later = clock.now() + timedelta(minutes=1)
    TransitionEnvelope.objects.filter(pk=name).update(due_at=later)
    values = {"chosen": [name], "token": uuid4(), "worker": "w/1", "now": clock.now()}
    assert _TAKE.change(**values, until=later) == 0
    assert _TAKE.change(**{**values, "now": later}, until=later) == 1


def test_what_killed_a_worker_is_claimed_alone(make: Make, ask: Ask) -> None:
    deadly = ask(make()).envelope.pk
    assert claim(worker="w/1", now=clock.now()) is not None
    rescue(now=clock.now() + limits().lease + timedelta(seconds=1))
    ask(make())
    ask(make())
    later = clock.now() + limits().lease + timedelta(minutes=1)
    batches = [claim(worker="w/1", now=later) for _ in range(2)]
    assert sorted(len(each.envelopes) for each in batches if each) == [1, 2]
    alone = min((each for each in batches if each), key=lambda each: len(each.envelopes))
    assert alone.envelopes == (deadly,)


def test_nothing_is_due_before_its_time(make: Make, ask: Ask) -> None:
    now = clock.now()
    assert not is_due(now=now)
    ask(make(), due_at=now + timedelta(hours=1))
    assert not is_due(now=now)
    assert is_due(now=now + timedelta(hours=1))


def test_an_expired_lease_is_due(make: Make, ask: Ask) -> None:
    ask(make())
    assert claim(worker="w/1", now=clock.now()) is not None
    assert not is_due(now=clock.now())
    assert is_due(now=clock.now() + limits().lease)


def test_a_version_that_this_release_lacks_is_left_alone(make: Make, ask: Ask) -> None:
    ask(make())
    registry.unregister(probe.PROBE)
    assert not is_due(now=clock.now())
    assert drain() == {}
    assert TransitionEnvelope.objects.get().state == State.WAITING
    registry.register(probe.PROBE)
    assert drain() == {"fired": 1}
