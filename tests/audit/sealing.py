"""Sealing, and tampering with seals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db import connection, models

from audit.keys import Key
from audit.models import Seal
from audit.seal import seal_all
from tests.audit.rows import NOW, run

LATER = datetime(2026, 2, 1, tzinfo=UTC)
"""After all entries that `rows` makes."""


def sealed(key: Key, now: datetime = NOW) -> list[Seal]:
    """Seal all there is, at that time."""
    return list(seal_all(key=key, clock=lambda: now))


def overwrite(row: models.Model, **values: Any) -> None:
    """Set columns of a row, past the guards and past the model."""
    table = row._meta.db_table
    fields = [row._meta.get_field(name) for name in values]
    columns = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    stored = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(fields, values.values(), strict=True)
    ]
    key = row._meta.pk
    run(
        f"UPDATE {table} SET {columns} WHERE {key.column} = %s",
        [*stored, key.get_db_prep_save(row.pk, connection)],
    )


def erase(row: models.Model) -> None:
    key = row._meta.pk
    run(
        f"DELETE FROM {row._meta.db_table} WHERE {key.column} = %s",
        [key.get_db_prep_save(row.pk, connection)],
    )


def ticking() -> Iterator[int]:
    return count(1)
