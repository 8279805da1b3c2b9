"""SQL Server's guards, as text: no such server runs here.

What they say is pinned in `mssql.sql`. After a change on purpose: delete that file, run this test,
and read what it has written, since nobody else does.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.mssql import unconnected
from tests.workflow.models.guards.test_guards_in_place import GUARDED, columns
from workflow.models.guards import mssql
from workflow.models.guards.derivation import derive
from workflow.models.guards.guard import Guard, Names

PINNED = Path(__file__).with_name("mssql.sql")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> BaseDatabaseWrapper:
    return unconnected(monkeypatch)


@pytest.fixture
def made(server: BaseDatabaseWrapper) -> dict[str, Guard]:
    rules = derive(server, columns())
    return {guard.name: guard for rule in rules for guard in mssql.guards(rule, Names.of(server))}


def test_the_text_is_the_one_that_was_read(made: dict[str, Guard]) -> None:
    text = "\n\n".join(statement for guard in made.values() for statement in guard.create) + "\n"
    if not PINNED.exists():
        PINNED.write_text(text)
        pytest.fail(f"{PINNED} was missing and has been written: read it, then run again.")
    assert text == PINNED.read_text()


def test_each_guarded_table_refuses_update_delete_and_truncate(made: dict[str, Guard]) -> None:
    for model in GUARDED:
        guards = {
            name.removeprefix(f"escapement_{model._meta.db_table}_"): guard.create[0]
            for name, guard in made.items()
            if name.startswith(f"escapement_{model._meta.db_table}_")
        }
        if "append_only" in guards:
            assert "INSTEAD OF UPDATE, DELETE" in guards["append_only"]
            assert f"REFERENCES [{model._meta.db_table}]" in guards["truncate"]
        else:
            assert "INSTEAD OF DELETE" in guards["delete"]
            assert any("AFTER UPDATE" in statement for statement in guards.values())
            assert _is_referenced(model)


def _is_referenced(model: type) -> bool:
    """Return whether a foreign key points to the table, which is what stops its TRUNCATE."""
    return any(
        relation.field.db_constraint and relation.field.model is not model
        for relation in model._meta.get_fields(include_hidden=True)  # type: ignore[attr-defined]
        if relation.auto_created and relation.one_to_many
    )


def test_what_never_changes_replaces_the_statement_and_spares_the_transaction(
    made: dict[str, Guard],
) -> None:
    for guard in made.values():
        statement = guard.create[0]
        if "INSTEAD OF" in statement:
            assert "RAISERROR(" in statement
            assert "THROW" not in statement
        assert "ROLLBACK" not in statement


def test_what_has_happened_already_is_undone(made: dict[str, Guard]) -> None:
    """RAISERROR in an AFTER trigger would report the change and let it stand."""
    for guard in made.values():
        statement = guard.create[0]
        if " AFTER " in statement:
            assert "THROW 51000" in statement
            assert "RAISERROR" not in statement


def test_no_trigger_spoils_the_row_count_that_a_claim_is_judged_by(
    made: dict[str, Guard],
) -> None:
    for guard in made.values():
        if "TRIGGER" in guard.create[0]:
            assert "AS\nBEGIN\n    SET NOCOUNT ON;" in guard.create[0]


def test_every_column_is_quoted_and_texts_are_compared_as_bytes(made: dict[str, Guard]) -> None:
    status = made["escapement_workflow_record_status"].create[0]
    assert "CAST(e.[target] AS varbinary(max)) = CAST(n.[status] AS varbinary(max))" in status
    assert "n.[version] = o.[version] + 1" in status
    for guard in made.values():
        assert not re.search(r"\b[noe]\.(?!\[)", guard.create[0])


def test_a_stored_trigger_is_known_again(made: dict[str, Guard]) -> None:
    """The server keeps the text, but drops OR ALTER."""
    for guard in made.values():
        stored = guard.create[0].replace("CREATE OR ALTER", "CREATE  ")
        assert all(mark in stored for mark in guard.marks)


def test_no_table_with_an_insert_trigger_fetches_a_generated_key(
    made: dict[str, Guard],
) -> None:
    """INSERT with OUTPUT would fail there, which the backend writes for generated keys."""
    for model in GUARDED:
        if f"escapement_{model._meta.db_table}_insert" in made:
            assert not model._meta.db_returning_fields
