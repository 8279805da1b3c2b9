"""H3: a source that goes on, a record that lives here already, and who comes first."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from audit.models import Entry
from audit.verify import verify_all
from tests.backfill.conftest import Backfill, Log
from tests.backfill.state import state
from tests.workflow.examples.logs import C, F, J, S, V, rows
from workflow.engine import clock
from workflow.engine.answer import Accepted
from workflow.engine.request import Request
from workflow.engine.start import start
from workflow.engine.submit import submit
from workflow.examples.declarations.models import Declaration
from workflow.examples.declarations.workflows import DECLARATION
from workflow.models import BackfillLeft, Record, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss")


def ask(record: Record, user: User, transition: str = "reject_as_supervisor") -> Any:
    request = Request(record=record.pk, transition=transition, user=user, reason="so")
    return submit(request=request, now=clock.now())


def started(user: User, reference: str = "case 1") -> Record:
    day = date(2026, 1, 2)
    subject = Declaration(
        claimant=user,
        number=reference,
        purpose="a journey",
        amount=Decimal(9),
        expense_date=day,
        declared_on=day,
        receipts=1,
    )
    return start(
        workflow=DECLARATION, subject=subject, reference=reference, user=user, now=clock.now()
    )


def test_what_the_source_adds_moves_the_record_by_envelopes_of_its_own(
    log: Log, backfill: Backfill
) -> None:
    whole = rows("case 1", [S, C, F])
    backfill(log(whole[:1]))
    table = backfill(log(whole))

    assert (table["known"], table["adopted"], table["moves"]) == (1, 2, 2)
    record = Record.objects.get()
    assert (record.status, record.version) == ("final_approved", 2)
    moves = TransitionEnvelope.objects.filter(state=State.FIRED).order_by("resulting_version")
    assert [each.resulting_version for each in moves] == [1, 2]
    assert record.last_transition == moves[1]
    assert record.status_since == moves[1].happened_at
    subject = Declaration.objects.get()
    assert subject.approved_at == moves[1].happened_at
    assert subject.history.count() == 4
    actions = Entry.objects.filter(chain=record.pk).values_list("action", flat=True)
    assert list(actions) == ["reconstructed", "adopted", "fired", "fired", "adopted"]
    assert verify_all().is_sound
    before = state()
    backfill(log(whole))
    assert state() == before


def test_a_file_of_new_events_only_goes_on_where_the_last_one_ended(
    log: Log, backfill: Backfill
) -> None:
    whole = rows("case 1", [S, C, F])
    backfill(log(whole[:2]))
    backfill(log(whole[2:]))
    record = Record.objects.get()
    assert (record.status, record.version) == ("final_approved", 1)
    places = TransitionEnvelope.objects.order_by("source_position")
    assert list(places.values_list("source_position", flat=True)) == [1, 2, 3]


def test_the_timers_of_a_record_that_moves_are_turned(log: Log, backfill: Backfill) -> None:
    recently = clock.now().isoformat()
    first, second = rows("case 1", [V, S], occurred_at=recently)
    backfill(log([first]))
    assert TransitionEnvelope.objects.filter(state=State.SCHEDULED).count() == 1
    backfill(log([first, second]))
    timer = TransitionEnvelope.objects.get(transition="lapse")
    assert (timer.state, timer.code) == (State.CANCELLED, "status_left")


def test_what_two_systems_move_is_rejected(log: Log, backfill: Backfill, boss: User) -> None:
    whole = rows("case 1", [S, C, F])
    backfill(log(whole[:2]))
    record = Record.objects.get()
    ask(record, boss)
    assert drain()["fired"] == 1

    table = backfill(log(whole))
    assert table["rejected"] == {"moved_live": 1}
    record.refresh_from_db()
    assert record.status == "rejected_by_supervisor"


def test_a_record_in_flight_is_left_and_done_later(
    log: Log, backfill: Backfill, boss: User
) -> None:
    whole = rows("case 1", [S, C, F])
    backfill(log(whole[:1]))
    record = Record.objects.get()
    answer = ask(record, boss)
    assert isinstance(answer, Accepted)

    table = backfill(log([*whole, *rows("case 2", [S])]))
    assert (table["left"], table["adopted"]) == (2, 1)
    assert BackfillLeft.objects.get().why == "'reject_as_supervisor' is waiting"
    assert drain()["fired"] == 1
    table = backfill(log(whole))
    assert table["rejected"] == {"moved_live": 2}


def test_history_lands_before_a_record_that_lives_here(
    log: Log, backfill: Backfill, boss: User
) -> None:
    record = started(boss)
    ask(record, boss, "save")
    drain()
    record.refresh_from_db()
    assert record.version == 1
    subject = Declaration.objects.get()

    table = backfill(log(rows("case 1", [S, J])))
    assert table["anomalies"] == {"no_join": 1}
    record.refresh_from_db()
    assert (record.status, record.version) == ("saved", 1)
    past = TransitionEnvelope.objects.filter(state=State.RECONSTRUCTED)
    fired = TransitionEnvelope.objects.get(state=State.FIRED)
    assert all(each.happened_at < fired.requested_at for each in past)
    actions = list(Entry.objects.filter(chain=record.pk).values_list("action", flat=True))
    assert actions[:3] == ["started", "requested", "fired"]
    assert actions[-3:] == ["reconstructed", "reconstructed", "adopted"]
    unchanged = Declaration.objects.get()
    assert (unchanged.amount, unchanged.submitted_at) == (subject.amount, subject.submitted_at)
    assert unchanged.history.count() == 4
    assert verify_all().is_sound


def test_history_that_does_not_join_is_rejected_under_a_strict_policy(
    log: Log, backfill: Backfill, boss: User
) -> None:
    started(boss)
    table = backfill(log(rows("case 1", [S, J])), "--strict")
    assert table["rejected"] == {"no_join": 2}


def test_an_event_that_belongs_in_between_is_put_there(log: Log, backfill: Backfill) -> None:
    first, second, third = rows("case 1", [S, C, F])
    backfill(log([first, third]))
    table = backfill(log([first, second, third]))
    assert (table["adopted"], table["moves"]) == (1, 0)
    record = Record.objects.get()
    assert (record.status, record.version) == ("final_approved", 0)


@pytest.mark.django_db(transaction=True)
def test_a_live_request_that_comes_in_the_middle_of_a_batch_waits_for_that_batch_only(
    log: Log, backfill: Backfill, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch holds the record when the request comes; both end well, the batch first."""
    from workflow.backfill.write import Writer

    backfill(log(rows("case 1", [S])))
    record = Record.objects.get()
    held, asked = threading.Event(), threading.Event()
    answers: list[Any] = []
    write = Writer.write

    def slow(self: Writer, *args: Any, **kwargs: Any) -> None:
        write(self, *args, **kwargs)
        held.set()
        asked.wait(5)

    def live() -> None:
        held.wait(5)
        asked.set()
        answers.append(ask(record, boss))
        connection.close()

    thread = threading.Thread(target=live)
    thread.start()
    monkeypatch.setattr(Writer, "write", slow)
    table = backfill(log(rows("case 1", [S, C])))
    thread.join()
    assert table["moves"] == 1
    assert isinstance(answers[0], Accepted)
    assert drain()["fired"] == 1
    assert verify_all().is_sound


@pytest.mark.django_db(transaction=True)
def test_a_live_transition_that_is_being_committed_goes_first(
    log: Log, backfill: Backfill, boss: User
) -> None:
    """The live transaction holds the record when the batch comes; the batch sees what it did."""
    if connection.vendor == "sqlite":
        pytest.skip("one writer at a time: a thread of one's own would wait for itself")
    whole = rows("case 1", [S, C])
    backfill(log(whole[:1]))
    record = Record.objects.get()
    holds, done = threading.Event(), threading.Event()

    def live() -> None:
        with transaction.atomic():
            Record.objects.select_for_update().get(pk=record.pk)
            ask(record, boss)
            holds.set()
            done.wait(0.3)
        connection.close()

    thread = threading.Thread(target=live)
    thread.start()
    holds.wait(5)
    table = backfill(log(whole))
    thread.join()
    assert (table["left"], table["moves"]) == (1, 0)


def test_a_record_that_was_started_meanwhile_is_met(
    log: Log, backfill: Backfill, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and writing, somebody starts a record of the same name."""
    from workflow.backfill.write import Writer

    ready = Writer.ready
    there = []

    def late(self: Writer, plans: Any, **kwargs: Any) -> Any:
        made = ready(self, plans, **kwargs)
        if not there:
            there.append(started(boss, "case 2"))
        return made

    monkeypatch.setattr(Writer, "ready", late)
    table = backfill(log([*rows("case 1", [S]), *rows("case 2", [S]), *rows("case 3", [S])]))
    assert (table["adopted"], table["anomalies"]) == (2, {"no_join": 1})
    assert Record.objects.count() == 3
    assert verify_all().is_sound
