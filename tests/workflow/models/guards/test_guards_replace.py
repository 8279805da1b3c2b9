"""SQLite deletes whatever is in the way of a REPLACE, and tells no DELETE trigger of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models

from audit.models import Entry
from tests.workflow.models.guards.attacks import ON_SQLITE, column, run, stored, table
from tests.workflow.models.guards.conftest import Refused
from tests.workflow.models.guards.rows import (
    NOW,
    fire,
    make_attempt,
    make_entry,
    make_envelope,
    make_history,
    make_record,
)
from workflow.models import Attempt, Record, State, TransitionEnvelope, uuid7

pytestmark = ON_SQLITE

TAKEN = "has such a row, which is never replaced"


def insert(model: type[models.Model], verb: str, like: models.Model, **values: Any) -> int:
    """Insert a copy of a row, with other values, as the verb says."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if values.get(field.name, field) is not AUTOMATIC
    ]
    copied = {field.name: getattr(like, field.attname) for field in fields}
    row = [
        stored(model, name, value)
        for name, value in {**copied, **values}.items()
        if value is not AUTOMATIC
    ]
    names = ", ".join(column(model, field.name) for field in fields)
    places = ", ".join(["%s"] * len(row))
    return run(f"{verb} INTO {table(model)} ({names}) VALUES ({places})", *row)


AUTOMATIC = object()

KEYS = ("id", "reference")

VERBS = ["INSERT OR REPLACE", "REPLACE", "INSERT"]


def test_the_hole_is_there_to_be_closed() -> None:
    """If Django ever sets `recursive_triggers`, the DELETE triggers would do."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("verb", VERBS)
def test_a_record_is_not_replaced(record: Record, verb: str, refused: Refused) -> None:
    with refused(TAKEN):
        insert(Record, verb, record, status="paid")
    assert Record.objects.get().status == "draft"


@pytest.mark.parametrize("verb", VERBS)
def test_a_record_is_not_replaced_by_another_of_its_reference(
    record: Record, verb: str, refused: Refused
) -> None:
    with refused(TAKEN):
        insert(Record, verb, record, id=uuid7(), status="paid")
    assert Record.objects.get() == record


def test_a_record_does_not_take_the_place_of_another(record: Record, refused: Refused) -> None:
    other = make_record()
    with refused(TAKEN):
        run(
            f"UPDATE OR REPLACE {table(Record)} SET reference = %s WHERE id = %s",
            record.reference,
            other.pk.hex,
        )
    assert Record.objects.count() == 2


@pytest.mark.parametrize("verb", VERBS)
def test_an_envelope_is_not_replaced(
    envelope: TransitionEnvelope, verb: str, refused: Refused
) -> None:
    with refused(TAKEN):
        insert(TransitionEnvelope, verb, envelope, target="paid")
    assert TransitionEnvelope.objects.get().target == "submitted"


@pytest.mark.parametrize("verb", VERBS)
def test_the_envelope_that_holds_the_slot_is_not_replaced(
    envelope: TransitionEnvelope, verb: str, refused: Refused
) -> None:
    with refused(TAKEN):
        insert(TransitionEnvelope, verb, envelope, transition_id=uuid7(), state=State.PARKED)
    assert TransitionEnvelope.objects.get() == envelope


@pytest.mark.parametrize("state", [State.REFUSED, State.SCHEDULED])
def test_an_envelope_outside_the_slot_replaces_nothing(
    envelope: TransitionEnvelope, state: State
) -> None:
    ended = NOW if state == State.REFUSED else None
    insert(
        *(TransitionEnvelope, "INSERT", envelope),
        transition_id=uuid7(),
        state=state,
        finished_at=ended,
    )
    assert TransitionEnvelope.objects.count() == 2


def test_an_envelope_does_not_take_the_slot_of_another(
    envelope: TransitionEnvelope, refused: Refused
) -> None:
    other = make_envelope(envelope.record, state=State.SCHEDULED)
    with refused(TAKEN):
        run(
            f"UPDATE OR REPLACE {table(TransitionEnvelope)} SET state = 'waiting'"
            " WHERE transition_id = %s",
            other.pk.hex,
        )
    assert TransitionEnvelope.objects.count() == 2


def test_an_envelope_does_not_take_the_version_of_another(
    envelope: TransitionEnvelope, refused: Refused
) -> None:
    fire(envelope)
    other = make_envelope(envelope.record)
    with refused(TAKEN):
        run(
            f"UPDATE OR REPLACE {table(TransitionEnvelope)} SET resulting_version = 1"
            " WHERE transition_id = %s",
            other.pk.hex,
        )
    assert TransitionEnvelope.objects.count() == 2


def test_a_record_is_not_replaced_by_another_of_its_row_number(
    record: Record, refused: Refused
) -> None:
    names = ", ".join(f.attname for f in Record._meta.concrete_fields if f.name not in KEYS)
    with refused(TAKEN):
        run(
            f"REPLACE INTO {table(Record)} (rowid, id, reference, {names})"
            f" SELECT rowid, %s, %s, {names} FROM {table(Record)}",
            uuid7().hex,
            "D-1",
        )
    assert Record.objects.get() == record


@pytest.mark.parametrize("model", [Record, TransitionEnvelope])
def test_a_row_does_not_take_the_number_of_another(
    envelope: TransitionEnvelope, model: type[models.Model], refused: Refused
) -> None:
    make_envelope(make_record())
    rows = f"FROM {table(model)}"
    with refused(TAKEN):
        run(
            f"UPDATE OR REPLACE {table(model)} SET rowid = (SELECT max(rowid) {rows})"
            f" WHERE rowid = (SELECT min(rowid) {rows})"
        )
    assert model._base_manager.count() == 2


@pytest.mark.parametrize("policy", ["IGNORE", "FAIL", "ABORT", "REPLACE"])
def test_no_conflict_policy_talks_a_guard_over(
    record: Record, policy: str, refused: Refused
) -> None:
    with refused("changes status only"):
        run(f"UPDATE OR {policy} {table(Record)} SET status = 'paid'")
    assert Record.objects.get().status == "draft"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("key", [{}, {"id": AUTOMATIC}, {"id": 999}])
def test_an_entry_is_not_replaced(
    record: Record, verb: str, key: dict[str, Any], refused: Refused
) -> None:
    """Neither under its own key, nor by another entry for its place in the chain."""
    entry = make_entry(record)
    with refused(TAKEN):
        insert(Entry, verb, entry, **key, action="forged")
    assert Entry.objects.get().action == "started"


@pytest.mark.parametrize("verb", VERBS)
def test_an_entry_of_another_place_does_not_replace_it(
    record: Record, verb: str, refused: Refused
) -> None:
    entry = make_entry(record)
    with refused(TAKEN):
        insert(Entry, verb, entry, sequence=2, action="forged")
    assert Entry.objects.get().action == "started"


@pytest.mark.parametrize("verb", VERBS)
def test_an_attempt_is_not_replaced(record: Record, verb: str, refused: Refused) -> None:
    attempt = make_attempt(record)
    with refused(TAKEN):
        insert(Attempt, verb, attempt, id=AUTOMATIC, ending="fired")
    assert Attempt.objects.get().ending == "refused"


@pytest.mark.parametrize("verb", VERBS)
def test_a_row_of_history_is_not_replaced(record: Record, verb: str, refused: Refused) -> None:
    row = make_history(record)
    with refused(TAKEN):
        insert(type(row), verb, row, number="forged")
    assert type(row)._base_manager.values_list("number").get() == ("D-1",)


def test_the_next_of_a_chain_gets_a_key_of_its_own(record: Record) -> None:
    entry = make_entry(record)
    insert(Entry, "INSERT OR REPLACE", entry, id=AUTOMATIC, sequence=2)
    assert Entry.objects.count() == 2
