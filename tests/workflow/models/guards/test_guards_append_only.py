"""The trail, the attempts and every history are inserted into, and that is all.

Invariant 6, features E1 and E2.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from audit.models import Entry
from tests.workflow.models.guards.attacks import (
    CHANGES,
    DELETIONS,
    ON_POSTGRESQL,
    Change,
    run,
    table,
)
from tests.workflow.models.guards.conftest import Refused
from tests.workflow.models.guards.rows import (
    make_attempt,
    make_effect_attempt,
    make_entry,
    make_history,
)
from workflow.examples.declarations.models import Declaration
from workflow.models import Attempt, Record, Tracked
from workflow.models.guards.derivation import guarded

History = Declaration.history.model


Make = Callable[[Record], models.Model]

TABLES: list[Any] = [
    pytest.param(make_entry, {"action": "fired"}, id="trail"),
    pytest.param(make_attempt, {"message": "nothing"}, id="attempts"),
    pytest.param(make_effect_attempt, {"message": "nothing"}, id="effect attempts"),
    pytest.param(make_history, {"amount": Decimal(2000)}, id="history"),
]


@pytest.mark.parametrize(("make", "forged"), TABLES)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_way_of_changing_a_row(
    record: Record, make: Make, forged: dict[str, Any], change: Change, refused: Refused
) -> None:
    row = make(record)
    with refused("is append-only|has such a row"):
        change(row, **forged)


@pytest.mark.parametrize(("make", "forged"), TABLES)
@pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)
def test_no_way_of_deleting_a_row(
    record: Record,
    make: Make,
    forged: dict[str, Any],
    delete: Callable[[models.Model], None],
    refused: Refused,
) -> None:
    row = make(record)
    with refused("is append-only"):
        delete(row)
    assert type(row)._base_manager.filter(pk=row.pk).exists()


@ON_POSTGRESQL
@pytest.mark.parametrize("model", [Entry, Attempt, History])
def test_no_way_of_emptying_the_table(model: type[models.Model], refused: Refused) -> None:
    with refused(f"{model._meta.db_table} is append-only"):
        run(f"TRUNCATE {table(model)}")


@pytest.mark.parametrize(("make", "forged"), TABLES)
def test_a_change_that_changes_nothing_is_refused_too(
    record: Record, make: Make, forged: dict[str, Any], refused: Refused
) -> None:
    row = make(record)
    row.refresh_from_db()
    with refused("is append-only"):
        row.save(force_update=True)


@pytest.mark.parametrize("model", [Entry, Attempt, History])
def test_a_statement_that_finds_no_row_is_none(model: type[models.Model]) -> None:
    """A user with nothing in the history can be deleted, though the cascade asks it."""
    assert run(f"DELETE FROM {table(model)}") == 0


def test_many_rows_are_inserted_at_once(record: Record) -> None:
    first = make_entry(record)
    more = [
        Entry(chain=record.pk, sequence=place, at=first.at, action="x", actor="Ada", digest="2")
        for place in range(2, 60)
    ]
    Entry.objects.bulk_create(more)
    assert Entry.objects.count() == 59


def test_the_history_of_every_tracked_model_is_guarded() -> None:
    tracked = [model for model in apps.get_models() if issubclass(model, Tracked)]
    histories = {model.history.model for model in tracked}
    assert Declaration in tracked
    assert histories <= set(guarded(connection.alias))
