"""C3: only the holder of the current claim may settle; a late worker changes nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connection

from audit.models import Entry
from tests.engine.conftest import Ask, Make, actions
from workflow.engine import clock
from workflow.engine.claim import claim, renew
from workflow.engine.commit import work_off
from workflow.engine.limits import limits
from workflow.engine.rescue import hand_back, rescue, rescue_cluster
from workflow.models import Attempt, Record, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_late_worker_cannot_settle_and_leaves_a_note(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    late = claim(worker="frozen/1", now=clock.now())
    assert late is not None
    after = clock.now() + limits().lease + timedelta(minutes=1)
    assert rescue(now=after) == 1
    assert drain(ahead=timedelta(minutes=2)) == {"fired": 1}
    before = list(Record.objects.values()), list(TransitionEnvelope.objects.values())

    assert work_off(claim=late, clock=clock.now).tally["late"] == 1

    assert (list(Record.objects.values()), list(TransitionEnvelope.objects.values())) == before
    assert actions(record) == ["started", "requested", "died", "fired", "late"]
    note = Entry.objects.get(chain=record.pk, action="late")
    assert '"worker":"frozen/1"' in note.evidence
    assert Attempt.objects.filter(ending="fired").count() == 1


def test_a_late_worker_cannot_settle_what_another_holds(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    late = claim(worker="frozen/1", now=clock.now())
    after = clock.now() + limits().lease + timedelta(minutes=1)
    rescue(now=after)
    current = claim(worker="quick/1", now=after + timedelta(minutes=1))
    assert late is not None
    assert current is not None
    assert work_off(claim=late, clock=clock.now).tally["fired"] == 0
    assert TransitionEnvelope.objects.get(record=record).claim == current.token
    assert work_off(claim=current, clock=clock.now).tally["fired"] == 1


@pytest.mark.parametrize("amount", [1, -1], ids=["fired", "refused"])
def test_a_commit_whose_answer_was_lost_is_not_late(
    make: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    """The server commits, and the connection breaks before it says so; the worker tries again."""
    record = make(amount=Decimal(amount))
    ask(record)
    batch = claim(worker="w/1", now=clock.now())
    assert batch is not None
    commit = connection.commit

    def commit_unheard() -> None:
        commit()
        monkeypatch.undo()
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "commit", commit_unheard)
    work_off(claim=batch, clock=clock.now)

    outcome = "fired" if amount > 0 else "refused"
    assert actions(record) == ["started", "requested", outcome]
    assert list(Attempt.objects.values_list("ending", flat=True)) == [outcome]


def test_a_worker_declared_dead_is_late_even_if_nobody_took_over(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    frozen = claim(worker="frozen/1", now=clock.now())
    assert frozen is not None
    rescue(now=clock.now() + limits().lease + timedelta(minutes=1))
    assert work_off(claim=frozen, clock=clock.now).tally["late"] == 1
    assert actions(record) == ["started", "requested", "died", "late"]


def test_a_live_lease_is_not_taken(make: Make, ask: Ask) -> None:
    ask(make())
    holder = claim(worker="busy/1", now=clock.now())
    assert holder is not None
    assert claim(worker="other/1", now=clock.now()) is None
    assert rescue(now=clock.now() + limits().lease / 2) == 0
    assert drain() == {}
    assert work_off(claim=holder, clock=clock.now).tally["fired"] == 1


def test_a_renewed_lease_holds_longer(make: Make, ask: Ask) -> None:
    ask(make())
    holder = claim(worker="busy/1", now=clock.now())
    assert holder is not None
    renew(claim=holder, now=clock.now() + limits().lease / 2)
    assert rescue(now=clock.now() + limits().lease * 1.2) == 0
    assert rescue(now=clock.now() + limits().lease * 1.6) == 1


def test_a_lost_lease_cannot_be_renewed(make: Make, ask: Ask) -> None:
    ask(make())
    late = claim(worker="frozen/1", now=clock.now())
    after = clock.now() + limits().lease + timedelta(minutes=1)
    rescue(now=after)
    current = claim(worker="quick/1", now=after + timedelta(minutes=1))
    assert late is not None
    assert current is not None
    ends = TransitionEnvelope.objects.get().due_at
    renew(claim=late, now=after + timedelta(hours=9))
    assert TransitionEnvelope.objects.get().due_at == ends


def test_the_fence_rises_with_every_claim(make: Make, ask: Ask) -> None:
    ask(make())
    for expected in (1, 2):
        after = clock.now() + expected * timedelta(minutes=5)
        assert claim(worker="w/1", now=after) is not None
        assert TransitionEnvelope.objects.get().fence == expected
        rescue(now=after + limits().lease + timedelta(seconds=1))
    fences = Attempt.objects.order_by("fence").values_list("fence", "ending")
    assert list(fences) == [(1, "died"), (2, "died")]


def test_deaths_count_and_the_envelope_parks(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    for death in range(1, 4):
        after = clock.now() + death * timedelta(minutes=10)
        assert claim(worker="w/1", now=after) is not None
        rescue(now=after + limits().lease + timedelta(seconds=1))
    envelope = TransitionEnvelope.objects.get(record=record)
    assert (envelope.state, envelope.attempts, envelope.crashes) == (State.PARKED, 3, 3)
    assert actions(record) == ["started", "requested", "died", "died", "parked"]


def test_a_dead_clusters_claims_are_freed_at_once(make: Make, ask: Ask) -> None:
    ask(make())
    ask(make())
    assert claim(worker="host.1/7", now=clock.now(), limit=1) is not None
    assert claim(worker="host.12/7", now=clock.now(), limit=1) is not None
    assert rescue_cluster(cluster="host.1", now=clock.now()) == 1
    assert drain(ahead=timedelta(seconds=5)) == {"fired": 1}


def test_what_is_handed_back_is_done_later(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    held = claim(worker="w/1", now=clock.now())
    assert held is not None
    assert hand_back(claim=held, now=clock.now()) == 1
    assert drain(ahead=timedelta(seconds=5)) == {"fired": 1}
    assert actions(record) == ["started", "requested", "interrupted", "fired"]
