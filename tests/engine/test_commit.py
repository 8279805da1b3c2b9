"""The outer loop: what a decision writes, and what it cannot do."""

from __future__ import annotations

import signal
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.verify import verify_all
from tests.crash.invariants import faults
from tests.engine.conftest import Ask, Make, actions
from tests.engine.probe import Script
from workflow.definition import Context, Permanent, Retryable
from workflow.engine import clock
from workflow.engine.claim import claim
from workflow.engine.commit import work_off
from workflow.examples.declarations.models import Declaration
from workflow.models import Attempt, Ending, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def set_purpose(context: Context[Declaration]) -> None:
    context.subject.purpose = "changed"


def test_firing_moves_status_fields_history_trail_and_envelope(
    make: Make, ask: Ask, script: Script
) -> None:
    record, name = make(), uuid4()
    script.apply[name] = set_purpose
    ask(record, transition_id=name, reason="go")
    assert drain() == {"fired": 1}

    record.refresh_from_db()
    assert (record.status, record.version, record.last_transition_id) == ("open", 1, name)
    subject = Declaration.objects.get(record=record)
    assert (subject.purpose, subject.status) == ("changed", "open")
    row = subject.history.get(transition_id=name)
    assert (row.purpose, row.history_type, row.history_change_reason) == ("changed", "~", "go")
    assert row.history_user_id == subject.claimant_id
    entry = Entry.objects.get(chain=record.pk, action="fired")
    assert (entry.old, entry.new, entry.transition_id) == ("new", "open", name)
    assert '"fields":["purpose"]' in entry.evidence
    attempt = Attempt.objects.get(envelope=name)
    assert (attempt.ending, attempt.fence) == (Ending.FIRED, 1)
    envelope = TransitionEnvelope.objects.get(pk=name)
    assert (envelope.state, envelope.resulting_version, envelope.due_at) == ("fired", 1, None)
    assert verify_all(chain=record.pk).is_sound


def test_a_history_row_is_written_even_when_no_field_changes(make: Make, ask: Ask) -> None:
    record = make()
    answer = ask(record)
    drain()
    subject = Declaration.objects.get(record=record)
    assert subject.history.filter(transition_id=answer.envelope.pk).count() == 1


def test_every_unmet_guard_is_reported_with_its_evidence(make: Make, ask: Ask) -> None:
    record = make(amount=Decimal(0), purpose="")
    answer = ask(record)
    assert drain() == {"refused": 1}
    record.refresh_from_db()
    assert (record.status, record.version) == ("new", 0)
    entry = Entry.objects.get(chain=record.pk, action="refused")
    assert "The amount must be positive." in entry.evidence
    assert "Say what it was for." in entry.evidence
    assert '"required":"> 0"' in entry.evidence
    envelope = TransitionEnvelope.objects.get(pk=answer.envelope.pk)
    assert envelope.message == "The amount must be positive. Say what it was for."


def test_what_held_is_evidence_too(make: Make, ask: Ask) -> None:
    record = make(amount=Decimal("3.50"))
    ask(record)
    drain()
    entry = Entry.objects.get(chain=record.pk, action="fired")
    assert '{"actual":"3.50","guard":"amount_is_positive","held":true' in entry.evidence


def test_a_retryable_error_backs_off_and_then_fires(make: Make, ask: Ask, script: Script) -> None:
    record, name = make(), uuid4()

    def not_yet(context: Context[Declaration]) -> None:
        raise Retryable("the rate is not known yet", retry_after=timedelta(seconds=50))

    script.guard[name] = not_yet
    ask(record, transition_id=name)
    before = clock.now()
    assert drain() == {"waiting": 1}
    envelope = TransitionEnvelope.objects.get(pk=name)
    assert envelope.attempts == 1
    assert envelope.due_at is not None
    assert envelope.due_at >= before + timedelta(seconds=50)
    assert drain() == {}
    del script.guard[name]
    assert drain(ahead=timedelta(seconds=60)) == {"fired": 1}
    assert actions(record) == ["started", "requested", "retried", "fired"]
    endings = Attempt.objects.filter(envelope=name).values_list("ending", "fence")
    assert list(endings) == [("error", 1), ("fired", 2)]


def test_an_unforeseen_error_is_retried_and_parks_in_the_end(
    make: Make, ask: Ask, script: Script
) -> None:
    record, name = make(), uuid4()

    def stumble(context: Context[Declaration]) -> None:
        raise KeyError("rate")

    script.guard[name] = stumble
    ask(record, transition_id=name)
    for minutes, outcome in ((0, "waiting"), (5, "waiting"), (10, "parked")):
        assert drain(ahead=timedelta(minutes=minutes)) == {outcome: 1}
    envelope = TransitionEnvelope.objects.get(pk=name)
    assert (envelope.state, envelope.code, envelope.attempts) == ("parked", "KeyError", 3)
    assert actions(record)[2:] == ["retried", "retried", "parked"]
    detail = Attempt.objects.filter(envelope=name).values_list("detail", flat=True)
    assert all("stumble" in text for text in detail)
    assert ask(record, "hurry").refusals[0].code == "in_flight"


def test_a_permanent_error_parks_at_once(make: Make, ask: Ask, script: Script) -> None:
    record, name = make(), uuid4()

    def never(context: Context[Declaration]) -> None:
        raise Permanent("the account is closed")

    script.apply[name] = never
    ask(record, transition_id=name)
    assert drain() == {"parked": 1}
    assert TransitionEnvelope.objects.get(pk=name).message == "the account is closed"


def test_an_attempt_that_takes_too_long_is_ended(make: Make, ask: Ask, script: Script) -> None:
    record, name = make(), uuid4()

    def sleep(context: Context[Declaration]) -> None:
        time.sleep(30)

    script.guard[name] = sleep
    ask(record, transition_id=name)
    started = time.monotonic()
    assert drain() == {"waiting": 1}
    assert time.monotonic() - started < 10
    assert Attempt.objects.get(envelope=name).ending == Ending.TIMED_OUT


def test_those_to_which_it_did_not_come_are_given_back(
    make: Make, ask: Ask, script: Script, settings: Any
) -> None:
    """A slow neighbour takes so much of the lease that it is better spent on what is decided."""
    settings.ESCAPEMENT = {**settings.ESCAPEMENT, "LEASE_SECONDS": 0.6}
    for _ in range(3):
        name = ask(make()).envelope.pk
        script.guard[name] = lambda _: time.sleep(0.15)
    batch = claim(worker="w/1", now=clock.now())
    assert batch is not None
    tally = work_off(claim=batch, clock=clock.now).tally
    assert (tally["fired"], tally["left"]) == (1, 2)
    assert TransitionEnvelope.objects.filter(state="waiting", attempts=0).count() == 2
    assert Attempt.objects.filter(ending=Ending.INTERRUPTED, code="not_begun").count() == 2
    assert drain()["fired"] == 2
    assert not faults()


def test_a_neighbour_that_sets_an_alarm_of_its_own_takes_away_nobodys(
    make: Make, ask: Ask, script: Script
) -> None:
    names = [uuid4() for _ in range(2)]

    def quiet(context: Context[Declaration]) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)

    def sleep(context: Context[Declaration]) -> None:
        time.sleep(30)

    script.guard = dict(zip(names, (quiet, sleep), strict=True))
    for name in names:
        ask(make(), transition_id=name)
    started = time.monotonic()
    assert drain() == {"fired": 1, "waiting": 1}
    assert time.monotonic() - started < 10
    assert Attempt.objects.get(envelope=names[1]).ending == Ending.TIMED_OUT


def test_what_a_guard_keeps_on_the_instance_is_no_change(
    make: Make, ask: Ask, script: Script
) -> None:
    """As a cached property does."""
    name = uuid4()

    def remember(context: Context[Declaration]) -> None:
        vars(context.subject)["seen"] = float("nan")

    script.guard[name] = remember
    ask(make(), transition_id=name)
    assert drain() == {"fired": 1}
    assert '"fields":[]' in Entry.objects.get(transition_id=name, action="fired").evidence


def test_past_its_deadline_it_fails_for_good(make: Make, ask: Ask) -> None:
    record = make()
    ask(record, "hurry")
    assert drain(ahead=timedelta(minutes=6)) == {"failed": 1}
    assert actions(record)[-1] == "failed"
    ask(record)
    assert drain() == {"fired": 1}


def query(context: Context[Declaration]) -> None:
    Declaration.objects.count()


def change(context: Context[Declaration]) -> None:
    context.subject.purpose = "sneaked in"


def change_record(context: Context[Declaration]) -> None:
    context.subject.record_id = uuid4()


def answer_yes(context: Context[Declaration]) -> bool:
    return True


@pytest.mark.parametrize(
    ("part", "act", "message"),
    [
        ("guard", query, "may not query"),
        ("apply", query, "may not query"),
        ("guard", change, "A guard or a request changed the record's fields"),
        ("apply", change_record, "which is fixed"),
        ("guard", answer_yes, "return nothing, allow"),
    ],
)
def test_handlers_are_held_to_their_promises(
    make: Make, ask: Ask, script: Script, part: str, act: object, message: str
) -> None:
    record, name = make(), uuid4()
    getattr(script, part)[name] = act
    ask(record, transition_id=name)
    assert drain() == {"parked": 1}
    assert message in TransitionEnvelope.objects.get(pk=name).message
    assert Declaration.objects.get(record=record).purpose == "a journey"


def test_what_the_database_refuses_hurts_no_neighbour(
    make: Make, ask: Ask, script: Script
) -> None:
    records = [make() for _ in range(9)]
    culprit = uuid4()

    def break_it(context: Context[Declaration]) -> None:
        context.subject.purpose = None  # type: ignore[assignment]  # the column forbids it

    script.apply[culprit] = break_it
    for index, record in enumerate(records):
        ask(record, transition_id=culprit if index == 4 else uuid4())
    assert drain() == {"fired": 8, "waiting": 1}
    assert TransitionEnvelope.objects.get(pk=culprit).code == "database_refused"
    assert actions(records[4]) == ["started", "requested", "retried"]
    assert verify_all().is_sound


def test_an_expected_version_that_has_passed_is_refused(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    drain()
    ask(record, "note", payload={"note": "a"}, expected_version=1)
    drain()
    answer = ask(record, "note", payload={"note": "b"}, expected_version=1)
    assert [refusal.code for refusal in answer.refusals] == ["stale"]


def test_a_subject_that_is_gone_parks(make: Make, ask: Ask) -> None:
    record = make()
    answer = ask(record)
    Declaration.objects.filter(record=record).delete()
    assert drain() == {"parked": 1}
    assert TransitionEnvelope.objects.get(pk=answer.envelope.pk).code == "no_subject"


def test_a_batch_takes_as_many_statements_as_a_few(make: Make, ask: Ask, script: Script) -> None:
    def statements(count: int) -> int:
        for _ in range(count):
            name = uuid4()
            script.apply[name] = set_purpose
            ask(make(), transition_id=name)
        with CaptureQueriesContext(connection) as seen:
            assert drain() == {"fired": count}
        return len(seen)

    clock.now()
    # SQLite bounds the values of one statement, and so splits larger insertions.
    assert statements(10) == statements(4)
    assert statements(1) == statements(4) - 1  # one that is alone does not look for bulk work


def test_states_name_all_that_an_envelope_can_be() -> None:
    assert {*State} >= {State.WAITING, State.RUNNING, State.PARKED, State.FIRED}
