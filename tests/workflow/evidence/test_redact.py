"""E11: a personal value can be erased; the chain still verifies, and says who did it and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command

from audit import personal
from audit.chain import Note, append
from audit.models import Entry, PersonalValue
from audit.verify import verify_all
from tests.audit.sealing import overwrite
from tests.engine.conftest import Ask, Make
from workflow.definition import InvalidRequest
from workflow.engine import clock
from workflow.evidence.redact import redact
from workflow.examples.declarations.models import Declaration
from workflow.models import Record, TransitionEnvelope
from workflow.testing.drain import drain

pytestmark = pytest.mark.django_db

SAID = "Mrs Miller is ill."


@pytest.fixture
def record(settings: Any, make: Make, ask: Ask, seal: Any) -> Record:
    settings.AUDIT = {**settings.AUDIT, "PERSONAL": ["reason", "actor"]}
    record = make()
    ask(record, "open", reason=SAID)
    drain()
    seal()
    return record


@pytest.fixture
def officer(db: None) -> User:
    user = User.objects.create_user("officer", first_name="Dora", last_name="Po")
    user.user_permissions.add(Permission.objects.get(codename="redact_entry"))
    return user


def erase(record: Record, user: User, **more: Any) -> list[str]:
    asked = {"sequence": 2, "part": "reason", "reason": "Article 17.", **more}
    return redact(record=record.pk, user=user, now=clock.now(), **asked)


def everything() -> str:
    """All that the database says anywhere of a record, as text."""
    rows = [
        *Entry.objects.values(),
        *TransitionEnvelope.objects.values(),
        *PersonalValue.objects.values(),
        *Declaration.history.values(),
    ]
    return repr(rows)


def test_entries_hold_a_digest_and_show_the_value(record: Record) -> None:
    entry = Entry.objects.get(chain=record.pk, action="requested")
    assert personal.TOKEN.fullmatch(entry.reason)
    assert personal.TOKEN.fullmatch(entry.actor)
    (shown,) = personal.revealed([entry])
    assert (shown.reason, shown.actor) == (SAID, "Ann Lee")
    assert entry.reason != SAID
    assert verify_all().is_sound


def test_a_part_of_the_evidence_may_be_personal_too(record: Record, settings: Any) -> None:
    value = 'He said "no" \\ and left.'
    about = {"said": value, "kept": 1}
    append(
        [
            Note(
                chain=record.pk,
                at=clock.now(),
                action="note",
                actor="x",
                evidence=about,
                personal=frozenset({"said"}),
            )
        ]
    )
    entry = Entry.objects.filter(chain=record.pk).latest("sequence")
    assert "no" not in json.loads(entry.evidence)["said"]
    (shown,) = personal.revealed([entry])
    assert json.loads(shown.evidence) == about
    assert verify_all().is_sound


def test_once_redacted_it_is_nowhere_and_the_chain_verifies(
    record: Record, officer: User, seal: Any
) -> None:
    assert SAID in everything()
    digests = erase(record, officer)
    assert len(digests) >= 1
    assert SAID not in everything()
    seal()
    assert verify_all().faults == []
    shown = personal.revealed(Entry.objects.filter(chain=record.pk).order_by("sequence"))
    assert [each.reason for each in shown if each.action in ("requested", "fired")] == [
        "[redacted]",
        "[redacted]",
    ]


def test_the_redaction_is_an_entry(record: Record, officer: User) -> None:
    digests = erase(record, officer)
    (shown,) = personal.revealed(Entry.objects.filter(action="redacted"))
    assert (shown.actor, shown.reason) == ("Dora Po", "Article 17.")
    told = json.loads(shown.evidence)
    assert (told["sequence"], told["part"], told["digests"]) == (2, "reason", digests)


def test_it_needs_its_own_permission_and_a_reason(
    record: Record, officer: User, boss: User
) -> None:
    with pytest.raises(PermissionDenied, match=r"audit\.redact_entry"):
        erase(record, boss)
    with pytest.raises(InvalidRequest, match="say why"):
        erase(record, officer, reason=" ")
    assert SAID in everything()
    assert not Entry.objects.filter(action="redacted").exists()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"sequence": 99}, "has no entry 99"),
        ({"part": "evidence 1"}, "holds no personal 'evidence 1'"),
    ],
)
def test_what_is_not_there_cannot_be_redacted(
    record: Record, officer: User, asked: Any, problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        erase(record, officer, **asked)


def test_twice_is_told(record: Record, officer: User) -> None:
    erase(record, officer)
    with pytest.raises(InvalidRequest, match="has been erased before"):
        erase(record, officer)


def test_a_value_erased_or_altered_behind_the_trails_back_is_found(record: Record) -> None:
    row = PersonalValue.objects.get(value=SAID)
    overwrite(row, value="Mrs Miller is well.")
    (fault,) = verify_all().faults
    assert (fault.kind, fault.sequence) == ("edited", 3)
    row.delete()
    (fault,) = verify_all().faults
    assert fault.kind == "missing"
    assert "no entry says who redacted it" in fault.message


def test_the_digest_gives_nothing_away(record: Record) -> None:
    """Two equal values have two digests: guessing takes the salt, which goes with the value."""
    one = personal.conceal(chain=record.pk, value=SAID)[0]
    two = personal.conceal(chain=record.pk, value=SAID)[0]
    assert one != two


def test_a_repeated_request_is_still_recognised(record: Record, ann: User, ask: Ask) -> None:
    envelope = TransitionEnvelope.objects.get(transition="open")
    again = ask(record, "open", reason=SAID, transition_id=envelope.pk, user=ann)
    assert type(again).__name__ == "Repeated"


def test_the_command(record: Record, officer: User, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="No user 'x'"):
        call_command("evidence_redact", record.reference, "2", "reason", user="x", reason="x")
    with pytest.raises(CommandError, match="names no record"):
        call_command("evidence_redact", "x", "2", "reason", user="officer", reason="x")
    call_command(
        "evidence_redact", record.reference, "2", "reason", user="officer", reason="Article 17."
    )
    assert "hold only a digest" in capsys.readouterr().out
    assert SAID not in everything()
