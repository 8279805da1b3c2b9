"""The guards are there after a migration, tell when they are not, and can be put back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, models
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from tests.workflow.models.guards.attacks import CHANGES, ON_POSTGRESQL, ON_SQLITE, run, table
from tests.workflow.models.guards.conftest import Refused
from tests.workflow.models.guards.rows import make_entry, make_record
from workflow.examples.declarations.models import Declaration
from workflow.models import (
    Attempt,
    EffectAttempt,
    EffectEntry,
    Record,
    TransitionEnvelope,
    guards,
)
from workflow.models.guards import derivation
from workflow.models.guards.guard import Names
from workflow.models.guards.rules import AppendOnly, EnvelopeGuard, LedgerGuard, StatusGuard
from workflow.testing.guards import lifted

GUARDED: list[type[models.Model]] = [
    Record,
    TransitionEnvelope,
    Attempt,
    EffectEntry,
    EffectAttempt,
    Entry,
    Declaration.history.model,
]

A_GUARD = {
    "sqlite": "escapement_audit_entry_update",
    "postgresql": "escapement_audit_entry_append_only",
}[connection.vendor]


def drop(name: str, model: type[models.Model]) -> None:
    on = f" ON {table(model)}" if connection.vendor == "postgresql" else ""
    run(f"DROP TRIGGER {connection.ops.quote_name(name)}{on}")


def columns() -> dict[str, frozenset[str]]:
    """Return the columns of the guarded tables, as the models have them."""
    return {
        model._meta.db_table: frozenset(
            field.column for field in model._meta.local_concrete_fields if field.column
        )
        for model in GUARDED
    }


def test_a_dropped_guard_is_named_and_put_back(record: Record, refused: Refused) -> None:
    drop(A_GUARD, Entry)
    assert guards.missing(connection) == [A_GUARD]
    guards.install(connection)
    assert guards.missing(connection) == []
    with refused("audit_entry is append-only"):
        CHANGES["raw SQL"](make_entry(record), action="forged")


def test_removing_takes_all_of_them_and_names_them(record: Record) -> None:
    guards.remove(connection)
    guards.remove(connection)
    for model in GUARDED:
        named = f"escapement_{model._meta.db_table}_"
        assert any(name.startswith(named) for name in guards.missing(connection))
    CHANGES["raw SQL"](record, status="paid")


def test_installing_twice_changes_nothing() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        guards.install(connection)
        guards.install(connection)
    verbs = {query["sql"].split()[0] for query in queries.captured_queries}
    assert verbs == {"SELECT"}


@ON_POSTGRESQL
def test_a_disabled_guard_is_missing_and_enabled_again(record: Record, refused: Refused) -> None:
    run(f"ALTER TABLE {table(Entry)} DISABLE TRIGGER {A_GUARD}")
    assert guards.missing(connection) == [A_GUARD]
    guards.install(connection)
    with refused("audit_entry is append-only"):
        CHANGES["raw SQL"](make_entry(record), action="forged")


@ON_POSTGRESQL
@pytest.mark.parametrize("function", ["escapement_refuse", "escapement_workflow_record_status"])
def test_a_guard_whose_function_lost_its_teeth_is_missing(
    record: Record, function: str, refused: Refused
) -> None:
    run(
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NEW; END'"
    )
    assert guards.missing(connection)
    guards.install(connection)
    assert guards.missing(connection) == []
    with refused("audit_entry is append-only"):
        CHANGES["raw SQL"](make_entry(record), action="forged")
    with refused("changes status only"):
        CHANGES["raw SQL"](record, status="paid")


def test_a_guard_of_another_release_is_missing_and_replaced(
    record: Record, refused: Refused
) -> None:
    drop(A_GUARD, Entry)
    if connection.vendor == "postgresql":
        run(
            f"CREATE TRIGGER {A_GUARD} BEFORE DELETE ON {table(Entry)}"
            " FOR EACH ROW EXECUTE FUNCTION escapement_refuse('an older message', '0')"
        )
    else:
        run(
            f"CREATE TRIGGER {A_GUARD} BEFORE UPDATE OF actor ON {table(Entry)}"
            " BEGIN SELECT RAISE(ABORT, 'an older message'); END"
        )
    assert guards.missing(connection) == [A_GUARD]
    guards.install(connection)
    with refused("audit_entry is append-only"):
        CHANGES["raw SQL"](make_entry(record), action="forged")


def test_lifting_puts_them_back_after_an_exception() -> None:
    def fails() -> None:
        with lifted(connection):
            assert guards.missing(connection) != []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert guards.missing(connection) == []


def test_a_table_that_is_not_there_is_not_missed() -> None:
    """As between the installation of an app and its first migration."""
    run(f"ALTER TABLE {table(Declaration.history.model)} RENAME TO gone")
    assert guards.missing(connection) == []
    guards.install(connection)


def test_a_table_that_is_not_there_yet_has_no_rule() -> None:
    there = columns()
    del there[Entry._meta.db_table]
    guarded = {rule.table.name for rule in derivation.derive(connection, there)}
    assert guarded == set(there)


def test_a_column_that_is_not_there_yet_is_not_guarded() -> None:
    there = columns()
    envelopes = TransitionEnvelope._meta.db_table
    there[envelopes] -= {"priority"}
    (rule,) = (
        rule for rule in derivation.derive(connection, there) if isinstance(rule, EnvelopeGuard)
    )
    assert "priority" not in rule.fixed
    assert "digest" in rule.fixed


def test_a_rule_whose_own_column_is_not_there_yet_waits_for_it() -> None:
    there = columns()
    there[TransitionEnvelope._meta.db_table] -= {"resulting_version"}
    rules = {type(rule) for rule in derivation.derive(connection, there)}
    assert rules == {AppendOnly, LedgerGuard}
    assert StatusGuard in {type(rule) for rule in derivation.derive(connection, columns())}


def test_a_long_table_name_gets_a_guard_that_is_found_again() -> None:
    names = Names.of(connection)
    long = names.guard("a" * 60, "append_only"), names.guard("a" * 60, "truncate")
    assert len(set(long)) == 2
    if connection.vendor == "postgresql":
        assert max(map(len, long)) <= 63


def alter(model: type[models.Model], name: str, **changes: Any) -> None:
    """Alter a column as a migration does; SQLite rebuilds the table for it."""
    old = model._meta.get_field(name)
    assert isinstance(old, models.Field)
    _, _, arguments, options = old.deconstruct()
    new = type(old)(*arguments, **{**options, **changes})
    new.set_attributes_from_name(name)
    new.model = model
    with connection.schema_editor() as editor:
        editor.alter_field(model, old, new, strict=True)


ALTERED = [
    pytest.param(Record, "workflow", id="record"),
    pytest.param(TransitionEnvelope, "transition", id="envelope"),
    pytest.param(Attempt, "worker", id="attempt"),
    pytest.param(Entry, "action", id="trail"),
    pytest.param(Declaration.history.model, "number", id="history"),
]


@ON_SQLITE
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("model", "name"), ALTERED)
def test_a_rebuilt_table_is_guarded_again_after_migrating(
    model: type[models.Model], name: str
) -> None:
    guards.make_way(connection, labels={model._meta.app_label})
    alter(model, name, db_default="x")
    try:
        assert guards.missing(connection) != []
        call_command("migrate", verbosity=0)
        assert guards.missing(connection) == []
    finally:
        guards.make_way(connection, labels={model._meta.app_label})
        alter(model, name)
        guards.install(connection)


@ON_SQLITE
@pytest.mark.django_db(transaction=True)
def test_the_envelope_table_cannot_be_rebuilt_under_the_records_guard() -> None:
    """Which is why there is a `make_way`. The migration rolls back as a whole."""
    with pytest.raises(OperationalError, match="escapement_workflow_record_status"):
        alter(TransitionEnvelope, "transition", db_default="x")
    assert guards.missing(connection) == []


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("model", "name"), [(Record, "workflow"), (TransitionEnvelope, "transition")]
)
def test_a_guarded_column_can_change_its_type_once_way_is_made(
    model: type[models.Model], name: str
) -> None:
    with pytest.raises(DatabaseError, match="used in a trigger definition"):
        alter(model, name, max_length=200)
    guards.make_way(connection, labels={"workflow"})
    alter(model, name, max_length=200)
    alter(model, name)
    assert guards.missing(connection) != []
    guards.install(connection)
    assert guards.missing(connection) == []


def test_making_way_leaves_the_trail_guarded(record: Record, refused: Refused) -> None:
    guards.make_way(connection, labels={"workflow", "audit", "declarations"})
    missing = guards.missing(connection)
    assert missing
    assert all(name.startswith("escapement_workflow_") for name in missing)
    assert not any("attempt" in name for name in missing)
    with refused("audit_entry is append-only"):
        CHANGES["raw SQL"](make_entry(record), action="forged")


def test_an_adopters_migration_takes_no_guard_away() -> None:
    guards.make_way(connection, labels={"declarations"})
    assert guards.missing(connection) == []


@pytest.mark.django_db(transaction=True)
def test_a_transactional_test_finds_them_in_place(refused: Refused) -> None:
    with refused("changes status only"):
        CHANGES["raw SQL"](make_record(), status="paid")
