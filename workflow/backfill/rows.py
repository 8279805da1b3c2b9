"""Inserting many rows of a model quickly: the one place with a vendor's own way to do so.

Making a model instance a row costs more than the database takes to store it. So rows are given as
tuples, and go by COPY on PostgreSQL and by one prepared statement on SQLite; elsewhere they go by
`bulk_create`. Triggers, constraints and foreign keys hold on every way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, models

Row = Sequence[Any]
Convert = Callable[[Any], Any]


class Rows:
    """Inserts rows of one model, of which some columns are given and the others have defaults."""

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        """Take the given columns' attribute names. JSON values are given as JSON text."""
        self._model = model
        fields = {field.attname: field for field in model._meta.concrete_fields}
        self._fields: list[models.Field[Any, Any]] = [fields[name] for name in names]
        self._constants: list[models.Field[Any, Any]] = [
            field
            for name, field in fields.items()
            if name not in names and not isinstance(field, models.AutoField)
        ]

    def insert(self, rows: Iterable[Row]) -> None:
        """Insert the rows. Call in a transaction."""
        match connection.vendor:
            case "postgresql":
                self._copy(rows)
            case "sqlite":
                self._execute(rows)
            case _:
                self._create(rows)

    def _columns(self) -> str:
        quote = connection.ops.quote_name
        return ", ".join(quote(str(each.column)) for each in (*self._fields, *self._constants))

    def _defaults(self) -> tuple[Any, ...]:
        return tuple(
            json.dumps(field.get_default())
            if isinstance(field, models.JSONField)
            else field.get_default()
            for field in self._constants
        )

    def _copy(self, rows: Iterable[Row]) -> None:
        table = connection.ops.quote_name(self._model._meta.db_table)
        defaults = self._defaults()
        with connection.cursor() as cursor:
            sql = f"COPY {table} ({self._columns()}) FROM STDIN"
            with cursor.cursor.copy(sql) as copy:  # psycopg's own
                for row in rows:
                    copy.write_row((*row, *defaults))

    def _execute(self, rows: Iterable[Row]) -> None:
        table = connection.ops.quote_name(self._model._meta.db_table)
        converts = [
            (place, convert)
            for place, field in enumerate(self._fields)
            if (convert := _for_sqlite(field)) is not None
        ]
        ends = []
        for field, value in zip(self._constants, self._defaults(), strict=True):
            convert = _for_sqlite(field)
            ends.append(value if value is None or convert is None else convert(value))
        ready = []
        for given in rows:
            row = [*given, *ends]
            for place, convert in converts:
                if row[place] is not None:
                    row[place] = convert(row[place])
            ready.append(row)
        marks = ", ".join(["%s"] * (len(self._fields) + len(ends)))
        statement = f"INSERT INTO {table} ({self._columns()}) VALUES ({marks})"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.executemany(statement, ready)

    def _create(self, rows: Iterable[Row]) -> None:
        names = [field.attname for field in self._fields]
        is_json = [isinstance(field, models.JSONField) for field in self._fields]
        self._model._base_manager.bulk_create(
            [
                self._model(
                    **{
                        name: json.loads(value) if decode else value
                        for name, decode, value in zip(names, is_json, row, strict=True)
                    }
                )
                for row in rows
            ],
            batch_size=500,
        )


def _for_sqlite(field: models.Field[Any, Any]) -> Convert | None:
    """Return how SQLite's backend stores a field's values; None where it needs nothing."""
    kind = field.target_field if isinstance(field, models.ForeignKey) else field
    match kind.get_internal_type():
        case "UUIDField":
            return _hex
        case "DateTimeField":
            return _naive
        case "DateField":
            return date.isoformat
        case "DecimalField" | "TimeField" | "DurationField":
            return lambda value: field.get_db_prep_save(value, connection)
        case _:
            return None


@lru_cache(maxsize=8192)
def _hex(value: UUID) -> str:
    return value.hex


@lru_cache(maxsize=8192)
def _naive(value: datetime) -> str:
    return str(value.astimezone(UTC).replace(tzinfo=None))
