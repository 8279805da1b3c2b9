"""Writing many rows of a model quickly: the one place with a vendor's own way to do so.

Making a model instance a row, and an expression a value, costs more than the database takes to
store it. So rows are given as tuples, and go by COPY (many new ones), as arrays (changed ones) on
PostgreSQL, and by one prepared statement on SQLite; elsewhere they go by the ORM. Triggers,
constraints and foreign keys hold on every way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property, partial
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from audit import planned
from audit.fields import (
    Column,
    Prepare,
    Row,
    arrays_of,
    name_of,
    names_of,
    preparing,
    table_of,
    type_of,
    values_of,
)

_FEW = 4
"""Rows that go to PostgreSQL as one INSERT: to begin and to end a COPY takes a round trip each."""

_OWN_WAYS = ("postgresql", "sqlite")
"""Databases to which rows go otherwise than by the ORM."""

_EQUAL_IS_SAME = {str, int, UUID}
"""Kinds of which equal values are the same value."""


class Ready(list[Row]):
    """Rows in the form in which they go to the database, as `Rows.ready` makes them."""


class Rows:
    """Inserts rows of one model, of which some columns are given and the others have defaults.

    What it needs for the default database is worked out once.
    """

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        """Take the given columns' attribute names."""
        self._model = model
        fields = {field.attname: field for field in model._meta.concrete_fields}
        self._fields: list[Column] = [fields[name] for name in names]
        self._constants: list[Column] = [
            field
            for name, field in fields.items()
            if name not in names and not isinstance(field, models.AutoField)
        ]

    def ready(self, rows: Sequence[Row]) -> Ready:
        """Return the rows in such a form that inserting them takes less time."""
        return Ready(self._stored(rows) if connection.vendor in _OWN_WAYS else rows)

    def insert(self, rows: Sequence[Row]) -> None:
        """Insert the rows, made `ready` or not. Call in a transaction.

        Raises:
            IntegrityError: The database refuses one of them.
        """
        if not rows:
            return
        if not isinstance(rows, Ready):
            rows = self.ready(rows)
        match connection.vendor:
            case "postgresql" if len(rows) <= _FEW:
                values = [value for row in rows for value in row]
                with planned.cursor(connections[DEFAULT_DB_ALIAS]) as cursor:
                    cursor.execute(self._inserts(len(rows)), values)
            case "postgresql":
                sql = f"COPY {table_of(self._model)} ({self._columns}) FROM STDIN"
                _copy(sql, rows)
            case "sqlite":
                with connection.cursor() as cursor:
                    cursor.executemany(self._inserts(1), rows)
            case _:
                self._create(rows)

    @cached_property
    def _columns(self) -> str:
        return names_of([*self._fields, *self._constants])

    def _inserts(self, rows: int) -> str:
        """Return the statement for so many rows at once."""
        marks = ", ".join(["%s"] * (len(self._fields) + len(self._constants)))
        many = ", ".join([f"({marks})"] * rows)
        return f"INSERT INTO {table_of(self._model)} ({self._columns}) VALUES {many}"  # noqa: S608  (a model's names)

    def _stored(self, rows: Iterable[Row]) -> Iterator[list[Any]]:
        """Yield the rows with their defaults, as the database's driver takes them."""
        (defaults,) = self._prepare_constants([[field.get_default() for field in self._constants]])
        for row in self._prepare(rows):
            yield row + defaults

    @cached_property
    def _prepare(self) -> Prepare:
        return preparing(self._fields)

    @cached_property
    def _prepare_constants(self) -> Prepare:
        return preparing(self._constants)

    def _create(self, rows: Iterable[Row]) -> None:
        names = [field.attname for field in self._fields]
        self._model._base_manager.bulk_create(
            [self._model(**dict(zip(names, row, strict=True))) for row in rows], batch_size=500
        )


def create(instances: Sequence[models.Model]) -> None:
    """Insert new instances of one model, all their columns; they do not get to know their keys.

    Raises:
        IntegrityError: The database refuses one of them.
    """
    if instances:
        rows, get = _every(type(instances[0]))
        rows.insert([get(each) for each in instances])


@cache
def _every(model: type[models.Model]) -> tuple[Rows, Callable[[models.Model], Row]]:
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields if not isinstance(field, models.AutoField)]
    return Rows(model, names), values_of(names)


class Changes:
    """Writes some columns of many rows of one model, each row its own values."""

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        """Take the names of the fields that change."""
        self._model = model
        self._names = tuple(names)
        self._updates: dict[tuple[bool, ...], str] = {}

    @cached_property
    def _fields(self) -> list[Column]:
        """The key, and then what changes."""
        fields = {field.name: field for field in self._model._meta.concrete_fields}
        key: Any = self._model._meta.pk
        return [key, *(fields[name] for name in self._names)]

    @cached_property
    def _prepare(self) -> Prepare:
        return preparing(self._fields)

    def write(self, instances: Sequence[models.Model]) -> None:
        """Write the columns of these; rows that are gone are left out. Call in a transaction.

        Raises:
            IntegrityError: The database refuses one of them.
        """
        if not instances:
            return
        if any(field.model is not self._model for field in self._fields):
            # A table of a parent's.
            self._model._base_manager.bulk_update(instances, self._names, batch_size=200)
            return
        get = values_of([field.attname for field in self._fields])
        rows = self._prepare(get(each) for each in instances)
        match connection.vendor:
            case "postgresql" if len(instances) == 1:
                (row,) = rows
                with planned.cursor(connections[DEFAULT_DB_ALIAS]) as cursor:
                    cursor.execute(self._one, _key_last(row))
            case "postgresql":
                self._write_arrays([list(column) for column in zip(*rows, strict=True)])
            case "sqlite":
                with connection.cursor() as cursor:
                    cursor.executemany(self._one, [_key_last(row) for row in rows])
            case _:
                self._model._base_manager.bulk_update(instances, self._names, batch_size=200)

    @cached_property
    def _one(self) -> str:
        """The statement for one row. PostgreSQL is told the types, as it is for several."""
        key, *changed = self._fields
        typed = connection.vendor == "postgresql"
        marks = [f"%s::{type_of(each)}" if typed else "%s" for each in changed]
        pairs = zip(changed, marks, strict=True)
        assigned = ", ".join(f"{name_of(each)} = {mark}" for each, mark in pairs)
        return f"UPDATE {table_of(self._model)} SET {assigned} WHERE {name_of(key)} = %s"  # noqa: S608  (a model's names)

    def _write_arrays(self, columns: Sequence[list[Any]]) -> None:
        """Write all rows at once. Most columns of a batch get one value, which is sent once."""
        key, *changed = columns
        once = tuple(map(_is_one, changed))
        if once not in self._updates:
            self._updates[once] = self._update(once)
        values = [column[0] for column, is_one in zip(changed, once, strict=True) if is_one]
        arrays = [column for column, is_one in zip(changed, once, strict=True) if not is_one]
        with planned.cursor(connections[DEFAULT_DB_ALIAS]) as cursor:
            cursor.execute(self._updates[once], [*values, key, *arrays])

    def _update(self, once: tuple[bool, ...]) -> str:
        """Return the statement in which those columns get one value, and the others an array."""
        key, *changed = self._fields
        pairs = list(zip(changed, once, strict=True))
        one = [field for field, is_one in pairs if is_one]
        own = [field for field, is_one in pairs if not is_one]
        assigned = [f"{name_of(field)} = %s::{type_of(field)}" for field in one]
        assigned += [f"{name_of(field)} = new.{name_of(field)}" for field in own]
        table, by = table_of(self._model), name_of(key)
        return (
            f"UPDATE {table} SET {', '.join(assigned)} FROM UNNEST({arrays_of([key, *own])})"  # noqa: S608  (a model's names)
            f" AS new({names_of([key, *own])}) WHERE {table}.{by} = new.{by}"
        )


def _copy(sql: str, rows: Iterable[Row]) -> None:
    """Send rows by the driver's own way, which neither wraps its errors nor tells watchers."""

    def run(sql: str, rows: Iterable[Row], *_: Any) -> None:
        with connection.wrap_database_errors, cursor.cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)

    with connection.cursor() as cursor:
        for watcher in reversed(connection.execute_wrappers):
            run = partial(watcher, run)
        began = time.monotonic()
        run(sql, rows, True, {"connection": connection, "cursor": cursor})  # noqa: FBT003
    if connection.queries_logged:
        took = time.monotonic() - began
        connection.queries_log.append({"sql": sql, "time": f"{took:.3f}"})


def _key_last(row: Sequence[Any]) -> list[Any]:
    return [*row[1:], row[0]]


def _is_one(column: Sequence[Any]) -> bool:
    """Return whether all values are the same.

    Equal is not enough: two times may be so but for `fold`, and 1 equals 1.0 and True.
    """
    first = column[0]
    kinds = {type(value) for value in column}
    if len(kinds) == 1 and kinds <= _EQUAL_IS_SAME:
        return column.count(first) == len(column)
    return all(value is first for value in column)
