"""Backlog, activity, trouble, search and inbox: right, and constant in statements."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from tests.engine.conftest import Make
from tests.queries.conftest import Scene
from workflow.engine import clock
from workflow.models import Cause, State, TransitionEnvelope
from workflow.queries import inbox, search
from workflow.queries.activity import SPANS, activity
from workflow.queries.backlog import backlog, sentence, workers
from workflow.queries.search import Kind
from workflow.queries.trouble import of_cause, stalled, trouble
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def test_the_backlog_counts_each_condition(scene: Scene, django_assert_num_queries) -> None:
    scene.backing_off()
    scene.parked()
    scene.running()
    scene.waiting()
    scene.waiting(due_at=clock.now() + timedelta(hours=1))
    now = clock.now() + timedelta(seconds=5)

    with django_assert_num_queries(8):
        found = backlog(now=now)

    counts = (found.due, found.later, found.running, found.parked, found.scheduled)
    assert [each.number for each in counts] == [1, 1, 1, 1, 1]
    assert found.oldest_due is not None
    assert timedelta(seconds=4) < found.oldest_due < timedelta(seconds=60)


def test_the_system_in_a_sentence(scene: Scene) -> None:
    def told() -> tuple[str, str]:
        now = clock.now()
        return sentence(
            backlog=backlog(now=now),
            workers=workers(now=now),
            needing=sum(group.number for group in trouble(now=now)),
        )

    assert told()[0] == "bad"
    scene.cluster()
    assert told()[0] == "good"
    scene.parked()
    assert told() == ("bad", "Working; 1 case needs a person.")
    scene.waiting()
    due = TransitionEnvelope.objects.filter(state="waiting")
    due.update(due_at=clock.now() - timedelta(minutes=5))
    tone, words = told()
    assert tone == "bad"
    assert "1 due; the oldest has waited for 5 min" in words
    assert words.endswith("1 case needs a person.")


@pytest.mark.parametrize(("span", "steps"), [("hour", 60), ("day", 24), ("week", 28)])
def test_activity_counts_outcomes_and_latency(
    scene: Scene, django_assert_num_queries, span: str, steps: int
) -> None:
    for _ in range(3):
        scene.waiting()
    drain()

    with django_assert_num_queries(2):
        found = activity(span=SPANS[span], now=clock.now())

    assert found.total == 3
    assert found.buckets[-1].fired + found.buckets[-2].fired == 3
    assert len(found.buckets) == steps
    assert found.p50 is not None
    assert 0 <= found.p50 < 10


def test_trouble_is_grouped_by_cause_with_owner_and_note(
    scene: Scene, ann: User, django_assert_num_queries
) -> None:
    first, second = scene.parked(), scene.parked()
    Cause.objects.create(
        workflow="probe",
        transition="open",
        code="permanent",
        owner=ann,
        note="ring the bank",
        changed_at=clock.now(),
        changed_by="Ann",
    )

    with django_assert_num_queries(3):
        (group,) = trouble(now=clock.now())

    assert (group.label, group.code, group.number) == ("Open", "permanent", 2)
    assert (group.first_at, group.last_at) == (first.requested_at, second.requested_at)
    assert group.example == "account closed"
    assert group.cause is not None
    assert group.cause.note == "ring the bank"
    assert list(of_cause(workflow="probe", transition="open", code="permanent")) == [
        first,
        second,
    ]


def test_what_is_long_overdue_is_stalled(scene: Scene) -> None:
    late = scene.running()
    scene.backing_off()

    assert stalled(now=clock.now()) == []
    assert stalled(now=clock.now() + timedelta(minutes=5)) == [late]


def test_one_box_finds_by_anything(scene: Scene, make: Make, ann: User) -> None:
    other = scene.parked()
    envelope = scene.waiting(correlation_id="trace-7")

    def found(text: str):
        rows, kind = search.envelopes(text=text)
        return kind, set(rows)

    assert found(str(envelope.pk)) == (Kind.ID, {envelope})
    assert found(str(other.record_id)) == (Kind.ID, {other})
    assert found(envelope.record.reference)[0] is Kind.REFERENCE
    assert found("trace-7") == (Kind.CORRELATION, {envelope})
    assert found(other.correlation_id) == (Kind.CORRELATION, {other})
    assert found("ann") == (Kind.ACTOR, {envelope, other})
    assert found("Ann Lee") == (Kind.ACTOR, {envelope, other})
    assert found("permanent") == (Kind.CODE, {other})
    assert found("account cl") == (Kind.WORDS, {other})
    assert found("no such thing") == (Kind.NOTHING, set())
    assert found("' OR 1=1 --") == (Kind.NOTHING, set())
    assert found("100%_") == (Kind.NOTHING, set())


def test_records_are_found_by_reference_and_by_ids(scene: Scene) -> None:
    envelope = scene.waiting()
    record = envelope.record

    for text in (record.reference, record.reference[:2], str(record.pk), str(envelope.pk)):
        assert record in search.records(text=text)
    assert not search.records(text="zzz").exists()


def test_the_inbox_holds_what_a_person_may_move_and_nothing_in_flight(
    scene: Scene, make: Make, ann: User, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engine.probe import PROBE

    monkeypatch.setitem(PROBE.__dict__, "visible", lambda rows, user: rows)
    idle, done = make(), make()
    scene.ask(done)
    drain()
    scene.waiting()

    (first, second) = inbox.as_waiting(list(inbox.waiting_for(boss)), boss, now=clock.now())

    assert (first.record, second.record) == (idle, done)
    assert ("close", "Close") in second.transitions
    mine = inbox.as_waiting(list(inbox.waiting_for(ann)), ann, now=clock.now())
    assert ("close", "Close") not in mine[1].transitions


def test_the_inbox_holds_nothing_that_a_person_may_not_see(
    scene: Scene, make: Make, boss: User
) -> None:
    make()
    assert list(inbox.waiting_for(boss)) == []


def test_what_was_asked_for_is_listed_the_newest_first(scene: Scene, ann: User) -> None:
    first = scene.waiting()
    drain()
    second = scene.waiting()

    assert list(inbox.asked_by(ann)) == [second, first]
    assert list(inbox.unsettled(inbox.asked_by(ann))) == [second]
    assert second.state == State.WAITING
