"""Chains to tamper with, and the means to do it: raw SQL with the guards lifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, models

from audit.canonical import digest
from audit.chain import Note, append
from audit.models import Entry
from workflow.testing.guards import lifted

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


def note(chain: UUID, place: int = 1, **values: Any) -> Note:
    """Return a note with something in every column."""
    asked: dict[str, Any] = {
        "at": NOW + timedelta(seconds=place),
        "action": "fired",
        "actor_id": "7",
        "actor": "Ada",
        "reason": "It was due.",
        "old": "draft",
        "new": f"step {place}",
        "transition_id": uuid4(),
        "correlation_id": "c-1",
        "evidence": {"place": place},
    }
    return Note(chain=chain, **{**asked, **values})


def make_chain(entries: int = 5, chain: UUID | None = None) -> UUID:
    """Append so many entries to a chain, which is a new one unless named."""
    chain = chain or uuid4()
    append([note(chain, place) for place in range(1, entries + 1)])
    return chain


def entry(chain: UUID, place: int) -> Entry:
    return Entry.objects.get(chain=chain, sequence=place)


def forge(target: Entry, **values: Any) -> None:
    """Set columns of one row, past the guards and past the model."""
    fields = [Entry._meta.get_field(name) for name in values]
    columns = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    stored = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(fields, values.values(), strict=True)
    ]
    run(f"UPDATE audit_entry SET {columns} WHERE id = %s", [*stored, target.pk])


def remove(target: Entry) -> None:
    run("DELETE FROM audit_entry WHERE id = %s", [target.pk])


def shift(chain: UUID, *, start: int, by: int) -> None:
    """Move the places from `start` on; far away first, since the places are unique at each row."""
    for delta in (1000, by - 1000):
        first = start if delta == 1000 else start + 1000
        run(
            "UPDATE audit_entry SET sequence = sequence + %s WHERE chain = %s AND sequence >= %s",
            [delta, Entry._meta.get_field("chain").get_db_prep_save(chain, connection), first],
        )


def insert(chain: UUID, *, place: int, previous: str) -> None:
    """Insert an entry whose own digest is right."""
    row = Entry(
        chain=chain, sequence=place, at=NOW, action="fired", actor="Eve", previous=previous
    )
    row.digest = digest(row)
    fields: list[models.Field[Any, Any]] = [
        field for field in Entry._meta.concrete_fields if not field.primary_key
    ]
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    run(
        f"INSERT INTO audit_entry ({names}) VALUES ({', '.join(['%s'] * len(fields))})",
        [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields],
    )


def run(statement: str, values: list[Any]) -> None:
    with lifted(connection), connection.cursor() as cursor:
        cursor.execute(statement, values)
