"""A1 to A4, A8, A9: one wish is one envelope, and every wish leaves its trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.verify import verify_all
from tests.engine.conftest import Ask, Make, actions
from workflow.definition import InvalidRequest
from workflow.engine import clock, known
from workflow.engine.answer import Accepted, Conflict, Refused, Repeated
from workflow.engine.request import Request, transition_id
from workflow.engine.submit import submit
from workflow.models import Origin, State, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db


def test_a_request_becomes_a_waiting_envelope_and_an_entry(make: Make, ask: Ask) -> None:
    record = make()
    answer = ask(record, correlation_id="ticket-7", origin=Origin.API, reason="why not")
    assert isinstance(answer, Accepted)
    stored = TransitionEnvelope.objects.get(pk=answer.envelope.pk)
    assert (stored.state, stored.transition, stored.target) == (State.WAITING, "open", "open")
    assert (stored.actor_label, stored.reason, stored.origin) == ("Ann Lee", "why not", "api")
    assert (stored.definition_version, stored.correlation_id) == (1, "ticket-7")
    entry = Entry.objects.get(chain=record.pk, action="requested")
    assert (entry.transition_id, entry.correlation_id) == (stored.pk, "ticket-7")
    assert (entry.actor, entry.reason, entry.old) == ("Ann Lee", "why not", "new")
    assert stored.digest in entry.evidence


def test_the_same_request_again_gives_the_first_answer(make: Make, ask: Ask) -> None:
    record, name = make(), uuid4()
    first = ask(record, transition_id=name)
    again = ask(record, transition_id=name)
    assert isinstance(again, Repeated)
    assert again.envelope.pk == first.envelope.pk == name
    assert again.envelope.is_in_flight
    assert TransitionEnvelope.objects.filter(record=record).count() == 1
    assert actions(record) == ["started", "requested", "repeated"]


def test_the_id_is_honoured_after_the_transition_is_done(make: Make, ask: Ask) -> None:
    record, name = make(), uuid4()
    ask(record, transition_id=name)
    drain()
    again = ask(record, transition_id=name)
    assert isinstance(again, Repeated)
    assert again.envelope.state == State.FIRED
    assert drain() == {}
    record.refresh_from_db()
    assert record.version == 1


def test_a_refused_request_gets_its_refusal_again(make: Make, ask: Ask) -> None:
    record, name = make(), uuid4()
    assert isinstance(ask(record, "note", transition_id=name, payload={"note": "x"}), Refused)
    again = ask(record, "note", transition_id=name, payload={"note": "x"})
    assert isinstance(again, Repeated)
    assert again.envelope.state == State.REFUSED


@pytest.mark.parametrize(
    "other",
    [{"reason": "other"}, {"expected_version": 0}, {"transition": "hurry"}],
    ids=lambda other: next(iter(other)),
)
def test_another_body_under_the_same_id_is_a_conflict(
    make: Make, ask: Ask, other: dict[str, object]
) -> None:
    record, name = make(), uuid4()
    ask(record, transition_id=name)
    before = list(TransitionEnvelope.objects.values())
    answer = ask(record, transition_id=name, **other)
    assert isinstance(answer, Conflict)
    assert answer.envelope.pk == name
    assert list(TransitionEnvelope.objects.values()) == before
    assert actions(record) == ["started", "requested", "conflict"]


def test_another_person_or_record_under_the_same_id_is_a_conflict(
    make: Make, ask: Ask, boss: User
) -> None:
    record, other, name = make(), make(), uuid4()
    ask(record, transition_id=name)
    assert isinstance(ask(record, transition_id=name, user=boss), Conflict)
    assert isinstance(ask(other, transition_id=name), Conflict)
    assert actions(other) == ["started", "conflict"]


def test_a_second_transition_is_refused_and_names_the_winner(make: Make, ask: Ask) -> None:
    record = make()
    winner = ask(record)
    answer = ask(record, "hurry")
    assert isinstance(answer, Refused)
    assert [refusal.code for refusal in answer.refusals] == ["in_flight"]
    assert str(winner.envelope.pk) in answer.refusals[0].message
    assert actions(record) == ["started", "requested", "refused"]


def test_every_reason_of_a_refusal_is_given(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    answer = ask(record, "close", reason="enough", expected_version=7)
    assert isinstance(answer, Refused)
    codes = [refusal.code for refusal in answer.refusals]
    assert codes == ["permission_denied", "stale", "wrong_status", "in_flight"]
    entry = Entry.objects.get(chain=record.pk, action="refused")
    assert all(code in entry.evidence for code in codes)
    assert answer.envelope.state == State.REFUSED
    assert answer.envelope.finished_at is not None


def test_who_has_the_permission_may(make: Make, ask: Ask, boss: User) -> None:
    record = make()
    ask(record)
    drain()
    assert isinstance(ask(record, "close", user=boss, reason="done"), Accepted)


def test_the_payload_reaches_the_envelope(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    drain()
    answer = ask(record, "note", payload={"note": "häi", "count": 3})
    stored = TransitionEnvelope.objects.get(pk=answer.envelope.pk)
    assert stored.payload == {"note": "häi", "count": 3}


BAD = {
    "unknown transition": ({"transition": "opne"}, "transition 'opne': is not declared"),
    "no object": ({"payload": [1]}, "payload [1]: is no JSON object"),
    "no JSON": ({"payload": {"a": {1, 2}}}, "payload"),
    "not a number": ({"payload": {"a": float("nan")}}, "is no JSON object"),
    "too large": ({"payload": {"a": "x" * 70_000}}, "at most 65536 are accepted"),
    "NUL": ({"payload": {"a": "x\0"}}, "NUL"),
    "NUL in the reason": ({"reason": "a\0b"}, "NUL"),
    "unknown field": ({"payload": {"colour": "red"}}, "“Open” takes only these fields: -"),
    "correlation id": ({"correlation_id": "a b"}, "visible ASCII"),
    "signed out": ({"user": AnonymousUser()}, "is not signed in"),
    "no reason": ({"transition": "close", "reason": " "}, "“Close” needs a reason"),
    "form": ({"transition": "note", "payload": {"note": "far too long"}}, "at most 10 characters"),
    "missing": ({"transition": "note"}, "note: This field is required."),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_named_and_writes_nothing(
    make: Make, ask: Ask, change: dict[str, object], message: str
) -> None:
    record = make()
    with pytest.raises(InvalidRequest) as caught:
        ask(record, **change)
    assert message in str(caught.value)
    assert actions(record) == ["started"]
    assert not TransitionEnvelope.objects.filter(record=record).exists()


def test_a_backslash_before_u0000_is_no_nul(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    drain()
    assert isinstance(ask(record, "note", payload={"note": "\\u0000"}), Accepted)


def test_an_unknown_record_is_named(ann: User) -> None:
    missing = uuid4()
    with pytest.raises(InvalidRequest, match=f"record '{missing}': does not exist"):
        submit(request=Request(record=missing, transition="open", user=ann), now=clock.now())


@pytest.mark.parametrize("value", ["", "12", "zz" * 16, None, 12])
def test_a_malformed_id_is_named(value: object) -> None:
    with pytest.raises(InvalidRequest, match="is no UUID"):
        transition_id(value)


def test_an_id_is_read_in_any_usual_spelling() -> None:
    name = uuid4()
    assert transition_id(name.hex) == transition_id(str(name).upper()) == transition_id(name)


def test_the_system_needs_no_permission(make: Make, ask: Ask) -> None:
    record = make()
    ask(record)
    drain()
    answer = ask(record, "close", user=None, reason="by rule")
    assert isinstance(answer, Accepted)
    assert answer.envelope.actor_label == "system"


def test_a_request_for_later_holds_no_slot(make: Make, ask: Ask) -> None:
    record = make()
    later = ask(record, due_at=clock.now() + timedelta(hours=1))
    assert later.envelope.state == State.SCHEDULED
    assert isinstance(ask(record, "hurry"), Accepted)
    assert drain() == {"fired": 1}
    assert drain(ahead=timedelta(hours=2)) == {"refused": 1}


def test_a_request_for_later_fires_then(make: Make, ask: Ask) -> None:
    record = make()
    ask(record, due_at=clock.now() + timedelta(hours=1))
    assert drain() == {}
    assert drain(ahead=timedelta(hours=2)) == {"fired": 1}


def test_it_commits_or_vanishes_with_the_callers_transaction(make: Make, ask: Ask) -> None:
    record = make()

    with transaction.atomic():
        ask(record)
        transaction.set_rollback(True)
    assert actions(record) == ["started"]
    assert isinstance(ask(record), Accepted)


def test_a_clean_request_takes_four_statements_and_one_commit(make: Make, ask: Ask) -> None:
    record = make()
    with CaptureQueriesContext(connection) as seen:
        ask(record)
    statements = [
        query["sql"]
        for query in seen
        if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
    ]
    assert len(statements) == 4, statements
    assert sum(query["sql"].startswith("RELEASE") for query in seen) == 1


def test_the_chain_stays_sound(make: Make, ask: Ask) -> None:
    record = make()
    ask(record, transition_id=UUID(int=1))
    ask(record, transition_id=UUID(int=1))
    ask(record, transition_id=UUID(int=1), reason="other")
    ask(record, "hurry")
    drain()
    assert verify_all(chain=record.pk).is_sound


@pytest.mark.django_db(transaction=True)
def test_it_is_judged_before_its_transaction(make: Make, ask: Ask) -> None:
    """Which is one lock for all, on SQLite."""
    record = make()
    with CaptureQueriesContext(connection) as seen:
        ask(record)
    said = [query["sql"].split()[0] for query in seen]
    assert said[:2] == ["SELECT", "BEGIN"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fires", [False, True])
def test_what_comes_between_the_look_and_the_writing_is_seen(
    make: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch, fires: bool
) -> None:
    record = make()

    def look(requests: Any) -> Any:
        monkeypatch.undo()
        found = known.undisturbed(requests)
        ask(record)
        if fires:
            drain()
        return found

    monkeypatch.setattr("workflow.engine.submit.undisturbed", look)
    answer = ask(record)
    assert isinstance(answer, Refused)
    assert answer.refusals[0].code == ("wrong_status" if fires else "in_flight")
    assert drain() == ({} if fires else {"fired": 1})
    assert verify_all().is_sound


def test_a_callers_transaction_survives_a_look_that_fails(
    make: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(requests: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    record = make()
    with transaction.atomic():
        monkeypatch.setattr("workflow.engine.submit.undisturbed", look)
        with pytest.raises(DatabaseError):
            ask(record)
        monkeypatch.undo()
        assert isinstance(ask(record), Accepted)
    assert drain() == {"fired": 1}
