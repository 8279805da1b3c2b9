"""A5, A7: real threads at the same instant, on real connections."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction

from audit import chain
from audit.models import Entry
from audit.verify import verify_all
from tests.crash.polling import until
from tests.engine.conftest import Ask, Make, actions
from tests.engine.probe import Script
from workflow.engine import clock
from workflow.engine.answer import Accepted, Conflict, Refused, Repeated
from workflow.engine.deadlock import is_deadlock
from workflow.engine.request import Request
from workflow.engine.submit import submit_many
from workflow.examples.declarations.models import Declaration
from workflow.models import Attempt, Record, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run the acts in as many threads, all let go by one barrier, and return their results."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def kinds(answers: list[Any]) -> Counter[type]:
    return Counter(type(answer) for answer in answers)


def test_fifty_at_once_with_one_id_make_one_envelope(make: Make, ask: Ask) -> None:
    record, name = make(), uuid4()
    answers = at_once([lambda: ask(record, transition_id=name)] * 50)
    assert kinds(answers) == {Accepted: 1, Repeated: 49}
    assert TransitionEnvelope.objects.count() == 1
    assert Counter(actions(record)) == {"started": 1, "requested": 1, "repeated": 49}
    assert drain() == {"fired": 1}
    assert verify_all().is_sound


def test_of_two_transitions_at_once_one_wins(make: Make, ask: Ask) -> None:
    for _ in range(5):
        record = make()
        answers = at_once([lambda r=record, t=name: ask(r, t) for name in ("open", "hurry") * 4])
        assert kinds(answers) == {Accepted: 1, Refused: 7}
        winner = next(each for each in answers if isinstance(each, Accepted))
        for loser in answers:
            if isinstance(loser, Refused):
                assert str(winner.envelope.pk) in loser.refusals[0].message
        assert verify_all(chain=record.pk).is_sound


def test_one_id_for_many_records_at_once_goes_to_one(make: Make, ask: Ask) -> None:
    records, name = [make() for _ in range(8)], uuid4()
    answers = at_once([lambda r=record: ask(r, transition_id=name) for record in records])
    assert kinds(answers) == {Accepted: 1, Conflict: 7}
    assert TransitionEnvelope.objects.count() == 1
    assert Entry.objects.filter(action="conflict").count() == 7


def test_bulk_loads_of_the_same_requests_at_once_make_each_once(make: Make, ann: User) -> None:
    requests = [
        Request(record=make().pk, transition="open", transition_id=uuid4(), user=ann)
        for _ in range(60)
    ]
    loads = [requests, requests[::-1], requests[::2] + requests[1::2]]
    answers = at_once([lambda r=load: submit_many(requests=r, now=clock.now()) for load in loads])
    total = sum((kinds(each) for each in answers), Counter())
    assert total == {Accepted: 60, Repeated: 120}
    assert TransitionEnvelope.objects.count() == 60
    assert verify_all().is_sound


def test_many_workers_fire_each_envelope_once(make: Make, ask: Ask) -> None:
    for _ in range(60):
        ask(make())
    tallies = at_once([lambda n=n: drain(worker=f"w/{n}") for n in range(6)])
    assert sum(tallies, Counter()) == {"fired": 60}
    assert Attempt.objects.count() == 60
    assert set(Record.objects.values_list("version", flat=True)) == {1}
    assert verify_all().is_sound


def test_requests_and_workers_together_lose_nothing(make: Make, ask: Ask) -> None:
    records = [make() for _ in range(30)]

    def send() -> list[Any]:
        return [ask(record) for record in records]

    def work() -> list[Any]:
        for _ in range(20):
            drain(worker=f"w/{threading.get_ident()}")
        return []

    answers = at_once([send, work, send, work, send])
    drain()
    # One that read the record just before it moved is accepted, and refused by the worker.
    assert sum(map(kinds, answers), Counter())[Accepted] >= 30
    assert set(Record.objects.values_list("version", flat=True)) == {1}
    assert Entry.objects.filter(action="fired").count() == 30
    assert verify_all().is_sound


def test_nothing_fires_on_what_was_true_a_moment_ago(make: Make, ask: Ask, script: Script) -> None:
    """Amounts are taken away while guards, which want one, are asked; some of them too late."""
    records = [make() for _ in range(40)]
    for record in records:
        name = uuid4()
        script.guard[name] = lambda _: time.sleep(0.002)
        ask(record, transition_id=name)

    def take_away() -> None:
        for record in records:
            time.sleep(0.003)
            with transaction.atomic():
                now = Record.objects.select_for_update().get(pk=record.pk)
                if now.status == "new":
                    Declaration.objects.filter(record=now).update(amount=0)

    at_once([drain, take_away])
    drain()
    ended = Counter(
        Declaration.objects.filter(record__in=records).values_list("record__status", "amount")
    )
    assert ended["open", Decimal(0)] == 0
    assert ended["new", Decimal(0)] > 0
    assert ended["open", Decimal("12.50")] > 0
    assert ended["new", Decimal("12.50")] == 0
    assert verify_all().is_sound


@pytest.mark.skipif(
    "postgresql" not in settings.DATABASES["default"]["ENGINE"],
    reason="SQLite has one writer at a time, who waits for nobody.",
)
def test_whoever_loses_a_deadlock_is_answered_all_the_same(make: Make, ask: Ask) -> None:
    """A worker holds the record and wants a place in the chain; a request has it, and waits."""
    record = make()
    is_held, has_asked = threading.Event(), threading.Event()
    deadlocks = []

    def work() -> None:
        with transaction.atomic():
            Record.objects.select_for_update().get(pk=record.pk)
            is_held.set()
            assert has_asked.wait(30)
            until(somebody_waits, seconds=30, what="a wait")  # whoever waited first gives up
            note = chain.Note(
                chain=record.pk, at=clock.now(), action="mended", actor="w", old="new"
            )
            chain.append([note])

    def somebody_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return bool(cursor.fetchone()[0])

    def request() -> Any:
        assert is_held.wait(30)
        store = chain.store

        def stored(linked: Any) -> None:
            store(linked)
            has_asked.set()

        def told(error: Any) -> bool:
            deadlocks.append(is_deadlock(error))
            return deadlocks[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chain, "store", stored)
            patch.setattr("workflow.engine.submit.is_deadlock", told)
            return ask(record)

    _, answer = at_once([work, request])
    assert deadlocks == [True]
    assert isinstance(answer, Accepted)
    assert actions(record) == ["started", "mended", "requested"]
    assert verify_all(chain=record.pk).is_sound
